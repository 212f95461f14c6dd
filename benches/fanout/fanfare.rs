//! Ours: an engine with default settings, everything on, and the declarative HTTP target.

use std::{error::Error, sync::Arc};

use fanfare::engine::{Broadcast, Engine, EngineBuilder, Target};
use fanfare_http::HttpTarget;
use fanfare_sdk::{Exchange, Http, Reply, SendError, TargetName, Transport, async_trait};
use serde_json::Value;

use super::contender::Contender;

/// One engine with a target for each address.
#[derive(Clone, Debug)]
pub(crate) struct Fanfare {
    engine: Engine,
    names: Arc<[TargetName]>,
    payload: Arc<Value>,
}

/// Answers at once and in memory: what is left is the engine's own work.
#[derive(Debug)]
struct AtOnce;

impl Fanfare {
    /// With the engine's own transport.
    pub(crate) async fn start(
        urls: &[String],
        payload: &Arc<Value>,
    ) -> Result<Self, Box<dyn Error>> {
        Self::with(Engine::builder(), urls, payload).await
    }

    /// Without a network.
    pub(crate) async fn start_alone(
        urls: &[String],
        payload: &Arc<Value>,
    ) -> Result<Self, Box<dyn Error>> {
        Self::with(Engine::builder().transport(Arc::new(AtOnce)), urls, payload).await
    }

    async fn with(
        mut builder: EngineBuilder,
        urls: &[String],
        payload: &Arc<Value>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut names = Vec::new();
        for (place, url) in urls.iter().enumerate() {
            let name = TargetName::from(format!("shop-{place}"));
            builder = builder.target(Target::new(name.clone(), Http(HttpTarget::post(url)?)));
            names.push(name);
        }
        let engine = builder.start().await?;
        Ok(Self { engine, names: names.into(), payload: payload.clone() })
    }

    /// Ends the engine.
    pub(crate) async fn end(&self) {
        self.engine.shutdown().await;
    }
}

impl Contender for Fanfare {
    async fn broadcast(&self) {
        let broadcast = Broadcast::json(&self.payload);
        let broadcast = self.names.iter().fold(broadcast, |all, name| all.to(name.clone()));
        let report = self.engine.broadcast(broadcast).await.expect("the broadcast is accepted");
        assert!(report.satisfied(), "every target was delivered to");
    }
}

#[async_trait]
impl Transport for AtOnce {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        exchange.progress.sending();
        exchange.progress.replied(200);
        Ok(Reply::http(200, http::HeaderMap::new(), "{}"))
    }
}

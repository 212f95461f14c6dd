//! Ours: an engine with default settings, everything on, and the declarative HTTP target.

use std::{error::Error, sync::Arc};

use fanfare::engine::{Broadcast, Engine, EngineBuilder, Target};
use fanfare_http::HttpTarget;
use fanfare_sdk::{Exchange, Http, Reply, SendError, TargetName, Transport, async_trait};
use serde_json::Value;

use super::{batch::Sender, stage::Stage};

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
    pub(crate) fn start(stage: &Stage<'_>) -> Result<Self, Box<dyn Error>> {
        Self::with(Engine::builder(), stage)
    }

    /// Without a network.
    pub(crate) fn start_alone(stage: &Stage<'_>) -> Result<Self, Box<dyn Error>> {
        Self::with(Engine::builder().transport(Arc::new(AtOnce)), stage)
    }

    /// With the settings that a row is about.
    pub(crate) fn with(
        mut builder: EngineBuilder,
        stage: &Stage<'_>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut names = Vec::new();
        for (place, url) in stage.urls().iter().enumerate() {
            let name = TargetName::from(format!("shop-{place}"));
            builder = builder.target(Target::new(name.clone(), Http(HttpTarget::post(url)?)));
            names.push(name);
        }
        let engine = stage.runtime.block_on(builder.start())?;
        Ok(Self { engine, names: names.into(), payload: stage.payload.clone() })
    }
}

impl Sender for Fanfare {
    async fn broadcast(&self) {
        let broadcast = Broadcast::json(&self.payload);
        let broadcast = self.names.iter().fold(broadcast, |all, name| all.to(name.clone()));
        let report = self.engine.broadcast(broadcast).await.expect("the broadcast is accepted");
        assert!(report.satisfied(), "every target was delivered to");
    }

    async fn end(&self) {
        self.engine.shutdown().await;
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

//! `fanfare send --dry-run`: the engine itself, with a way out that writes down and sends nothing.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fanfare_sdk::{Exchange, Reply, SecretUrl, SendError, Transport, async_trait, check};
use http::Request;

use super::plan::SendPlan;
use crate::{
    engine::{Engine, EngineBuilder},
    report::{Delivery, Outcome},
};

/// A way out that writes down and sends nothing.
#[derive(Debug, Default)]
pub(super) struct DryRun(Mutex<Vec<Request<Bytes>>>);

#[async_trait]
impl Transport for DryRun {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange.request);
        Ok(Reply::accepted(""))
    }
}

impl DryRun {
    /// The requests as they would leave, and why there is none for the others.
    pub(super) async fn play(plan: SendPlan) -> Result<(String, Vec<String>), String> {
        let way_out = Arc::new(Self::default());
        let builder = Engine::builder().transport(way_out.clone());
        let builder = plan.targets.into_iter().fold(builder, EngineBuilder::target);
        let engine = builder.start().await.map_err(|error| error.to_string())?;
        let report = engine.broadcast(plan.broadcast).await.map_err(|error| error.to_string())?;
        engine.shutdown().await;
        let unsendable = report.deliveries.iter().filter_map(unsendable).collect();
        let mut requests =
            std::mem::take(&mut *way_out.0.lock().unwrap_or_else(PoisonError::into_inner));
        requests.sort_by_key(|request| request.uri().to_string());
        Ok((requests.iter().map(text).collect::<Vec<_>>().join("\n"), unsendable))
    }
}

/// Why there is no request for a recipient that was not skipped.
fn unsendable(delivery: &Delivery) -> Option<String> {
    let outcome = delivery.outcome?;
    if matches!(outcome, Outcome::Delivered { .. } | Outcome::Skipped) {
        return None;
    }
    let ended = delivery.attempts.last().and_then(|attempt| attempt.ended.as_ref());
    let error = ended.and_then(|ended| ended.error.as_ref());
    let says = error.map_or(outcome.to_string(), |error| error.message.to_string());
    Some(format!("{}: {says}", delivery.target))
}

/// One request as text; what may be a secret reads `***`.
fn text(request: &Request<Bytes>) -> String {
    let mut text = format!("{} {}\n", request.method(), url(&SecretUrl::shown(request)));
    for (name, value) in request.headers() {
        let secret = value.is_sensitive() || check::is_secret_header(name.as_str());
        let value = if secret { "***".into() } else { String::from_utf8_lossy(value.as_bytes()) };
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !request.body().is_empty() {
        text.push_str(&format!("\n{}\n", String::from_utf8_lossy(request.body())));
    }
    text
}

/// A URL whose secret query values read `***`.
fn url(uri: &http::Uri) -> String {
    let text = uri.to_string();
    let Some((start, query)) = text.split_once('?') else { return text };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if check::is_secret_query_key(key) => format!("{key}=***"),
        Some(_) | None => pair.to_owned(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{start}?{}", pairs.join("&"))
}

//! `/metrics`: what the meter counts, as Prometheus reads it.

use axum::{extract::State, response::IntoResponse};
use http::header;
use opentelemetry_prometheus::PrometheusExporter;
use prometheus::{Encoder, Registry, TextEncoder};

use super::{
    ProblemKind,
    problem::Problem,
    router::{Answer, Shared},
};

/// Where the metrics of a meter are read.
#[derive(Clone, Debug)]
pub struct Exposition(Registry);

/// There is nothing to read metrics from.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be exposed: {0}")]
pub struct MetricsError(String);

impl Exposition {
    /// With the reader that belongs into the meter's provider.
    ///
    /// # Errors
    /// Where the reader cannot be registered.
    pub fn new() -> Result<(Self, PrometheusExporter), MetricsError> {
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .build()
            .map_err(|error| MetricsError(error.to_string()))?;
        Ok((Self(registry), reader))
    }

    /// All metrics, in the text format of Prometheus.
    ///
    /// # Errors
    /// Where two of them do not go together.
    pub fn text(&self) -> Result<String, MetricsError> {
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.0.gather(), &mut text)
            .map_err(|error| MetricsError(error.to_string()))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// `GET /metrics`
pub(super) async fn metrics(State(daemon): Shared) -> Answer {
    let Some(exposition) = daemon.exposition.clone() else {
        return Err(Problem::new(ProblemKind::NotFound, "no metrics are kept"));
    };
    // Gauges ask the engine: not on the thread that serves others.
    let text = tokio::task::spawn_blocking(move || exposition.text()).await;
    match text {
        Ok(Ok(text)) => {
            Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
        }
        Ok(Err(_)) | Err(_) => {
            Err(Problem::new(ProblemKind::Internal, "the metrics cannot be told"))
        }
    }
}

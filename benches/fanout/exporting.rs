//! The engine with every span exported: in batches, by OTLP, to a collector in another process.

use std::{error::Error, sync::Arc, time::Duration};

use fanfare::engine::Engine;
use opentelemetry::Context;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanProcessor},
};

use super::{batch::Sender, fanfare::Fanfare, stage::Stage, tls::tls};

/// Spans that wait: more than a batch makes, so that none is dropped and all are paid for.
const QUEUE: usize = 32_768;

/// An engine and the processor of its spans.
#[derive(Clone, Debug)]
pub(crate) struct Exporting {
    fanfare: Fanfare,
    spans: Shared,
}

/// A processor that the engine shares with whoever flushes it.
#[derive(Clone, Debug)]
struct Shared(Arc<BatchSpanProcessor>);

impl Exporting {
    /// With the engine's own transport.
    pub(crate) fn start(stage: &Stage<'_>) -> Result<Self, Box<dyn Error>> {
        let client =
            reqwest::blocking::Client::builder().tls_backend_preconfigured(tls()?).build()?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(stage.server.url(0, "/v1/traces"))
            .build()?;
        let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
        let mut spans = BatchSpanProcessor::new(exporter, config);
        spans.set_resource(&Resource::builder().with_service_name("fanout").build());
        let spans = Shared(Arc::new(spans));
        let fanfare = Fanfare::with(Engine::builder().spans(spans.clone()), stage)?;
        Ok(Self { fanfare, spans })
    }
}

impl Sender for Exporting {
    async fn broadcast(&self) {
        self.fanfare.broadcast().await;
    }

    async fn finish(&self) {
        let spans = self.spans.clone();
        let flushed = tokio::task::spawn_blocking(move || spans.force_flush());
        flushed.await.expect("nothing panics").expect("the collector takes them");
    }

    async fn end(&self) {
        self.fanfare.end().await;
    }
}

impl SpanProcessor for Shared {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }
}

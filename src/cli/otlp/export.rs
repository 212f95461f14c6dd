//! Exporters that are counted, so that it is known what was lost on the way.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    metrics::{Temporality, data::ResourceMetrics, exporter::PushMetricExporter},
    trace::{BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor},
};

/// What became of what was handed over.
#[derive(Debug, Default)]
pub(super) struct Tally {
    handed_over: AtomicU64,
    exported: AtomicU64,
    /// What the last failed export of spans failed of.
    spans_failed: Mutex<Option<String>>,
    /// What the last export of metrics failed of; they are sums, so that a later export makes good an earlier one.
    metrics_failed: Mutex<Option<String>>,
}

/// What was lost.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lost {
    /// Spans that no collector has taken.
    pub(super) spans: u64,
    /// Whether the last metrics were not taken.
    pub(super) metrics: bool,
    /// Of what.
    pub(super) because: String,
}

/// Hands spans to a batch, and counts them.
#[derive(Clone, Debug)]
pub(super) struct Counting {
    pub(super) batch: Arc<BatchSpanProcessor>,
    pub(super) tally: Arc<Tally>,
}

/// Exports, and says to the tally what became of it.
#[derive(Debug)]
pub(super) struct Tallied<E> {
    pub(super) exporter: E,
    pub(super) tally: Arc<Tally>,
}

impl Tally {
    /// What was lost; none where nothing was.
    pub(super) fn lost(&self) -> Option<Lost> {
        let exported = self.exported.load(Ordering::Acquire);
        let spans = self.handed_over.load(Ordering::Acquire).saturating_sub(exported);
        let (of_spans, of_metrics) = (read(&self.spans_failed), read(&self.metrics_failed));
        let metrics = of_metrics.is_some();
        let because = of_spans.filter(|_| spans > 0).or(of_metrics);
        let because = because.unwrap_or_else(|| "it was not done in time".into());
        (spans > 0 || metrics).then_some(Lost { spans, metrics, because })
    }
}

fn read(text: &Mutex<Option<String>>) -> Option<String> {
    text.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn write(text: &Mutex<Option<String>>, says: Option<String>) {
    *text.lock().unwrap_or_else(PoisonError::into_inner) = says;
}

/// What it failed of, without a URL and a header.
fn failure(done: &OTelSdkResult) -> Option<String> {
    done.as_ref().err().map(|error| match error {
        OTelSdkError::InternalFailure(says) => {
            let says = says.strip_prefix("HTTP export failed").unwrap_or(says);
            says.trim_start_matches(": ").trim_start_matches(" with ").to_owned()
        }
        OTelSdkError::Timeout(_) | OTelSdkError::AlreadyShutdown => error.to_string(),
    })
}

impl SpanProcessor for Counting {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.batch.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.tally.handed_over.fetch_add(1, Ordering::AcqRel);
        self.batch.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.batch.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.batch.shutdown_with_timeout(timeout)
    }
}

impl<E: SpanExporter> SpanExporter for Tallied<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let done = self.exporter.export(batch).await;
        match failure(&done) {
            None => {
                self.tally.exported.fetch_add(spans, Ordering::AcqRel);
            }
            says => write(&self.tally.spans_failed, says),
        }
        done
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Tallied<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let done = self.exporter.export(metrics).await;
        write(&self.tally.metrics_failed, failure(&done));
        done
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

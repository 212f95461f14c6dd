//! Set up before the engine, attached to it, flushed after it. Whatever goes wrong here costs a line on standard
//! error, and changes nothing else.

use std::{env, sync::Arc, thread, time::Duration};

use http::{HeaderMap, HeaderValue};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_prometheus::PrometheusExporter;
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SpanProcessor},
};
use tokio::{sync::oneshot, time::timeout};

use super::{
    export::{Counting, Lost, Tallied, Tally},
    settings::{Settings, Signal},
};
use crate::{
    cli::output::warn,
    engine::{Broadcast, EngineBuilder},
    telemetry::{extract, resource},
    transport::exporter_client,
};

/// Spans that wait for their export. Bounds memory: a span has about a kilobyte. The default of the specification
/// (2,048) is too small for a burst of broadcasts to many recipients.
const QUEUE_MAX: usize = 8_192;

/// How long the program waits for the last exports.
const FLUSH_MAX: Duration = Duration::from_secs(3);

/// Where spans and metrics go, if anywhere.
#[derive(Debug)]
pub(in crate::cli) struct Otlp {
    spans: Option<Counting>,
    meters: Option<SdkMeterProvider>,
    sampler: Sampler,
    tally: Arc<Tally>,
    shown: String,
}

impl Otlp {
    /// As the environment asks for it. To be called outside of a runtime: it starts threads with clients of their own.
    pub(in crate::cli) fn from_env() -> Self {
        Self::with(None)
    }

    /// The same, with metrics that are also read from here.
    pub(in crate::cli) fn exposing(reader: PrometheusExporter) -> Self {
        Self::with(Some(reader))
    }

    fn with(reader: Option<PrometheusExporter>) -> Self {
        let mut settings = Settings::read(&|name| env::var(name).ok());
        let (tally, resource) = (Arc::new(Tally::default()), resource());
        let signals = [&settings.traces, &settings.metrics];
        let shown = signals.into_iter().flatten().map(|it| it.shown.clone()).next();
        let traces = settings.traces.map(|signal| spans(&signal, &tally, &resource)).transpose();
        let exporter = settings.metrics.map(|signal| exporter(&signal, &tally)).transpose();
        let mut spans = None;
        match traces {
            Ok(built) => spans = built,
            Err(says) => settings.wrong.push(says),
        }
        let exporter = exporter.unwrap_or_else(|says| {
            settings.wrong.push(says);
            None
        });
        let meters = (reader.is_some() || exporter.is_some()).then(|| {
            let builder = SdkMeterProvider::builder().with_resource(resource);
            let builder = match reader {
                Some(reader) => builder.with_reader(reader),
                None => builder,
            };
            match exporter {
                Some(exporter) => {
                    builder.with_reader(PeriodicReader::builder(exporter).build()).build()
                }
                None => builder.build(),
            }
        });
        settings.wrong.dedup();
        settings.wrong.iter().for_each(|says| warn(&format!("no OTLP export: {says}")));
        Self { spans, meters, sampler: settings.sampler, tally, shown: shown.unwrap_or_default() }
    }

    /// Lets the engine tell what happens.
    pub(in crate::cli) fn attach(&self, mut builder: EngineBuilder) -> EngineBuilder {
        if let Some(spans) = &self.spans {
            builder = builder.spans(spans.clone()).sampler(self.sampler.clone());
        }
        match &self.meters {
            Some(meters) => builder.meter(&meters.meter("fanfare")),
            None => builder,
        }
    }

    /// Continues the trace that the environment names (`TRACEPARENT` and `TRACESTATE`).
    pub(in crate::cli) fn continuing(broadcast: Broadcast) -> Broadcast {
        let mut headers = HeaderMap::new();
        for (name, variable) in [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")] {
            let value = env::var(variable).ok().and_then(|it| HeaderValue::try_from(it).ok());
            headers.extend(value.map(|value| (http::HeaderName::from_static(name), value)));
        }
        match extract(&headers) {
            Some(caller) => broadcast.continuing(caller),
            None => broadcast,
        }
    }

    /// Exports what is left, and says what was lost.
    pub(in crate::cli) async fn flush(self) {
        let Self { spans, meters, tally, shown, .. } = self;
        // Threads of their own: the runtime would wait for blocking calls without end.
        let waiting = [
            spans.map(|spans| apart(move || drop(spans.shutdown_with_timeout(FLUSH_MAX)))),
            meters.map(|meters| apart(move || drop(meters.shutdown_with_timeout(FLUSH_MAX)))),
        ];
        let all = async {
            for done in waiting.into_iter().flatten() {
                // A thread that is gone has told all it had to.
                done.await.unwrap_or_default();
            }
        };
        drop(timeout(FLUSH_MAX, all).await);
        if let Some(Lost { spans, metrics, because }) = tally.lost() {
            let mut lost = Vec::new();
            let plural = if spans == 1 { "" } else { "s" };
            lost.extend((spans > 0).then(|| format!("{spans} span{plural}")));
            lost.extend(metrics.then(|| "the metrics".to_owned()));
            warn(&format!("OTLP export to {shown} failed: {because}; {} lost", lost.join(" and ")));
        }
    }
}

fn spans(signal: &Signal, tally: &Arc<Tally>, resource: &Resource) -> Result<Counting, String> {
    let client = exporter_client(signal.timeout).map_err(|error| error.to_string())?;
    let exporter = SpanExporter::builder().with_http().with_http_client(client).build();
    let exporter = Tallied { exporter: exporter.map_err(|e| says(&e))?, tally: tally.clone() };
    let mut config = BatchConfigBuilder::default();
    if env::var_os("OTEL_BSP_MAX_QUEUE_SIZE").is_none() {
        config = config.with_max_queue_size(QUEUE_MAX);
    }
    let mut batch = BatchSpanProcessor::new(exporter, config.build());
    batch.set_resource(resource);
    Ok(Counting { batch: Arc::new(batch), tally: tally.clone() })
}

fn exporter(signal: &Signal, tally: &Arc<Tally>) -> Result<Tallied<MetricExporter>, String> {
    let client = exporter_client(signal.timeout).map_err(|error| error.to_string())?;
    let exporter = MetricExporter::builder().with_http().with_http_client(client).build();
    Ok(Tallied { exporter: exporter.map_err(|e| says(&e))?, tally: tally.clone() })
}

/// Never the endpoint itself: it may have a secret in it.
fn says(error: &ExporterBuildError) -> String {
    let text = error.to_string();
    let what = text.split_once(": ").map_or(text.as_str(), |(_, what)| what);
    if what.contains("://") { "the endpoint cannot be used".to_owned() } else { what.to_owned() }
}

/// Runs a blocking call on a thread of its own.
fn apart(call: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
    let (done, waiting) = oneshot::channel();
    thread::spawn(move || {
        call();
        // Nobody may be waiting any more.
        done.send(()).unwrap_or_default();
    });
    waiting
}

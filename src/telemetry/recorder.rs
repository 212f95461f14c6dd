//! Hands finished spans to a processor, and what is counted to a meter.

use std::{sync::Arc, time::Duration};

use fanfare_sdk::TargetName;
use opentelemetry::{
    Context, TraceId,
    metrics::Meter,
    trace::{SpanKind, TraceContextExt},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample, SpanData, SpanProcessor};

use super::{AttemptEnd, Observer, metrics::Metrics, names::span, spans};
use crate::report::{Limit, Outcome, Report, Trace, Usage, VersionEnd, Written};

/// The bit of a trace's flags that says that its spans are exported.
const SAMPLED: u8 = 0x01;

/// Hands finished spans to a processor, and what is counted to a meter. Does nothing until it is given one.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    processor: Option<Box<dyn SpanProcessor>>,
    sampler: Option<Box<dyn ShouldSample>>,
    metrics: Option<Metrics>,
}

impl Recorder {
    /// Spans go there.
    pub(crate) fn spans(&mut self, processor: impl SpanProcessor + 'static) {
        self.processor = Some(Box::new(processor));
    }

    /// It decides which traces are exported; those of the parent, and all new ones, unless set.
    pub(crate) fn sampler(&mut self, sampler: impl ShouldSample + 'static) {
        self.sampler = Some(Box::new(sampler));
    }

    /// Metrics are made there.
    pub(crate) fn meter(&mut self, meter: &Meter) {
        self.metrics = Some(Metrics::new(meter));
    }

    /// As the engine tells it; none where it was given nothing.
    pub(crate) fn into_observer(self) -> Option<Arc<dyn Observer>> {
        let on = self.processor.is_some() || self.metrics.is_some();
        on.then(|| Arc::new(self) as Arc<dyn Observer>)
    }

    fn export(&self, trace: &Trace, spans: impl FnOnce() -> Vec<SpanData>) {
        if let Some(processor) = self.processor.as_deref().filter(|_| trace.flags & SAMPLED != 0) {
            spans().into_iter().for_each(|span| processor.on_end(span));
        }
    }
}

impl Observer for Recorder {
    fn flags(&self, trace: &Trace) -> u8 {
        if self.processor.is_none() {
            return trace.flags;
        }
        let parent = trace.parent_id.map(|parent| {
            let parent = spans::context(trace, parent, trace.parent_is_remote);
            Context::new().with_remote_span_context(parent)
        });
        let default = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let sampler = self.sampler.as_deref().unwrap_or(&default);
        let asked = sampler.should_sample(
            parent.as_ref(),
            TraceId::from_bytes(trace.trace_id),
            span::BROADCAST,
            &SpanKind::Internal,
            &[],
            &[],
        );
        match asked.decision {
            SamplingDecision::RecordAndSample => trace.flags | SAMPLED,
            SamplingDecision::Drop | SamplingDecision::RecordOnly => trace.flags & !SAMPLED,
        }
    }

    fn attempt_ended(&self, end: &AttemptEnd<'_>) {
        self.export(end.trace, || spans::attempt(end));
        if let Some(metrics) = &self.metrics {
            metrics.attempt_ended(end);
        }
    }

    fn delivery_settled(&self, recipient: &TargetName, outcome: Outcome, took: Duration) {
        if let Some(metrics) = &self.metrics {
            metrics.delivery_settled(recipient, outcome, took);
        }
    }

    fn broadcast_settled(&self, report: &Report) {
        self.export(&report.trace, || spans::broadcast(report));
        if let Some(metrics) = &self.metrics {
            metrics.broadcast_settled(report);
        }
    }

    fn breaker_changed(&self, target: &TargetName, to: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.breaker_changed(target, to);
        }
    }

    fn limit_reached(&self, limit: Limit, target: Option<&TargetName>) {
        if let Some(metrics) = &self.metrics {
            metrics.limit_reached(limit, target);
        }
    }

    fn measure(&self, usage: Box<dyn Fn() -> Vec<Usage> + Send + Sync>) {
        if let Some(metrics) = &self.metrics {
            metrics.measure(&Arc::from(usage));
        }
    }

    fn measure_journal(&self, written: Box<dyn Fn() -> Written + Send + Sync>) {
        if let Some(metrics) = &self.metrics {
            metrics.measure_journal(&Arc::from(written));
        }
    }

    fn measure_versions(&self, ends: Box<dyn Fn() -> Vec<VersionEnd> + Send + Sync>) {
        if let Some(metrics) = &self.metrics {
            metrics.measure_versions(ends);
        }
    }

    #[cfg(feature = "daemon")]
    fn reloaded(&self, result: &'static str, times: u64) {
        if let Some(metrics) = &self.metrics {
            metrics.reloaded(result, times);
        }
    }

    fn announced(&self, target: &TargetName, kind: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.announced(target, kind);
        }
    }
}

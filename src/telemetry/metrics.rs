//! Metrics, by the OpenTelemetry API. Attributes have few values: configured names and codes.

use std::time::Duration;

use fanfare_sdk::TargetName;
use opentelemetry::{
    KeyValue,
    metrics::{Counter, Histogram, Meter},
};

use super::{
    AttemptEnd, http_client,
    names::{attribute, metric},
    spans::{outcome_attributes, text, verdict_attributes},
};
use crate::report::{Outcome, Report};

/// Boundaries of the semantic conventions for HTTP, in seconds.
const REQUEST_BOUNDARIES: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// In seconds, up to the three days that a webhook may be repeated for.
const DELIVERY_BOUNDARIES: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0,
    3_600.0, 21_600.0, 86_400.0, 259_200.0,
];

/// The instruments.
#[derive(Debug)]
pub(super) struct Metrics {
    request_duration: Histogram<f64>,
    broadcasts: Counter<u64>,
    broadcast_duration: Histogram<f64>,
    deliveries: Counter<u64>,
    delivery_duration: Histogram<f64>,
    attempts: Counter<u64>,
    breaker_transitions: Counter<u64>,
    warnings: Counter<u64>,
}

impl Metrics {
    pub(super) fn new(meter: &Meter) -> Self {
        let counter = |name, unit, says| {
            meter.u64_counter(name).with_unit(unit).with_description(says).build()
        };
        let seconds = |name, boundaries: &[f64], says| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(says);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        Self {
            request_duration: seconds(
                metric::REQUEST_DURATION,
                REQUEST_BOUNDARIES,
                "Duration of HTTP client requests.",
            ),
            broadcasts: counter(metric::BROADCASTS, "{broadcast}", "Broadcasts that have settled."),
            broadcast_duration: seconds(
                metric::BROADCAST_DURATION,
                DELIVERY_BOUNDARIES,
                "From the acceptance of a broadcast to its verdict.",
            ),
            deliveries: counter(metric::DELIVERIES, "{delivery}", "Deliveries that have settled."),
            delivery_duration: seconds(
                metric::DELIVERY_DURATION,
                DELIVERY_BOUNDARIES,
                "From the acceptance of a broadcast to the end of a delivery.",
            ),
            attempts: counter(metric::ATTEMPTS, "{attempt}", "Attempts that have ended."),
            breaker_transitions: counter(
                metric::BREAKER_TRANSITIONS,
                "{transition}",
                "Changes of a breaker's state.",
            ),
            warnings: counter(metric::WARNINGS, "{warning}", "Ends of versions, announced."),
        }
    }

    pub(super) fn attempt_ended(&self, end: &AttemptEnd<'_>) {
        let target = KeyValue::new(attribute::TARGET, text(&end.started.way.target));
        let meaning = KeyValue::new(attribute::ATTEMPT_MEANING, end.ended.meaning.code());
        self.attempts.add(1, &[target, meaning]);
        for exchange in http_client::finished(end) {
            self.request_duration.record(exchange.took().as_secs_f64(), &exchange.attributes());
        }
    }

    pub(super) fn delivery_settled(&self, to: &TargetName, outcome: Outcome, took: Duration) {
        let mut attributes = vec![KeyValue::new(attribute::TARGET, text(to))];
        attributes.extend(outcome_attributes(outcome));
        self.deliveries.add(1, &attributes);
        self.delivery_duration.record(took.as_secs_f64(), &attributes);
    }

    pub(super) fn broadcast_settled(&self, report: &Report) {
        let Some(verdict) = report.verdict else { return };
        let mut attributes = verdict_attributes(verdict.satisfied, verdict.by).to_vec();
        let route = report.route.clone();
        attributes.extend(route.map(|route| KeyValue::new(attribute::BROADCAST_ROUTE, route)));
        self.broadcasts.add(1, &attributes);
        let took = verdict.at.since(report.accepted_at);
        self.broadcast_duration.record(took.as_secs_f64(), &attributes);
    }

    pub(super) fn breaker_changed(&self, target: &TargetName, to: &'static str) {
        let target = KeyValue::new(attribute::TARGET, text(target));
        self.breaker_transitions.add(1, &[target, KeyValue::new(attribute::BREAKER_STATE, to)]);
    }

    pub(super) fn announced(&self, target: &TargetName, kind: &'static str) {
        let target = KeyValue::new(attribute::TARGET, text(target));
        self.warnings.add(1, &[target, KeyValue::new(attribute::WARNING_KIND, kind)]);
    }
}

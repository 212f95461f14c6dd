//! Metrics, by the OpenTelemetry API. Attributes have few values: configured names and codes.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

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
use crate::report::{Limit, Outcome, Report, Usage, VersionEnd, Written};

/// Boundaries of the semantic conventions for HTTP, in seconds.
const REQUEST_BOUNDARIES: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// In seconds, up to the three days that a webhook may be repeated for.
const DELIVERY_BOUNDARIES: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0,
    3_600.0, 21_600.0, 86_400.0, 259_200.0,
];

/// Names of routes that are kept apart. Each makes some time series.
const ROUTES_MAX: usize = 1_000;

/// Stands for all routes beyond these.
const OTHER: &str = "_other";

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
    limits_reached: Counter<u64>,
    #[cfg(feature = "daemon")]
    reloads: Counter<u64>,
    /// Names of routes come from whoever sends.
    routes: Mutex<HashSet<String>>,
    meter: Meter,
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
            limits_reached: counter(
                metric::LIMIT_REACHED,
                "{time}",
                "Something was refused or cut short because of a limit.",
            ),
            #[cfg(feature = "daemon")]
            reloads: counter(
                metric::RELOADS,
                "{reload}",
                "Configurations that were to be taken over.",
            ),
            routes: Mutex::default(),
            meter: meter.clone(),
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
        let route = report.route.as_ref().map(|route| self.route(route));
        attributes.extend(route.map(|route| KeyValue::new(attribute::BROADCAST_ROUTE, route)));
        self.broadcasts.add(1, &attributes);
        let took = verdict.at.since(report.accepted_at);
        self.broadcast_duration.record(took.as_secs_f64(), &attributes);
    }

    pub(super) fn breaker_changed(&self, target: &TargetName, to: &'static str) {
        let target = KeyValue::new(attribute::TARGET, text(target));
        self.breaker_transitions.add(1, &[target, KeyValue::new(attribute::BREAKER_STATE, to)]);
    }

    pub(super) fn limit_reached(&self, limit: Limit, target: Option<&TargetName>) {
        self.limits_reached.add(1, &limit_attributes(limit, target));
    }

    #[cfg(feature = "daemon")]
    pub(super) fn reloaded(&self, result: &'static str, times: u64) {
        self.reloads.add(times, &[KeyValue::new(attribute::RELOAD_RESULT, result)]);
    }

    /// Shows how near the limits are, whenever somebody collects.
    pub(super) fn measure(&self, usage: &Arc<dyn Fn() -> Vec<Usage> + Send + Sync>) {
        let gauge = |name, says, value: fn(&Usage) -> u64| {
            let usage = usage.clone();
            let gauge = self.meter.u64_observable_gauge(name).with_description(says);
            gauge
                .with_callback(move |observer| {
                    for it in usage() {
                        let attributes = limit_attributes(it.limit, it.target.as_ref());
                        observer.observe(value(&it), &attributes);
                    }
                })
                .build()
        };
        // The callbacks stay with the meter.
        gauge(metric::LIMIT_USED, "How much is used of what is limited.", |it| it.used);
        gauge(metric::LIMIT_MAX, "How much of it may be used.", |it| it.max);
    }

    /// Shows how much the journal has written, whenever somebody collects.
    pub(super) fn measure_journal(&self, written: &Arc<dyn Fn() -> Written + Send + Sync>) {
        let counter = |(name, unit), says, value: fn(&Written) -> u64| {
            let written = written.clone();
            let counter =
                self.meter.u64_observable_counter(name).with_unit(unit).with_description(says);
            counter.with_callback(move |observer| observer.observe(value(&written()), &[])).build()
        };
        // The callbacks stay with the meter.
        counter((metric::JOURNAL_COMMITS, "{commit}"), "Commits of the journal on disk.", |it| {
            it.commits
        });
        counter((metric::JOURNAL_CALLS, "{call}"), "Calls that were committed.", |it| it.calls);
        let written = written.clone();
        let trouble = self.meter.u64_observable_gauge(metric::JOURNAL_TROUBLE);
        trouble
            .with_description("1 while nothing can be written, else 0.")
            .with_callback(move |observer| observer.observe(written().in_trouble.into(), &[]))
            .build();
    }

    /// Shows when versions are likely to be gone, whenever somebody collects.
    pub(super) fn measure_versions(&self, ends: Box<dyn Fn() -> Vec<VersionEnd> + Send + Sync>) {
        let gauge = self.meter.u64_observable_gauge(metric::VERSION_SUNSET).with_unit("s");
        // The callback stays with the meter.
        gauge
            .with_description("When a version is likely to be gone, in seconds since 1970.")
            .with_callback(move |observer| {
                for VersionEnd { target, version, at } in ends() {
                    let mut attributes = vec![KeyValue::new(attribute::TARGET, text(&target))];
                    let version = version.map(|it| it.as_str().to_owned());
                    attributes.extend(version.map(|it| KeyValue::new(attribute::VERSION, it)));
                    // What was gone before 1970 is gone.
                    observer.observe(u64::try_from(at.as_secs()).unwrap_or(0), &attributes);
                }
            })
            .build();
    }

    /// The route as an attribute; beyond a thousand of them, none of its own.
    fn route(&self, route: &str) -> String {
        let mut known = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(route) {
            if known.len() >= ROUTES_MAX {
                return OTHER.to_owned();
            }
            known.insert(route.to_owned());
        }
        route.to_owned()
    }

    pub(super) fn announced(&self, target: &TargetName, kind: &'static str) {
        let target = KeyValue::new(attribute::TARGET, text(target));
        self.warnings.add(1, &[target, KeyValue::new(attribute::WARNING_KIND, kind)]);
    }
}

fn limit_attributes(limit: Limit, target: Option<&TargetName>) -> Vec<KeyValue> {
    let mut attributes = vec![KeyValue::new(attribute::LIMIT, limit.code())];
    attributes.extend(target.map(|target| KeyValue::new(attribute::TARGET, text(target))));
    attributes
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn requests_are_measured_as_the_conventions_have_it() {
        let conventions: Value =
            serde_json::from_str(include_str!("vectors/http_client_span_rules.json")).unwrap();
        let metric = &conventions["metric"];
        let boundaries = metric["boundaries"].as_array().unwrap().iter().map(Value::as_f64);
        let ours = super::REQUEST_BOUNDARIES.iter().copied().map(Some);
        assert!(boundaries.eq(ours), "{metric}");
        let (name, unit) = (super::metric::REQUEST_DURATION, "s");
        assert_eq!((&metric["name"], &metric["unit"]), (&json!(name), &json!(unit)));
    }
}

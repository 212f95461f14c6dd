//! Metrics count what happened, with few attributes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fanfare::{
    Target,
    policy::gate::{BreakerPolicy, GatePolicy},
    report::Notice,
    sdk::Timestamp,
    targets::http::{HttpSettings, VersionIn},
};
use fanfare_testkit::Scripted;
use opentelemetry::{KeyValue, metrics::MeterProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality,
        data::{AggregatedMetrics, MetricData, ResourceMetrics},
        exporter::PushMetricExporter,
    },
};

use super::stage::{apis, builder, slow, target, to};

/// Keeps what is exported, a line for each point.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl PushMetricExporter for Kept {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let metrics = metrics.scope_metrics().flat_map(|scope| scope.metrics());
        let lines = metrics.flat_map(|it| lines(it.name(), it.unit(), it.data())).collect();
        *self.0.lock().unwrap() = lines;
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

/// `fanfare.attempts fanfare.target=a fanfare.attempt.meaning=retry: 2 {attempt}`
fn lines(name: &str, unit: &str, data: &AggregatedMetrics) -> Vec<String> {
    fn line<'a>(
        (name, unit): (&str, &str),
        attributes: impl Iterator<Item = &'a KeyValue>,
        value: &str,
    ) -> String {
        let mut attributes: Vec<_> =
            attributes.map(|it| format!(" {}={}", it.key, it.value)).collect();
        attributes.sort();
        format!("{name}{}: {value} {unit}", attributes.concat())
    }
    match data {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => sum
            .data_points()
            .map(|point| line((name, unit), point.attributes(), &point.value().to_string()))
            .collect(),
        AggregatedMetrics::U64(MetricData::Gauge(gauge)) => gauge
            .data_points()
            .map(|point| line((name, unit), point.attributes(), &point.value().to_string()))
            .collect(),
        AggregatedMetrics::F64(MetricData::Histogram(histogram)) => histogram
            .data_points()
            .map(|point| {
                let value = format!("{} of {:.3}", point.count(), point.sum());
                line((name, unit), point.attributes(), &value)
            })
            .collect(),
        _ => vec![format!("{name} is of another kind")],
    }
}

/// The meters of an engine, and what they say.
fn meters() -> (SdkMeterProvider, Kept) {
    let kept = Kept::default();
    let reader = PeriodicReader::builder(kept.clone()).build();
    (SdkMeterProvider::builder().with_reader(reader).build(), kept)
}

#[tokio::test(start_paused = true)]
async fn what_happened_is_counted() {
    let script: &[_] = &[slow(503), slow(200)];
    let apis = apis(&[("a", script), ("down", &[Scripted::refused()])]);
    let mut down = target("down");
    down.policy_mut().retry.attempts_max = 1;
    let breaker = BreakerPolicy::try_new(1, Duration::from_secs(30), 1).unwrap();
    let down = down.gate(GatePolicy { breaker: Some(breaker), ..GatePolicy::default() });
    let (provider, kept) = meters();
    let builder = builder(&apis).target(target("a")).target(down);
    let engine = builder.meter(&provider.meter("test")).start().await.unwrap();
    engine.broadcast(to(&["a"]).optional("down")).await.unwrap();
    provider.force_flush().unwrap();
    let mut lines = kept.0.lock().unwrap().clone();
    lines.retain(|line| !line.starts_with("fanfare.limit."));
    lines.sort();
    let verdict = "fanfare.broadcast.completed_by=all fanfare.broadcast.verdict=satisfied";
    let a = "fanfare.delivery.outcome=delivered fanfare.target=a";
    let lost = "fanfare.delivery.outcome=failed fanfare.delivery.reason=attempts_used_up fanfare.target=down";
    let at = |name: &str| format!("server.address={name}.example server.port=80");
    let expected = [
        "fanfare.attempts fanfare.attempt.meaning=retry fanfare.target=a: 1 {attempt}".to_owned(),
        "fanfare.attempts fanfare.attempt.meaning=retry fanfare.target=down: 1 {attempt}".to_owned(),
        "fanfare.attempts fanfare.attempt.meaning=success fanfare.target=a: 1 {attempt}".to_owned(),
        "fanfare.breaker.transitions fanfare.breaker.state=open fanfare.target=down: 1 {transition}".to_owned(),
        format!("fanfare.broadcast.duration {verdict}: 1 of 0.140 s"),
        format!("fanfare.broadcasts {verdict}: 1 {{broadcast}}"),
        format!("fanfare.deliveries {a}: 1 {{delivery}}"),
        format!("fanfare.deliveries {lost}: 1 {{delivery}}"),
        format!("fanfare.delivery.duration {a}: 1 of 0.140 s"),
        format!("fanfare.delivery.duration {lost}: 1 of 0.000 s"),
        format!("http.client.request.duration error.type=503 http.request.method=POST http.response.status_code=503 {}: 1 of 0.020 s", at("a")),
        format!("http.client.request.duration error.type=connect http.request.method=POST {}: 1 of 0.000 s", at("down")),
        format!("http.client.request.duration http.request.method=POST http.response.status_code=200 {}: 1 of 0.020 s", at("a")),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test(start_paused = true)]
async fn an_announced_end_of_a_version_is_counted_once() {
    let ends = Scripted::status(200).header("deprecation", "@1700000000");
    let (apis, (provider, kept)) = (apis(&[("a", &[ends])]), meters());
    let builder = builder(&apis).target(target("a"));
    let engine = builder.meter(&provider.meter("test")).start().await.unwrap();
    for _ in 0..2 {
        engine.broadcast(to(&["a"])).await.unwrap();
    }
    provider.force_flush().unwrap();
    let lines = kept.0.lock().unwrap().clone();
    let expected = "fanfare.warnings fanfare.target=a fanfare.warning.kind=deprecated: 1 {warning}";
    assert!(lines.iter().any(|line| line == expected), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_configured_end_of_a_version_is_counted_once() {
    let (apis, (provider, kept)) = (apis(&[("a", &[Scripted::status(200)])]), meters());
    let mut known = Notice::default();
    known.sunset = Some(Timestamp::from_secs(1_800_000_000));
    let place = HttpSettings::post("http://a.example/").version_in(VersionIn::Query("v".into()));
    let target = Target::http("a", place.build().unwrap()).versions(["2"]).known("2", known);
    let engine = builder(&apis).target(target).meter(&provider.meter("test")).start().await;
    let engine = engine.unwrap();
    for _ in 0..2 {
        engine.broadcast(to(&["a"])).await.unwrap();
    }
    provider.force_flush().unwrap();
    let lines = kept.0.lock().unwrap().clone();
    for expected in [
        "fanfare.warnings fanfare.target=a fanfare.warning.kind=sunset: 1 {warning}",
        "fanfare.version.sunset fanfare.target=a fanfare.version=2: 1800000000 s",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_shows_how_near_the_limits_are() {
    let apis = apis(&[("a", &[slow(200)])]);
    let (provider, kept) = meters();
    let builder = builder(&apis).target(target("a").queue_max(2));
    let engine = builder.meter(&provider.meter("test")).start().await.unwrap();
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(engine.send(to(&["a"])).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    provider.force_flush().unwrap();
    let lines = kept.0.lock().unwrap().clone();
    for expected in [
        "fanfare.limit.used fanfare.limit=queue fanfare.target=a: 2 ",
        "fanfare.limit.max fanfare.limit=queue fanfare.target=a: 2 ",
        "fanfare.limit.used fanfare.limit=concurrency fanfare.target=a: 2 ",
        "fanfare.limit.max fanfare.limit=concurrency fanfare.target=a: 128 ",
        "fanfare.limit.used fanfare.limit=deliveries_open: 2 ",
        "fanfare.limit.max fanfare.limit=in_flight: 10000 ",
        "fanfare.limit.reached fanfare.limit=queue fanfare.target=a: 1 {time}",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
    }
    for handle in handles {
        handle.settled().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn strange_names_of_routes_do_not_make_new_series_for_ever() {
    let apis = apis(&[("a", &[Scripted::status(200)])]);
    let (provider, kept) = meters();
    let builder = builder(&apis).target(target("a"));
    let engine = builder.meter(&provider.meter("test")).start().await.unwrap();
    for number in 0..1_100 {
        engine.broadcast(to(&["a"]).route(format!("route {number}"))).await.unwrap();
    }
    provider.force_flush().unwrap();
    let lines = kept.0.lock().unwrap().clone();
    let routes: Vec<_> =
        lines.iter().filter(|line| line.starts_with("fanfare.broadcasts ")).collect();
    let other =
        routes.iter().filter(|line| line.contains("fanfare.broadcast.route=_other")).count();
    assert_eq!((routes.len(), other), (1_001, 1));
    assert!(
        routes.iter().any(|line| line.contains("_other") && line.ends_with(": 100 {broadcast}"))
    );
}

//! What the program exports by OTLP, and what it does where nobody takes it.

use std::process::{Command, Output, Stdio};

use fanfare_testkit::{MockApi, Received, Scripted};
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message;

const CANARY: &str = "c4n4ry";

/// `fanfare send` to that API, with these variables and none of the test's own.
async fn send(api: &MockApi, env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(["send", r#"{"a":1}"#, "--to", &api.url("/ok"), "--output", "json"]);
    command.env_clear().envs(env.iter().copied()).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn collector() -> MockApi {
    MockApi::start_routes([
        ("/v1/traces", Scripted::status(200)),
        ("/v1/metrics", Scripted::status(200)),
    ])
    .await
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn received(collector: &MockApi, path: &str) -> Vec<Received> {
    collector.received().into_iter().filter(|request| request.path() == path).collect()
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == key)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

/// The spans that a collector got, with the name of the service that sent them.
fn spans(collector: &MockApi) -> (Vec<Span>, String) {
    let mut service = String::new();
    let mut spans = Vec::new();
    for request in received(collector, "/v1/traces") {
        let sent = ExportTraceServiceRequest::decode(request.body).unwrap();
        for resource in sent.resource_spans {
            let of = resource.resource.unwrap().attributes;
            service = value(&of, "service.name").unwrap();
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (spans, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_exports_one_trace_and_its_metrics() {
    let (api, collector) = (MockApi::start(Scripted::status(200)).await, collector().await);
    let endpoint = collector.url("");
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=c4n4ry"),
        ("OTEL_SERVICE_NAME", "tester"),
        ("TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("TRACESTATE", "vendor=1"),
    ];
    let output = send(&api, &env).await;
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let (spans, service) = spans(&collector);
    assert_eq!(service, "tester");
    let by_name = |name: &str| spans.iter().find(|span| span.name.starts_with(name)).unwrap();
    let (broadcast, deliver, post) = (by_name("broadcast"), by_name("deliver "), by_name("POST"));
    assert_eq!(spans.len(), 3);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&broadcast.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&broadcast.parent_span_id), "b7ad6b7169203331");
    assert_eq!(deliver.parent_span_id, broadcast.span_id);
    assert_eq!(post.parent_span_id, deliver.span_id);
    assert_eq!(post.trace_state, "vendor=1");
    let sent = api.received();
    let parent = sent[0].header("traceparent").unwrap();
    assert_eq!(parent, format!("00-{}-{}-01", hex(&post.trace_id), hex(&post.span_id)));
    assert_eq!(value(&post.attributes, "http.response.status_code").as_deref(), Some("200"));
    assert_eq!(value(&post.attributes, "network.protocol.version").as_deref(), Some("1.1"));
    assert!(post.end_time_unix_nano > post.start_time_unix_nano);
    for request in received(&collector, "/v1/traces") {
        assert_eq!(request.header("x-key"), Some(CANARY), "the collector gets its header");
    }
    let mut names = Vec::new();
    for request in received(&collector, "/v1/metrics") {
        let sent = ExportMetricsServiceRequest::decode(request.body).unwrap();
        let scopes = sent.resource_metrics.into_iter().flat_map(|it| it.scope_metrics);
        names.extend(scopes.flat_map(|scope| scope.metrics).map(|metric| metric.name));
    }
    // The engine may be gone when they are collected for the last time.
    names.retain(|name| !name.starts_with("fanfare.limit."));
    names.sort();
    let expected = [
        "fanfare.attempts",
        "fanfare.broadcast.duration",
        "fanfare.broadcasts",
        "fanfare.deliveries",
        "fanfare.delivery.duration",
        "http.client.request.duration",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_down_costs_one_line() {
    let api = MockApi::start(Scripted::status(200)).await;
    let dead = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1/s3cr3t"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=c4n4ry"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "200"),
    ];
    let output = send(&api, &dead).await;
    let expected = "warning: OTLP export to http://127.0.0.1:1/… failed: network error; 3 spans and the metrics lost\n";
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), expected));
    assert_eq!(api.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_refuses_costs_one_line() {
    let api = MockApi::start(Scripted::status(200)).await;
    let refuses = MockApi::start(Scripted::status(401).body(CANARY)).await;
    let traces = refuses.url("/s3cr3t");
    let output = send(&api, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &traces)]).await;
    let address = refuses.address();
    let expected = format!(
        "warning: OTLP export to http://{address}/… failed: status code: 401; 3 spans lost\n"
    );
    assert_eq!((output.status.code(), err(&output)), (Some(0), expected));
    assert_eq!(refuses.received()[0].path(), "/s3cr3t", "used as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_in_vain_is_said() {
    let (api, collector) = (MockApi::start(Scripted::status(200)).await, collector().await);
    let endpoint = collector.url("");
    let grpc = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ];
    let output = send(&api, &grpc).await;
    let expected = "warning: no OTLP export: `OTEL_EXPORTER_OTLP_PROTOCOL` is \"grpc\": only http/protobuf is spoken\n";
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), expected));
    let off = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_SDK_DISABLED", "true")];
    let output = send(&api, &off).await;
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    let sampled = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ];
    let output = send(&api, &sampled).await;
    assert_eq!((output.status.code(), err(&output).as_str()), (Some(0), ""));
    assert_eq!(collector.received().len(), 0);
    assert_eq!(api.received()[2].header("traceparent").unwrap().get(53..), Some("02"));
}

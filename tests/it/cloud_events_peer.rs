//! Events that leave for targets, read by the SDK of the CloudEvents project.
//!
//! The SDK comes from PyPI into `target/cloudevents-pypi` (`.ci/run` puts it there). Where it is not installed there is
//! nobody to ask: the test says so and ends, except in CI, where it fails.

use std::{
    env, io,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fanfare_testkit::{Received, Scripted};
use serde_json::{Map, Value, json};

use crate::configured::{one, stage};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn peer() -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let mut python = Command::new("python3");
    let paths = env::join_paths([target.join("cloudevents-pypi"), target.join("pypi")]).unwrap();
    python.env("PYTHONPATH", paths);
    python
}

fn is_installed() -> bool {
    let modules = "import cloudevents.core.bindings.http, standardwebhooks";
    let asked = peer().args(["-c", modules]).stderr(Stdio::null()).status();
    let installed = asked.is_ok_and(|status| status.success());
    assert!(installed || env::var_os("CI").is_none(), "cloudevents is not in target");
    if !installed {
        writeln!(io::stderr(), "skipped: cloudevents and standardwebhooks are not in target")
            .unwrap();
    }
    installed
}

/// What the SDK reads of a request; it is signed where there is a secret.
fn read(sent: &Received, secret: Option<&str>) -> Value {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), Value::from(value.to_str().unwrap()))
    };
    let headers: Map<_, _> = sent.headers.iter().map(header).collect();
    let mut case = json!({ "headers": headers, "body": STANDARD.encode(&sent.body) });
    if let Some(secret) = secret {
        case["secret"] = secret.into();
    }
    let mut peer = peer()
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cloud_events_peer/read.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(peer.stdin.take().unwrap(), "{case}").unwrap();
    let output = peer.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).expect("the SDK reads it")
}

const ATTRIBUTES: &str = "source: /shop, type: com.shop.order, subject: { jq: .name }, time: { jq: .at }, \
     extensions: { region: eu, n: { jq: .n }, none: { jq: 'null' } }";

async fn sent(lines: &str) -> Received {
    let stage = stage(&one(lines), &[("a", &[Scripted::status(200)])]).await;
    let payload = json!({ "name": "Euro € \"😀\" 100%", "n": 7, "at": "2026-01-31T12:00:00Z" });
    let report = stage.send(&payload).await;
    assert_eq!(report.deliveries[0].outcome.unwrap().code(), "delivered");
    stage.last()
}

/// The event without its id, which is that of the delivery.
fn told(mut event: Value) -> Value {
    let id = event["attributes"].as_object_mut().unwrap().remove("id").unwrap();
    assert!(id.as_str().unwrap().ends_with("-0"), "{id}");
    event
}

#[tokio::test(start_paused = true)]
async fn the_sdk_reads_what_was_meant() {
    if !is_installed() {
        return;
    }
    let attributes = json!({
        "specversion": "1.0", "source": "/shop", "type": "com.shop.order",
        "subject": "Euro € \"😀\" 100%", "time": "2026-01-31 12:00:00+00:00",
        "region": "eu", "n": "7", "datacontenttype": "application/json",
    });
    for mode in ["binary", "structured"] {
        let lines = format!("cloudevents: {{ mode: {mode}, {ATTRIBUTES} }}\n    body: '{{ n }}'");
        let sent = sent(&lines).await;
        assert!(!sent.headers.contains_key("ce-datacontenttype"));
        let content_type = sent.headers["content-type"].to_str().unwrap();
        let expected =
            if mode == "binary" { "application/json" } else { "application/cloudevents+json" };
        assert_eq!(content_type, expected);
        let event = told(read(&sent, None));
        assert_eq!(event, json!({ "attributes": attributes, "data": { "n": 7 } }), "{mode}");
    }
}

/// The schema of the CloudEvents project (Apache-2.0).
#[tokio::test(start_paused = true)]
async fn a_structured_event_fits_the_schema_of_the_project() {
    let schema = include_str!("../../src/mapping/vectors/cloudevents.schema.json");
    let schema = serde_json::from_str(schema).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    for lines in [
        format!("cloudevents: {{ mode: structured, {ATTRIBUTES} }}\n    body: '{{ n }}'"),
        "cloudevents: structured\n    body: { bytes: '\"/wA=\"' }".to_owned(),
        "cloudevents: structured\n    body: { xml: '\"<a/>\"' }".to_owned(),
    ] {
        let sent = sent(&lines).await;
        let document: Value = serde_json::from_slice(&sent.body).unwrap();
        let wrong: Vec<_> = schema.iter_errors(&document).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{document}: {wrong:?}");
        assert!(document["data"].is_null() != document["data_base64"].is_null(), "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_and_texts_are_read_too() {
    if !is_installed() {
        return;
    }
    let bytes = sent("cloudevents: structured\n    body: { bytes: '\"/wA=\"' }").await;
    assert_eq!(told(read(&bytes, None))["data"], json!({ "bytes": "/wA=" }));
    let xml = sent("cloudevents: structured\n    body: { xml: '\"<a/>\"' }").await;
    let event = told(read(&xml, None));
    assert_eq!(event["data"], "<a/>");
    assert_eq!(event["attributes"]["source"], "/fanfare");
    assert_eq!(event["attributes"]["type"], "dev.fanfare.broadcast");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_signs_the_event_that_it_sends() {
    if !is_installed() {
        return;
    }
    let config = |mode: &str| {
        format!(
            "targets:\n  a: {{ kind: webhook, url: 'https://a.example/', secret: {SECRET}, cloudevents: {mode} }}\nroutes: {{ r: {{ to: [a] }} }}\n"
        )
    };
    // The receiver looks at the time: it is that of the system.
    tokio::time::resume();
    for mode in ["binary", "structured"] {
        let stage = stage(&config(mode), &[("a", &[Scripted::status(200)])]).await;
        stage.send(&json!({ "n": 7 })).await;
        let sent = stage.last();
        let event = read(&sent, Some(SECRET));
        assert_eq!(event["data"], json!({ "n": 7 }), "{mode}");
        assert_eq!(event["attributes"]["id"], sent.header("webhook-id").unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_the_same_on_every_repeat() {
    let lines =
        "repeat: same_endpoint\n    headers: { Content-Type: text/x }\n    cloudevents: structured";
    let replies = [Scripted::status(500), Scripted::status(200)];
    let stage = stage(&one(lines), &[("a", &replies)]).await;
    stage.send(&json!({ "n": 7 })).await;
    let sent = stage.apis.received();
    assert_eq!(sent[0].body, sent[1].body);
    assert_eq!(sent[0].headers["content-type"], "application/cloudevents+json");
}

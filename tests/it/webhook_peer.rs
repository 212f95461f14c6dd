//! The signatures of the `webhook` target, verified by the library of the Standard Webhooks project.
//!
//! The library comes from PyPI into `target/pypi` (`.ci/run` puts it there). Where it is not installed there is nobody to
//! ask: the test says so and ends, except in CI, where it fails.

use std::{
    env,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use fanfare::{
    Broadcast, Engine, Target,
    engine::Clock,
    policy::{Backoff, Retry},
    report::Occasion,
    sdk::{Call, HttpApi, Payload, Secret},
    targets::{HttpTarget, webhook::WebhookSettings},
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};
use serde_json::{Value, json};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER: &str = "whsec_plJ3nmyCDGBKInavdOK15jsl";
const BODY: &str = r#"{"event":"signup","name":"Ægir ✓"}"#;

/// A webhook that is signed with the new and the old secret, sent now.
fn signed(attempt: u32) -> Value {
    let settings = WebhookSettings::new("https://a.example/", Secret::new(NEW));
    let target = settings.older_secret(Secret::new(OLD)).build().unwrap();
    let (now, time_left) = (Clock::system().now(), Duration::from_secs(5));
    let mut call = Call::new("a".into(), "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W".into(), now, time_left);
    call.number = attempt;
    let payload = Payload::new("application/json", BODY);
    let request = target.request(&call, &payload).unwrap();
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name.to_owned(), json!(request.headers()[name].to_str().unwrap())));
    json!({ "headers": Value::Object(headers.into_iter().collect()), "body": BODY })
}

fn with(mut case: Value, key: &str, value: &str) -> Value {
    *case.pointer_mut(key).unwrap() = json!(value);
    case
}

fn verify(secret: &str, mut case: Value) -> String {
    case["secret"] = json!(secret);
    let mut peer = peer()
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/webhook_peer/verify.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(peer.stdin.take().unwrap(), "{case}").unwrap();
    let output = peer.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn peer() -> Command {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", target.join("pypi"));
    python
}

fn is_installed() -> bool {
    let asked = peer().args(["-c", "import standardwebhooks"]).stderr(Stdio::null()).status();
    let installed = asked.is_ok_and(|status| status.success());
    assert!(installed || env::var_os("CI").is_none(), "standardwebhooks is not in target/pypi");
    installed
}

#[test]
fn its_receivers_accept_what_is_signed_and_nothing_else() {
    if !is_installed() {
        return;
    }
    assert_eq!(verify(NEW, signed(1)), "accepted");
    assert_eq!(verify(NEW, signed(2)), "accepted", "a repeat");
    assert_eq!(verify(OLD, signed(1)), "accepted", "a receiver that has the older secret");
    assert_eq!(verify(OTHER, signed(1)), "refused", "another secret");
    assert_eq!(verify(NEW, with(signed(1), "/body", "{}")), "refused", "another body");
    let id = with(signed(1), "/headers/webhook-id", "msg_other");
    assert_eq!(verify(NEW, id), "refused", "another id");
    let late = with(signed(1), "/headers/webhook-timestamp", "1614265330");
    assert_eq!(verify(NEW, late), "refused", "another time");
}

/// What a webhook was sent, as its receiver verifies it.
fn received(sent: &Received) -> Value {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name.to_owned(), json!(sent.header(name).unwrap())));
    json!({ "headers": Value::Object(headers.into_iter().collect()), "body": sent.text() })
}

#[tokio::test]
async fn its_receivers_accept_notices() {
    if !is_installed() {
        return;
    }
    let apis = [
        ("crm.example", Script::new([Scripted::status(200)])),
        ("ops.example", Script::new([Scripted::status(500), Scripted::status(200)])),
    ];
    let apis = Arc::new(ScriptedTransport::routes(apis));
    let hook = WebhookSettings::new("https://ops.example/hook", Secret::new(NEW)).build().unwrap();
    let backoff = Backoff::constant(Duration::from_millis(1));
    let retry = Retry { attempts_max: 2, backoff, ..Retry::default() };
    let engine = Engine::builder()
        .transport(apis.clone())
        .target(Target::http("crm", HttpTarget::post("https://crm.example/").unwrap()))
        .target(Target::http("ops", hook).retry(retry))
        .start()
        .await
        .unwrap();
    let broadcast = Broadcast::json(&json!({ "a": 1 })).to("crm");
    let report = engine.broadcast(broadcast.notify("ops", Occasion::ALL)).await.unwrap();
    // To the API, the first attempt at the hook, its repeat, and the second notice.
    let sent = apis.at_least(4).await;
    let sent: Vec<_> = sent.iter().filter(|it| it.uri.host() == Some("ops.example")).collect();
    for one in &sent {
        assert_eq!(verify(NEW, received(one)), "accepted");
        assert_eq!(verify(OTHER, received(one)), "refused");
    }
    let told = |place: usize| {
        let body: Value = serde_json::from_slice(&sent[place].body).unwrap();
        assert_eq!(body["report"]["id"], report.id.to_string());
        (body["type"].as_str().unwrap().to_owned(), sent[place].header("webhook-id").unwrap())
    };
    assert_eq!(told(0), told(1), "a repeat is the same notice");
    assert_eq!(told(0).0, "fanfare.broadcast.verdict");
    assert_eq!(told(2).0, "fanfare.broadcast.settled");
    assert_ne!(told(1).1, told(2).1);
}

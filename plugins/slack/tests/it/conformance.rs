//! It keeps the contract, by both doors.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Http, Payload};
use fanfare_slack::{SlackKind, SlackTarget};
use fanfare_testkit::{Conformance, Scripted};
use serde_json::json;

use crate::{WEBHOOK, by_web_api, by_webhook};

async fn check(target: SlackTarget, reply: &'static str) {
    let make = || -> Arc<dyn ApiTarget> { Arc::new(Http(target.clone())) };
    Conformance::builder()
        .payload(Payload::json(&json!({ "text": "hello" })))
        .accepting(move |_| Scripted::status(200).body(reply))
        .secret(WEBHOOK)
        .secret("canary71c0")
        .run(make)
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn an_incoming_webhook() {
    check(by_webhook(), "ok").await;
}

#[tokio::test(start_paused = true)]
async fn the_web_api() {
    check(by_web_api(), r#"{"ok":true,"channel":"C0123456789","ts":"1503435956.000247"}"#).await;
}

#[test]
fn the_kind_keeps_the_contract() {
    Conformance::of_kind(&SlackKind, &json!({ "webhook": WEBHOOK })).assert();
    Conformance::of_kind(&SlackKind, &json!({ "channel": "C0123456789" })).assert();
}

//! It keeps the contract: what a check finds, it says how to mend.

use std::sync::Arc;

use fanfare_acme::AcmeKind;
use fanfare_sdk::{ApiTarget, Http, Payload};
use fanfare_testkit::{Conformance, Scripted};
use serde_json::json;

use crate::{API_KEY, URL, target};

#[tokio::test(start_paused = true)]
async fn the_target_keeps_the_contract() {
    Conformance::builder()
        // What its users send, and what the API answers when it takes it.
        .payload(Payload::json(&json!({ "text": "hello" })))
        .accepting(|_| Scripted::status(200).body(r#"{"id":7}"#))
        .secret(API_KEY)
        .run(|| -> Arc<dyn ApiTarget> { Arc::new(Http(target())) })
        .await
        .assert();
}

#[test]
fn the_kind_keeps_the_contract() {
    Conformance::of_kind(&AcmeKind, &json!({ "url": URL, "api_key": API_KEY })).assert();
}

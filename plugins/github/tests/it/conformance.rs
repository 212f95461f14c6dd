//! It keeps the contract.

use std::sync::Arc;

use fanfare_github::GithubKind;
use fanfare_sdk::{ApiTarget, Http};
use fanfare_testkit::{Conformance, Scripted};
use serde_json::json;

use crate::target;

#[tokio::test(start_paused = true)]
async fn it_keeps_the_contract() {
    Conformance::builder()
        .accepting(|_| Scripted::status(204))
        .run(|| -> Arc<dyn ApiTarget> { Arc::new(Http(target())) })
        .await
        .assert();
}

#[test]
fn the_kind_keeps_the_contract() {
    let right = json!({ "repository": "octo/hello", "event_type": "order_placed" });
    Conformance::of_kind(&GithubKind, &right).assert();
}

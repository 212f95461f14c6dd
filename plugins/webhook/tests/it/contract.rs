//! It keeps the contract, and replies mean what Standard Webhooks says.

use std::{sync::Arc, time::Duration};

use fanfare_sdk::{ApiTarget, Call, Http, HttpApi, Reply, RetryAfter, Secret, Timestamp};
use fanfare_testkit::Conformance;
use fanfare_webhook::{WebhookKind, WebhookSettings, WebhookTarget};
use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};
use serde_json::json;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn target() -> WebhookTarget {
    let settings = WebhookSettings::new("https://audit.example/hook", Secret::new(SECRET));
    settings.build().expect("the settings are right")
}

#[tokio::test(start_paused = true)]
async fn it_keeps_the_contract() {
    let make = || -> Arc<dyn ApiTarget> { Arc::new(Http(target())) };
    Conformance::builder().secret(SECRET).secret(&SECRET[6..]).run(make).await.assert();
}

#[test]
fn the_kind_keeps_the_contract() {
    let right = json!({ "url": "https://audit.example/hook", "secret": SECRET });
    Conformance::of_kind(&WebhookKind, &right).assert();
}

#[track_caller]
fn check(status: u16, expected: &str) {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    let call = Call::new("audit".into(), "msg_1".into(), now, time_left);
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
    let meant = target().classify(&call, &Reply::http(status, headers, ""));
    assert_eq!(format!("{:?}, {:?}", meant.meaning, meant.effect), expected, "{status}");
    // With an acceptance it is about the result: no reason to leave the target alone.
    let asks = Some(RetryAfter::For(Duration::from_secs(7)));
    assert_eq!(meant.retry_after, asks.filter(|_| !(200..300).contains(&status)), "{status}");
}

#[test]
fn a_status_means_one_thing() {
    for status in [200, 201, 202, 204, 299] {
        check(status, "Success, Applied");
    }
    for status in [300, 301, 302, 307, 308, 400, 404, 405, 415, 422, 501] {
        check(status, "Permanent, None");
    }
    check(303, "Permanent, Unknown");
    check(401, "Unauthorized, None");
    check(410, "TargetDisabled, None");
    check(429, "Throttled, None");
    check(502, "Throttled, Unknown");
    check(504, "Throttled, Unknown");
    check(503, "Retry, None");
    check(408, "Retry, Unknown");
    check(500, "Retry, Unknown");
}

//! Signatures by HMAC, verified by the vendors' own libraries.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare_auth::AuthSettings;
use fanfare_sdk::{Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Map, Value, json};

use crate::peer::Peer;

const BODY: &str = r#"{"id":"evt_1","object":"event","name":"Ægir ✓"}"#;

/// A webhook that is signed now, as its receiver sees it.
fn signed(preset: &str, secrets: &[&str], receiver: &str) -> Value {
    let written = match secrets {
        [one] => json!({ "hmac": { "preset": preset, "secret": one } }),
        many => json!({ "hmac": { "preset": preset, "secrets": many } }),
    };
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let mut request = Request::post("https://a.example/").body(BODY.into()).expect("it is right");
    let call = Call::new("a".into(), "msg_2KWPBg".into(), now(), Duration::ZERO);
    let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    let headers = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value.to_str().expect("ASCII"))));
    let headers: Map<String, Value> = headers.collect();
    json!({ "preset": preset, "secret": receiver, "headers": headers, "body": BODY })
}

#[expect(clippy::disallowed_methods, reason = "the verifiers have a clock of their own")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    Timestamp::from_secs(i64::try_from(since.as_secs()).expect("it fits"))
}

fn with_body(mut case: Value, body: &str) -> Value {
    case["body"] = json!(body);
    case
}

#[track_caller]
fn check(peer: Peer, cases: Vec<(Value, &str)>) {
    let (cases, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    if let Some(answers) = peer.ask(&cases) {
        assert_eq!(answers, expected, "{cases:#?}");
    }
}

#[test]
fn libraries_in_python_accept_what_is_signed_and_nothing_else() {
    const SVIX: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let mut cases = Vec::new();
    for preset in ["stripe", "slack", "svix"] {
        cases.push((signed(preset, &[SVIX], SVIX), "accepted"));
        cases.push((signed(preset, &[SVIX], OTHER), "refused"));
        cases.push((with_body(signed(preset, &[SVIX], SVIX), "{}"), "refused"));
    }
    for preset in ["stripe", "svix"] {
        cases.push((signed(preset, &[OTHER, SVIX], SVIX), "accepted"));
        cases.push((signed(preset, &[OTHER, SVIX], OTHER), "accepted"));
    }
    check(Peer::Python("webhooks.py", "stripe"), cases);
}

#[test]
fn libraries_in_javascript_accept_what_is_signed_and_nothing_else() {
    let mut cases = Vec::new();
    for preset in ["github", "shopify"] {
        cases.push((signed(preset, &["a secret"], "a secret"), "accepted"));
        cases.push((signed(preset, &["a secret"], "another"), "refused"));
        cases.push((with_body(signed(preset, &["a secret"], "a secret"), "{}"), "refused"));
    }
    check(Peer::Node("webhooks.mjs", "@shopify/shopify-api"), cases);
}

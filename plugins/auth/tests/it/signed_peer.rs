//! HTTP Message Signatures and OAuth 1.0a, verified by libraries that others have written.

use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Map, Value, json};

use crate::peer::Peer;

const KEYS: &str = include_str!("../vectors/rfc9421.json");

#[expect(clippy::disallowed_methods, reason = "the verifiers have a clock of their own")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    Timestamp::from_secs(i64::try_from(since.as_secs()).expect("it fits"))
}

/// A request that is signed now, as its receiver sees it.
fn signed(written: Value, url: &str, kind: &str, body: &str) -> Value {
    static CALLS: AtomicU8 = AtomicU8::new(0);
    let nonce = [CALLS.fetch_add(1, Ordering::Relaxed); 16];
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut request =
        Request::post(url).header("content-type", kind).body(body).expect("it is right");
    let mut call = Call::new("a".into(), "k".into(), now(), Duration::ZERO);
    call.nonce = nonce;
    let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    let text = |value: &http::HeaderValue| json!(value.to_str().expect("ASCII"));
    let headers = request.headers().iter();
    // Capital letters, as both libraries look for some of them.
    let headers: Map<String, Value> =
        headers.map(|(name, value)| (capital(name.as_str()), text(value))).collect();
    let body = String::from_utf8_lossy(request.body()).into_owned();
    json!({ "method": "POST", "url": request.uri().to_string(), "headers": headers, "body": body })
}

fn capital(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn with(mut case: Value, changes: &[(&str, &str)]) -> Value {
    for (key, value) in changes {
        case[*key] = json!(value);
    }
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
fn messages_that_are_signed_are_accepted_and_others_are_not() {
    let vectors: Value = serde_json::from_str(KEYS).expect("it is JSON");
    let key = |id: &str| {
        let keys = vectors["keys"].as_array().expect("there are keys");
        keys.iter().find(|key| key["keyid"] == id).expect("it is there").clone()
    };
    let mut cases = Vec::new();
    for (algorithm, id) in [
        ("hmac-sha256", "test-shared-secret"),
        ("ed25519", "test-key-ed25519"),
        ("ecdsa-p256-sha256", "test-key-ecc-p256"),
        ("rsa-pss-sha512", "test-key-rsa-pss"),
    ] {
        let key = key(id);
        let components = [
            "@method",
            "@target-uri",
            "@authority",
            "@scheme",
            "@request-target",
            "@path",
            "@query",
            "@query-param;name=\"a b\"",
            "content-type",
            "content-digest",
            "content-length",
            "date",
        ];
        let written = json!({ "http_signature": {
            "algorithm": algorithm, "key": key["private"], "key_id": id, "tag": "t", "nonce": true,
            "lifetime": "1m", "components": components, "digest": "sha-512",
        } });
        let url = "https://a.example:8443/b%20c?a%20b=d+%C3%A9&e";
        let case = signed(written, url, "application/json", "{\"a\": \"é\"}");
        let public = key.get("public").unwrap_or(&key["private"]).as_str().expect("it is text");
        let case = with(case, &[("key", public), ("algorithm", algorithm), ("tag", "t")]);
        cases.push((case.clone(), "accepted"));
        cases.push((with(case.clone(), &[("body", "{}")]), "refused"));
        cases.push((with(case.clone(), &[("url", "https://a.example:8443/b?a%20b=d")]), "refused"));
        cases.push((with(case, &[("method", "PUT")]), "refused"));
    }
    check(Peer::Python("verify_signatures.py", "http_message_signatures"), cases);
}

#[test]
fn requests_that_are_signed_by_oauth_1_are_accepted_and_others_are_not() {
    let mut cases = Vec::new();
    for method in ["hmac-sha1", "hmac-sha256"] {
        for token in [Some(("t/k", "t s&é")), None] {
            let mut settings = json!({
                "consumer_key": "c+k", "consumer_secret": "c s%", "method": method, "realm": "a b",
            });
            if let Some((token, secret)) = token {
                (settings["token"], settings["token_secret"]) = (json!(token), json!(secret));
            }
            let written = || json!({ "oauth1": settings });
            let url = "http://a.example:8080/b%20c?z=1&a=%C3%A9+b&a=";
            let (form, json) = ("application/x-www-form-urlencoded", "application/json");
            let (token, secret) = token.unwrap_or_default();
            for (kind, body) in [(form, "x=1&y=a+b&x=0"), (json, "{\"a\": 1}")] {
                let fresh = |consumer_secret| {
                    let receiver = [
                        ("consumer_key", "c+k"),
                        ("consumer_secret", consumer_secret),
                        ("token", token),
                        ("token_secret", secret),
                    ];
                    with(signed(written(), url, kind, body), &receiver)
                };
                let case = fresh("c s%");
                cases.push((case.clone(), "accepted"));
                cases.push((case, "refused"));
                cases.push((fresh("other"), "refused"));
                cases.push((with(fresh("c s%"), &[("method", "PUT")]), "refused"));
            }
        }
    }
    check(Peer::Python("verify_oauth1.py", "oauthlib"), cases);
}

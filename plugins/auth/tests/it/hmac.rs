//! Signatures by HMAC: the answers that vendors publish, and every form that can be described.

use std::time::Duration;

use fanfare_auth::AuthSettings;
use fanfare_sdk::{Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Value, json};

const VECTORS: &str = include_str!("../vectors/webhooks.json");

fn call(id: &str, timestamp: i64) -> Call {
    let (now, time_left) =
        (Timestamp::from_micros(timestamp * 1_000_000 + 250_999), Duration::ZERO);
    let mut call = Call::new("hook".into(), id.into(), now, time_left);
    call.nonce = [0xab; 16];
    call
}

/// Every header that was added, sorted by name; or why there is none.
fn signed(written: Value, call: &Call, body: &str) -> String {
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let uri = "https://a.example:8443/b/c?d=e";
    let mut request = Request::post(uri).body(body.to_owned().into()).expect("it is right");
    let done = authorizer.authorize(Stamp::default(), call, &mut request).now_or_never();
    if let Err(error) = done.expect("it does not wait") {
        assert!(error.permanent);
        return error.source.map_or_else(String::new, |source| source.to_string());
    }
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let secret = if value.is_sensitive() { " (sensitive)" } else { "" };
        format!("{name}: {}{secret}", value.to_str().expect("ASCII"))
    };
    let mut lines: Vec<_> = request.headers().iter().map(text).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn vendors_get_the_signatures_that_they_publish() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("it is JSON");
    for preset in ["github", "stripe", "slack", "svix", "shopify"] {
        for case in vectors[preset].as_array().expect("there are cases") {
            let at = case["timestamp"].as_i64().unwrap_or(0);
            let call = call(case["id"].as_str().unwrap_or("id-1"), at);
            let written = json!({ "hmac": { "preset": preset, "secret": case["secret"] } });
            let header = case["header"].as_str().unwrap_or("svix-signature").to_lowercase();
            let value = case.get("value").or(case.get("signature")).and_then(Value::as_str);
            let mut expected = vec![format!("{header}: {} (sensitive)", value.expect("a value"))];
            match preset {
                "slack" => expected.push(format!("x-slack-request-timestamp: {at}")),
                "svix" => {
                    expected.push(format!("svix-id: {}", call.delivery_id.as_str()));
                    expected.push(format!("svix-timestamp: {at}"));
                }
                _ => {}
            }
            expected.sort();
            let body = case["body"].as_str().expect("a body");
            assert_eq!(signed(written, &call, body), expected.join("\n"), "{preset}");
        }
    }
}

#[test]
fn any_form_can_be_described() {
    #[track_caller]
    fn check(mut written: Value, expected: &str) {
        for (key, value) in [("header", "X-Sign"), ("secret", "Jefe"), ("signed", "{body}")] {
            let settings = written.as_object_mut().expect("it is a map");
            settings.entry(key).or_insert_with(|| json!(value));
        }
        let got =
            signed(json!({ "hmac": written }), &call("id-1", 1), "what do ya want for nothing?");
        assert_eq!(got, expected);
    }
    // The codes are those of RFC 2202 and RFC 4231, test case 2.
    let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    check(json!({}), &format!("x-sign: {sha256} (sensitive)"));
    check(
        json!({ "digest": "sha1", "signature": "sha1={hmac}" }),
        "x-sign: sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79 (sensitive)",
    );
    check(
        json!({ "encoding": "base64" }),
        "x-sign: W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM= (sensitive)",
    );
    let shopify = json!({ "hmac": { "preset": "shopify", "secret": "Jefe" } });
    assert_eq!(
        signed(shopify, &call("id-1", 1), "what do ya want for nothing?"),
        "x-shopify-hmac-sha256: W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM= (sensitive)"
    );
    check(
        json!({ "encoding": "base64_url" }),
        "x-sign: W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM (sensitive)",
    );
    check(
        json!({ "key": "hex", "key_prefix": "k_", "secret": "k_4A656665" }),
        &format!("x-sign: {sha256} (sensitive)"),
    );
    check(json!({ "key": "base64", "secret": "SmVmZQ" }), &format!("x-sign: {sha256} (sensitive)"));
    let nonce = "ab".repeat(16);
    check(
        json!({
            "value": "{{n={nonce} t={timestamp_ms} {method} {host} {path} {query} {target} {signatures}}}",
            "timestamp_header": "X-Time", "id_header": "X-Id", "nonce_header": "X-Nonce",
        }),
        &format!(
            "x-id: id-1\nx-nonce: {nonce}\nx-sign: {{n={nonce} t=1250 POST a.example:8443 /b/c d=e /b/c?d=e {sha256}}} (sensitive)\nx-time: 1"
        ),
    );
}

#[test]
fn while_a_secret_is_changed_both_sign() {
    let call = call("id-1", 1);
    let one = |secret: &str| {
        let written = json!({ "hmac": { "preset": "stripe", "secret": secret } });
        signed(written, &call, "x")
            .replace("stripe-signature: t=1,", "")
            .replace(" (sensitive)", "")
    };
    let written = json!({ "hmac": { "preset": "stripe", "secrets": ["new", "old"] } });
    let expected = format!("stripe-signature: t=1,{},{} (sensitive)", one("new"), one("old"));
    assert_eq!(signed(written, &call, "x"), expected);
}

#[test]
fn an_id_that_could_be_read_in_two_ways_is_not_signed() {
    let written = || json!({ "hmac": { "preset": "svix", "secret": "whsec_c2VjcmV0" } });
    let says = "the delivery's id is to be visible ASCII without `.`";
    assert_eq!(signed(written(), &call("a.b", 1), "x"), says);
    assert_eq!(signed(written(), &call("a b", 1), "x"), says);
    // Wherever it stands.
    for (key, value) in [("signed", "{id}"), ("value", "{id} {signatures}"), ("id_header", "X-Id")]
    {
        let mut hmac = json!({ "header": "X-Sign", "secret": "s", "signed": "{body}" });
        hmac[key] = json!(value);
        assert_eq!(signed(json!({ "hmac": hmac }), &call("a.b", 1), "x"), says, "{key}");
    }
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    #[track_caller]
    fn check(hmac: Value, expected: &[&str]) {
        let settings = check::settings::<AuthSettings>(Value::Object(
            [("hmac".to_owned(), hmac)].into_iter().collect(),
        ));
        let built = settings.and_then(|it| it.build());
        let wrong = built.err().unwrap_or_default();
        assert_eq!(wrong.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
    check(
        json!({}),
        &[
            "/hmac/header: is missing: it has to be there without a `preset`",
            "/hmac/signed: is missing: it has to be there without a `preset`",
            "/hmac/secret: is missing",
        ],
    );
    check(
        json!({ "preset": "github", "secret": "a", "header": "X", "digest": "sha1" }),
        &[
            "/hmac/digest: stands beside `preset`, which says it: leave one of them out",
            "/hmac/header: stands beside `preset`, which says it: leave one of them out",
        ],
    );
    check(
        json!({ "preset": "github", "secrets": ["a", "b"] }),
        &[
            "/hmac/secrets: are several, but the header has room for one signature: keep one of them",
        ],
    );
    check(
        json!({ "preset": "stripe", "secret": "a", "secrets": ["b", ""] }),
        &[
            "/hmac/secrets: stands beside `secret`: keep one of them",
            "/hmac/secrets/1: is empty: is the variable or file that it comes from empty too?",
        ],
    );
    check(json!({ "preset": "svix", "secrets": vec!["whsec_c2VjcmV0"; 8] }), &[]);
    check(
        json!({ "preset": "svix", "secrets": vec!["whsec_c2VjcmV0"; 9] }),
        &["/hmac/secrets: are 9: at most 8 would be right"],
    );
    check(
        json!({ "preset": "svix", "secret": "whsec_" }),
        &["/hmac/secret: is empty after its prefix"],
    );
    check(json!({ "preset": "svix", "secret": "whsec_?" }), &["/hmac/secret: is not base64"]);
    check(
        json!({
            "header": "Host", "secret": "xy", "key": "hex", "signed": "{hmac}", "signature": "v1",
            "value": "{body}", "id_header": "a b",
        }),
        &[
            "/hmac/secret: is not hexadecimal",
            "/hmac/signed: has an unknown place: there are `{body}`, `{host}`, `{id}`, `{method}`, `{nonce}`, `{path}`, `{query}`, `{target}`, `{timestamp}`, `{timestamp_ms}`",
            "/hmac/signature: has no signature in it: `{hmac}` is missing",
            "/hmac/value: has an unknown place: there are `{host}`, `{id}`, `{method}`, `{nonce}`, `{path}`, `{query}`, `{signatures}`, `{target}`, `{timestamp}`, `{timestamp_ms}`",
            "/hmac/header: `host` is set by the engine: leave it out",
            "/hmac/id_header: is not the name of a header: letters, digits and `-` would be right",
        ],
    );
    check(
        json!({ "header": "x", "secret": "a", "signed": "{body}", "value": "é\n{signatures}" }),
        &["/hmac/value: contains more than visible ASCII and spaces"],
    );
    check(
        json!({ "header": "x", "secret": "a", "signed": "{body" }),
        &["/hmac/signed: has a brace that stands alone: `{{` and `}}` stand for braces"],
    );
}

#[test]
fn a_header_is_written_once_and_a_signature_covers_something() {
    #[track_caller]
    fn check(more: &Value, expected: &[&str]) {
        let mut hmac =
            json!({ "secrets": ["a", "b"], "separator": ",", "header": "X-A", "signed": "{body}" });
        let more = more.as_object().cloned().unwrap_or_default();
        hmac.as_object_mut().expect("a map").extend(more);
        let settings: AuthSettings = check::settings(json!({ "hmac": hmac })).expect("its form");
        let wrong = settings.build().err().unwrap_or_default();
        assert_eq!(wrong.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }
    check(&json!({}), &[]);
    let twice = |key: &str, first: &str| {
        format!("/hmac/{key}: is the header of `{first}`, too: another one would be right")
    };
    check(
        &json!({ "timestamp_header": "x-a", "id_header": "X-B", "nonce_header": "x-b" }),
        &[&twice("timestamp_header", "header"), &twice("nonce_header", "id_header")],
    );
    for text in ["\n", "é"] {
        let says = "/hmac/separator: contains more than visible ASCII and spaces";
        check(&json!({ "separator": text }), &[says]);
    }
    for text in ["", "abc", "{{body}}"] {
        let says =
            "/hmac/signed: signs nothing of the request: `{timestamp}.{body}` would be right";
        check(&json!({ "signed": text }), &[says]);
    }
}

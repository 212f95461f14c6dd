//! HTTP Message Signatures and OAuth 1.0a: what is added, and what is wrong with settings.

use std::time::Duration;

use fanfare_auth::AuthSettings;
use fanfare_sdk::{Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Value, json};

const SECRET: &str =
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/// Every header that was added, or why there is none.
fn signed(written: &Value) -> String {
    let settings: AuthSettings =
        check::settings(written.clone()).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let request =
        Request::post("https://a.example/b?c=d&c=e").body("{\"hello\": \"world\"}".into());
    let mut request = request.expect("it is right");
    let now = Timestamp::from_secs(1_618_884_473);
    let call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
    let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    if let Err(error) = done.expect("it does not wait") {
        assert!(error.permanent);
        return error.source.map_or_else(String::new, |source| source.to_string());
    }
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = value.to_str().expect("ASCII");
        let value = if name == "signature" { value.split('=').next().unwrap_or("") } else { value };
        format!("{name}: {value}")
    };
    let mut lines: Vec<_> = request.headers().iter().map(text).collect();
    lines.sort();
    lines.join("\n")
}

fn message(components: &Value, more: &Value) -> Value {
    let mut settings = json!({
        "algorithm": "hmac-sha256", "key": SECRET, "key_id": "k", "components": components,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    json!({ "http_signature": settings })
}

#[test]
fn what_is_signed_and_missing_is_added() {
    // The digests are those of RFC 9530 appendix D and RFC 9421 appendix B.2.
    let sha512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    let sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let components = json!(["content-digest", "content-length", "date"]);
    let listed = "(\"content-digest\" \"content-length\" \"date\")";
    let added = "content-length: 18\ndate: Tue, 20 Apr 2021 02:07:53 GMT\nsignature-input: ";
    assert_eq!(
        signed(&message(&components, &json!({ "digest": "sha-512", "label": "a" }))),
        format!(
            "content-digest: {sha512}\n{added}a={listed};created=1618884473;keyid=\"k\"\nsignature: a"
        )
    );
    let more = json!({ "tag": "t", "nonce": true, "lifetime": "1m" });
    let nonce = "00".repeat(16);
    assert_eq!(
        signed(&message(&components, &more)),
        format!(
            "content-digest: {sha256}\n{added}sig1={listed};created=1618884473;expires=1618884533;keyid=\"k\";nonce=\"{nonce}\";tag=\"t\"\nsignature: sig1"
        )
    );
    let none = "signature-input: sig1=(\"@path\");created=1618884473;keyid=\"k\"\nsignature: sig1";
    assert_eq!(signed(&message(&json!(["@path"]), &json!({}))), none);
}

/// A parameter of the header that OAuth 1.0a adds.
fn parameter(header: &str, name: &str) -> Option<String> {
    let found = header.trim_start_matches("OAuth ").split(", ");
    let found = found.filter_map(|it| it.split_once('=')).find(|(known, _)| *known == name);
    found.map(|(_, value)| value.trim_matches('"').to_owned())
}

#[test]
fn every_request_has_a_nonce_and_a_time_of_its_own() {
    let written = json!({ "oauth1": { "consumer_key": "a", "consumer_secret": "b" } });
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let header = |secs: i64, nonce: u8| {
        let now = Timestamp::from_secs(secs);
        let mut call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
        call.nonce = [nonce; 16];
        let mut request = Request::get("https://a.example/").body("".into()).expect("right");
        let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
        done.expect("it does not wait").expect("it signs");
        request.headers()["authorization"].to_str().expect("ASCII").to_owned()
    };
    // The second one is of the same attempt, the third of another: the way out gives each request a nonce of its own.
    let sent = [header(7, 1), header(7, 2), header(8, 3)];
    let all = |name: &str| sent.each_ref().map(|header| parameter(header, name));
    assert_eq!(all("oauth_timestamp"), ["7", "7", "8"].map(|it| Some(it.to_owned())));
    let (nonces, signatures) = (all("oauth_nonce"), all("oauth_signature"));
    for [a, b] in [[0, 1], [0, 2], [1, 2]] {
        assert_ne!(nonces[a], nonces[b]);
        assert_ne!(signatures[a], signatures[b]);
    }
}

/// The base string and the signature are those of oauthlib 4.0.1.
#[test]
fn what_oauth_1_has_to_say_stands_in_one_header() {
    let written = json!({ "oauth1": {
        "consumer_key": "k", "consumer_secret": "s", "token": "t&", "token_secret": "u", "realm": "r",
    } });
    let nonce = "0".repeat(32);
    assert_eq!(
        signed(&written),
        format!(
            "authorization: OAuth realm=\"r\", oauth_consumer_key=\"k\", oauth_nonce=\"{nonce}\", \
             oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1618884473\", oauth_token=\"t%26\", \
             oauth_signature=\"Q5Xzrzp1l6P2%2Bpi6gCK6Dikm1j8%3D\""
        )
    );
}

#[test]
fn what_cannot_be_signed_is_not_sent() {
    let says = "a part of the request that is to be signed is missing, or there twice";
    for component in ["x-other", "@query-param;name=\"c\"", "@query-param;name=\"f\""] {
        assert_eq!(signed(&message(&json!([component]), &json!({}))), says);
    }
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    #[track_caller]
    fn check(written: Value, expected: &[&str]) {
        let settings = check::settings::<AuthSettings>(written);
        let said = settings.and_then(|it| it.build());
        let said = said.map_or_else(|wrong| wrong.to_string(), |_| String::new());
        assert_eq!(said.split("; ").collect::<Vec<_>>(), expected);
    }
    let more = json!({
        "algorithm": "ed25519", "key_id": "", "label": "A", "tag": "é", "lifetime": "0s",
    });
    check(
        message(&json!(["X-A", "date", "date"]), &more),
        &[
            "/http_signature/key: is no private key as PEM: `-----BEGIN PRIVATE KEY-----` begins one that is not encrypted",
            "/http_signature/components/0: is to be written in small letters",
            "/http_signature/components/2: is there twice",
            "/http_signature/label: is to begin with a small letter or `*`, then small letters, digits, `_-.*`",
            "/http_signature/key_id: is to be visible ASCII and spaces, and not empty",
            "/http_signature/tag: is to be visible ASCII and spaces, and not empty",
            "/http_signature/lifetime: is not from 1s to 1d",
        ],
    );
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/rfc9421.json")).expect("it is JSON");
    let rsa = json!({ "algorithm": "ed25519", "key": vectors["keys"][0]["private"] });
    let kind =
        "/http_signature/key: is no key of that algorithm: one of the curve Ed25519 would be right";
    check(message(&json!([]), &rsa), &[kind]);
    let many = |count: usize| (0..count).map(|at| format!("x-{at}")).collect::<Vec<_>>();
    check(message(&json!(many(64)), &json!({})), &[""]);
    check(message(&json!(many(65)), &json!({})), &["/http_signature/components: are more than 64"]);
    let text = json!({ "key": "no base64" });
    let says = "/http_signature/key: is not base64, as `hmac-sha256` needs it";
    check(message(&json!([]), &text), &[says]);
    check(
        json!({ "oauth1": {
            "consumer_key": "", "consumer_secret": "a\n", "token": "b", "realm": "\"",
        } }),
        &[
            "/oauth1/consumer_key: is empty: is the variable or file that it comes from empty too?",
            "/oauth1/consumer_secret: contains a control character, perhaps a line break at its end: remove it",
            "/oauth1/token_secret: is missing beside `token`",
            "/oauth1/realm: is to be ASCII without quotes and backslashes",
        ],
    );
}

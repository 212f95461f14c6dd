//! What an authorizer adds to a request, and what it learns from a reply.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{Authorizer, Call, Learn, Learned, ReplyHead, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::{HeaderMap, Request};
use serde_json::{Value, json};

const BASIC: &str = include_str!("../vectors/basic.json");

fn authorizer(written: Value) -> Arc<dyn Authorizer> {
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    settings.build().expect("the settings are right")
}

fn authorized(
    written: Value,
    uri: &str,
    headers: &[(&'static str, &'static str)],
) -> Request<Bytes> {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    let call = Call::new("crm".into(), "key-1".into(), now, time_left);
    let mut request = Request::get(uri).body(Bytes::new()).expect("the request is right");
    for &(name, value) in headers {
        request.headers_mut().append(name, value.parse().expect("the value is right"));
    }
    let authorizer = authorizer(written);
    let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it authorizes");
    request
}

/// The URL, then every header; all that was added is sensitive.
#[track_caller]
fn check(written: Value, uri: &str, headers: &[(&'static str, &'static str)], expected: &str) {
    let request = authorized(written, uri, headers);
    let mut text = request.uri().to_string();
    for (name, value) in request.headers() {
        let value_text = value.to_str().expect("ASCII");
        text.push_str(&format!("\n{name}: {value_text}"));
        assert_eq!(value.is_sensitive(), !headers.contains(&(name.as_str(), value_text)), "{name}");
    }
    assert_eq!(text, expected);
}

const URL: &str = "https://a.example/b";

#[test]
fn a_bearer_token_stands_in_the_header() {
    let bearer = || json!({ "bearer": { "token": "mF_9.B5f-4.1JqM" } });
    check(bearer(), URL, &[], "https://a.example/b\nauthorization: Bearer mF_9.B5f-4.1JqM");
    check(
        bearer(),
        URL,
        &[("authorization", "Bearer old"), ("x-a", "1")],
        "https://a.example/b\nauthorization: Bearer mF_9.B5f-4.1JqM\nx-a: 1",
    );
    check(
        json!({ "bearer": { "token": "1|a:b" } }),
        URL,
        &[],
        "https://a.example/b\nauthorization: Bearer 1|a:b",
    );
}

#[test]
fn user_and_password_stand_in_the_header() {
    #[track_caller]
    fn basic(user: &str, password: &str, expected: &str) {
        let written = json!({ "basic": { "user": user, "password": password } });
        check(written, URL, &[], &format!("https://a.example/b\nauthorization: Basic {expected}"));
    }
    let known: Value = serde_json::from_str(BASIC).expect("it is JSON");
    for case in known["basic"].as_array().expect("there are cases") {
        let text = |key: &str| case[key].as_str().expect("it is text");
        basic(text("user"), text("password"), text("value").trim_start_matches("Basic "));
    }
    for case in known["basic_invalid"].as_array().expect("there are cases") {
        let written = json!({ "basic": { "user": case["user"], "password": "" } });
        let built = check::settings::<AuthSettings>(written).and_then(|it| it.build());
        assert!(built.is_err(), "{case}");
    }
    basic("sk_1", "", "c2tfMTo=");
    basic("a", ":b", "YTo6Yg==");
}

#[test]
fn an_api_key_stands_where_the_api_wants_it() {
    #[track_caller]
    fn key(place: &Value, uri: &str, headers: &[(&'static str, &'static str)], expected: &str) {
        check(json!({ "api_key": { "in": place, "value": "a+b/c=&;%é" } }), uri, headers, expected);
    }
    let plain = json!({ "api_key": { "in": { "header": "X-Tenant" }, "value": "a b" } });
    check(plain, URL, &[("x-tenant", "old")], "https://a.example/b\nx-tenant: a b");
    let query = || json!({ "query": "api key" });
    let pair = "api%20key=a%2Bb%2Fc%3D%26%3B%25%C3%A9";
    key(&query(), URL, &[], &format!("https://a.example/b?{pair}"));
    key(&query(), "https://a.example?", &[], &format!("https://a.example/?{pair}"));
    key(&query(), "https://a.example/b?c=%20", &[], &format!("https://a.example/b?c=%20&{pair}"));
    key(&query(), "https://a.example/b?c&", &[], &format!("https://a.example/b?c&{pair}"));
    let cookie = || json!({ "cookie": "session" });
    let pair = "session=a+b/c=&%3B%25%C3%A9";
    key(&cookie(), URL, &[], &format!("https://a.example/b\ncookie: {pair}"));
    key(&cookie(), URL, &[("cookie", "d=e")], &format!("https://a.example/b\ncookie: d=e; {pair}"));
    key(
        &cookie(),
        URL,
        &[("cookie", "d=e"), ("cookie", "f=g")],
        &format!("https://a.example/b\ncookie: d=e; f=g; {pair}"),
    );
}

#[test]
fn a_401_is_final() {
    #[track_caller]
    fn check(status: u16, expected: Learned) {
        for written in [
            json!({ "bearer": { "token": "a" } }),
            json!({ "basic": { "user": "a", "password": "b" } }),
            json!({ "api_key": { "in": { "query": "a" }, "value": "b" } }),
            json!({ "jwt": { "algorithm": "HS256", "key": "k".repeat(32) } }),
            json!({ "hmac": { "preset": "github", "secret": "a" } }),
            json!({ "http_signature": { "algorithm": "hmac-sha256", "key": "YQ==", "key_id": "b" } }),
            json!({ "oauth1": { "consumer_key": "a", "consumer_secret": "b" } }),
        ] {
            let head = ReplyHead::http(status, HeaderMap::new());
            let now = Timestamp::default();
            let call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
            let url = URL.parse().expect("a URL");
            let learn = Learn::new((Stamp::default(), &call), &url, &head);
            assert_eq!(authorizer(written).learn(&learn), expected);
        }
    }
    check(401, Learned::Hopeless);
    for status in [200, 302, 400, 403, 407, 429, 500] {
        check(status, Learned::Nothing);
    }
}

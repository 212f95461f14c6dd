//! What people write below `auth` is checked, and never printed.

use fanfare_auth::{ApiKey, ApiKeyIn, AuthSettings, Basic, Bearer};
use fanfare_sdk::{Secret, SettingErrors, check};
use serde_json::{Value, json};

const CANARY: &str = "canary-71c0";

fn build(written: Value) -> Result<(), SettingErrors> {
    let settings: AuthSettings = check::settings(written)?;
    settings.build().map(|_| ())
}

#[track_caller]
fn check(written: Value, expected: &str) {
    assert_eq!(build(written).map_or_else(|wrong| wrong.to_string(), |()| String::new()), expected);
}

#[test]
fn a_wrong_form_is_named() {
    check(json!({ "bearer": { "token": "a" } }), "");
    check(
        json!({ "no_such": {} }),
        ": is not what it should be: one of `bearer`, `basic`, `api_key`, `hmac`, `digest`, `aws`, `http_signature`, `oauth1`, `jwt`, `oauth2`",
    );
    check(json!({ "bearer": "a" }), "/bearer: is not what it should be: a map of settings");
    check(json!({ "bearer": {} }), "/bearer: missing field `token`");
    check(
        json!({ "bearer": { "tokn": "a" } }),
        "/bearer/tokn: unknown field `tokn`, expected `token`",
    );
    check(
        json!({ "api_key": { "in": { "body": "a" }, "value": "b" } }),
        "/api_key/in: is not what it should be: one of `header`, `query`, `cookie`",
    );
}

#[test]
fn a_wrong_secret_is_named() {
    let control = "contains a control character, perhaps a line break at its end: remove it";
    let empty = "is empty: is the variable or file that it comes from empty too?";
    let bearer = |token: &str| json!({ "bearer": { "token": token } });
    check(bearer(""), &format!("/bearer/token: {empty}"));
    check(bearer("a\n"), &format!("/bearer/token: {control}"));
    check(
        bearer("Bearer a"),
        "/bearer/token: contains a space: write the token alone, without `Bearer`",
    );
    check(bearer("é"), "/bearer/token: is not ASCII");
    let basic =
        |user: &str, password: &str| json!({ "basic": { "user": user, "password": password } });
    let colon = "contains a `:`, where the password would begin: RFC 7617 has no way to send it";
    check(basic("a:b", "c"), &format!("/basic/user: {colon}"));
    check(basic("x\u{1}", "c"), &format!("/basic/user: {control}"));
    check(basic("a", "c\r\n"), &format!("/basic/password: {control}"));
    check(basic("a", "c\u{7f}"), &format!("/basic/password: {control}"));
    let key = |place: Value, value: &str| json!({ "api_key": { "in": place, "value": value } });
    for place in [json!({ "header": "a" }), json!({ "query": "a" }), json!({ "cookie": "a" })] {
        check(key(place.clone(), ""), &format!("/api_key/value: {empty}"));
        check(key(place, "a\n"), &format!("/api_key/value: {control}"));
    }
    check(
        key(json!({ "header": "Host" }), "a"),
        "/api_key/in: `host` is set by the engine: leave it out",
    );
    check(
        key(json!({ "header": "a" }), "é"),
        "/api_key/value: is not ASCII: encode it as the API asks for",
    );
    check(key(json!({ "query": "" }), "a"), "/api_key/in: is empty");
    check(
        key(json!({ "query": "a\nb" }), "a"),
        "/api_key/in: contains a control character: remove it",
    );
    check(key(json!({ "cookie": "a;b" }), "a"), "/api_key/in: is not the name of a cookie");
}

#[test]
fn nothing_prints_a_secret() {
    #[track_caller]
    fn seen(text: &str) {
        assert!(!text.contains(CANARY), "{text}");
    }
    let secret = || Secret::new(CANARY);
    seen(&format!("{:?}", Bearer::try_new(&secret())));
    seen(&format!("{:?}", Basic::try_new(CANARY, &secret())));
    for place in
        [ApiKeyIn::Header("a".into()), ApiKeyIn::Query("a".into()), ApiKeyIn::Cookie("a".into())]
    {
        seen(&format!("{:?}", ApiKey::try_new(&place, &secret())));
    }
    for written in [
        json!(CANARY),
        json!({ "bearer": CANARY }),
        json!({ "bearer": { "token": [CANARY] } }),
        json!({ "bearer": { "token": format!("{CANARY} ") } }),
        json!({ "basic": { "user": format!("{CANARY}:"), "password": "" } }),
        json!({ "basic": { "user": "", "password": format!("{CANARY}\n") } }),
        json!({ "api_key": { "in": CANARY, "value": CANARY } }),
        json!({ "api_key": { "in": { "header": "a" }, "value": format!("{CANARY}é") } }),
        json!({ "digest": { "user": "", "password": CANARY } }),
        json!({ "http_signature": { "algorithm": "ed25519", "key_id": "a", "key": CANARY } }),
        json!({ "http_signature": { "algorithm": "hmac-sha256", "key_id": "a", "key": CANARY } }),
        json!({ "oauth1": { "consumer_key": CANARY, "consumer_secret": format!("{CANARY}\n") } }),
        json!({ "oauth1": { "consumer_key": "a", "consumer_secret": "b", "token": CANARY } }),
        json!({ "aws": { "region": "a", "service": "b", "access_key": CANARY, "secret_key": format!("{CANARY}\n") } }),
        json!({ "aws": { "region": "a", "service": "b", "access_key": format!("{CANARY} "), "secret_key": CANARY } }),
        json!({ "digest": { "user": CANARY, "password": format!("{CANARY}\n") } }),
        json!({ "hmac": { "preset": CANARY } }),
        json!({ "hmac": { "secret": [CANARY] } }),
        json!({ "hmac": { "preset": "github", "secret": format!("{CANARY}\n") } }),
        json!({ "hmac": { "preset": "svix", "secrets": [format!("{CANARY}?")] } }),
    ] {
        let wrong = build(written).expect_err("it is wrong");
        seen(&format!("{wrong} {wrong:?}"));
    }
    let right = [
        json!({ "bearer": { "token": CANARY } }),
        json!({ "basic": { "user": CANARY, "password": CANARY } }),
        json!({ "api_key": { "in": { "query": "a" }, "value": CANARY } }),
        json!({ "digest": { "user": CANARY, "password": CANARY } }),
        json!({ "oauth1": { "consumer_key": CANARY, "consumer_secret": CANARY, "token": CANARY, "token_secret": CANARY } }),
        json!({ "aws": { "region": "a", "service": "b", "access_key": CANARY, "secret_key": CANARY, "session_token": CANARY } }),
        json!({ "hmac": { "preset": "stripe", "secrets": [CANARY, CANARY] } }),
    ];
    for written in right {
        let settings: AuthSettings = check::settings(written).expect("it is right");
        seen(&format!("{settings:?} {:?}", settings.build()));
    }
}

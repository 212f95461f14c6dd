//! What people write is checked, and every mistake is named at once.

use fanfare_http::{HttpKind, HttpSettings, HttpTarget, VersionIn};
use fanfare_sdk::{Capture, HttpApi, Registry, Repeat, TargetKind, check};
use serde_json::{Value, json};

#[track_caller]
fn check(written: Value, expected: &[&str]) {
    let found = match HttpKind.build(written) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected);
}

fn with(key: &str, value: Value) -> Value {
    let mut written = json!({ "url": "https://a.example/b" });
    written[key] = value;
    written
}

#[test]
fn settings_of_the_wrong_shape_are_named() {
    check(json!({ "url": "https://a.example/" }), &[]);
    check(json!({}), &[": missing field `url`"]);
    check(json!([]), &[": is not what it should be: a map of settings"]);
    check(
        with("headers", json!({ "a": ["b"] })),
        &["/headers/a: is not what it should be: text, or a map with `jq`"],
    );
    check(
        with("repeat", json!("always")),
        &["/repeat: is not what it should be: one of `never`, `same_endpoint`, `anywhere`"],
    );
    check(
        with("version_in", json!("body")),
        &["/version_in: is not what it should be: one of `path`, `header`, `query`, `media_type`"],
    );
    check(
        with("idempotency_key", json!(false)),
        &["/idempotency_key: is not what it should be: a map of settings"],
    );
    check(
        with("capture_bytes_max", json!(-1)),
        &["/capture_bytes_max: is not what it should be: u32"],
    );
    check(
        with("timeout", json!("5s")),
        &[
            "/timeout: unknown field `timeout`, expected one of `url`, `method`, `headers`, `query`, `compress`, `compress_above`, `variables`, `version_in`, \
         `version_rejected_by`, `idempotency_key`, `repeat`, `capture_bytes_max`, `probe`",
        ],
    );
}

#[test]
fn settings_of_the_wrong_meaning_are_named() {
    check(
        with("method", json!("post")),
        &["/method: is not in capital letters: `POST` would be right"],
    );
    check(with("method", json!("")), &["/method: is not a method: `POST` would be right"]);
    check(with("method", json!("CONNECT")), &["/method: is not for APIs: `POST` would be right"]);
    check(
        with("headers", json!({ "Host": "b" })),
        &["/headers/Host: `host` is set by the engine: leave it out"],
    );
    check(
        with("headers", json!({ "X-A": "1", "x-a": "2" })),
        &["/headers/x-a: `x-a` is there twice: names of headers ignore case"],
    );
    check(
        with("headers", json!({ "idempotency-key": "1" })),
        &[
            "/idempotency_key/header: `idempotency-key` stands in `headers` too: keep one, or set `send: false`",
        ],
    );
    check(
        with("query", json!({ "api_key": "1" })),
        &["/query/api_key: looks like a secret's key: use `auth` (api_key), which keeps it secret"],
    );
    check(
        with("version_in", json!({ "header": "idempotency-key" })),
        &["/version_in/header: `idempotency-key` carries the idempotency key"],
    );
    check(
        with("version_in", json!({ "query": "" })),
        &["/version_in/query: is not the name of a version: `api-version` would be right"],
    );
    let media_type = |text: &str| with("version_in", json!({ "media_type": text }));
    check(media_type("application/vnd.b+json;v={version}"), &[]);
    let right = "`application/vnd.crm.v{version}+json` would be right";
    let none = format!("/version_in/media_type: has no `{{version}}`: {right}");
    check(media_type("application/json"), &[&none]);
    let wrong = format!("/version_in/media_type: is not a media type: {right}");
    for text in ["v{version}", "a/{version}.{version}"] {
        check(media_type(text), &[&wrong]);
    }
    let mut twice = media_type("a/b.{version}");
    twice["headers"] = json!({ "Accept": "a/b" });
    let says =
        "/version_in/media_type: goes into `Accept`, which stands in `headers` too: keep one";
    check(twice, &[says]);
    check(
        with("probe", json!({ "method": "POST" })),
        &["/probe/method: is not without effect: `GET`, `HEAD` or `OPTIONS` would be right"],
    );
    check(with("capture_bytes_max", json!(16_777_216)), &[]);
    check(
        with("capture_bytes_max", json!(16_777_217)),
        &["/capture_bytes_max: is more than 16777216 bytes (16 MiB)"],
    );
    check(
        json!({ "url": "https://a.example/{version}", "version_in": { "header": "v" } }),
        &["/version_in: names one place, the `{version}` in `url` another: keep one"],
    );
    check(
        json!({ "url": "https://a.example/?v=1", "version_in": { "query": "v" } }),
        &["/version_in/query: stands in the query too: keep one"],
    );
    check(
        json!({ "url": "https://a.example/", "headers": { "V": "1" }, "version_in": { "header": "v" } }),
        &["/version_in/header: `v` stands in `headers` too: keep one"],
    );
}

#[test]
fn all_mistakes_are_named_at_once() {
    check(
        json!({ "url": "ftp://me:pw@a.example/?token=t", "method": "get", "headers": { "a b": "c", "d": "e\n" },
                "query": { "sig": "1" }, "capture_bytes_max": 4_000_000_000_u32 }),
        &[
            "/method: is not in capital letters: `GET` would be right",
            "/url: is neither `https://…` nor `http://…`",
            "/url: has user info: use `auth` (basic), which keeps it secret",
            "/url: has a query key that looks like a secret's: use `auth` (api_key)",
            "/query/sig: looks like a secret's key: use `auth` (api_key), which keeps it secret",
            "/headers/a b: is not the name of a header: letters, digits and `-` would be right",
            "/headers/d: contains a control character, perhaps a line break at its end: remove it",
            "/capture_bytes_max: is more than 16777216 bytes (16 MiB)",
        ],
    );
}

#[test]
fn a_version_without_a_place_is_refused() {
    let no_place = "the url has no `{version}`, and `version_in` names no other place for it";
    let wrong =
        HttpTarget::post("https://a.example/").unwrap().with_versions(["2", "1"]).unwrap_err();
    assert_eq!(wrong.to_string(), format!("/versions/0: {no_place}; /versions/1: {no_place}"));
    let header = HttpSettings::post("https://a.example/").version_in(VersionIn::Header("v".into()));
    let wrong = header.build().unwrap().with_versions(["2", "1\n"]).unwrap_err();
    assert!(wrong.to_string().starts_with("/versions/1: the version contains a control character"));
}

#[test]
fn repeating_follows_the_method() {
    #[track_caller]
    fn check(method: &str, written: &Value, expected: Repeat) {
        let written = json!({ "url": "https://a.example/", "method": method, "repeat": written });
        let target = HttpTarget::try_new(&check::settings(written).unwrap()).unwrap();
        assert_eq!(target.profile().repeat, expected);
    }
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        check(method, &Value::Null, Repeat::Anywhere);
    }
    for method in ["PUT", "DELETE"] {
        check(method, &Value::Null, Repeat::SameEndpoint);
    }
    for method in ["POST", "PATCH", "PURGE"] {
        check(method, &Value::Null, Repeat::Never);
    }
    check("POST", &json!("same_endpoint"), Repeat::SameEndpoint);
    check("POST", &json!("anywhere"), Repeat::Anywhere);
    check("PUT", &json!("never"), Repeat::Never);
}

#[test]
fn what_is_kept_of_a_reply_can_be_chosen() {
    #[track_caller]
    fn check(bytes: u32, expected: Capture) {
        let target =
            HttpSettings::post("https://a.example/").capture_bytes_max(bytes).build().unwrap();
        assert_eq!(target.profile().capture, expected);
    }
    check(0, Capture::Head);
    check(10, Capture::Whole { bytes_max: 10 });
    assert_eq!(
        HttpTarget::post("https://a.example/").unwrap().profile().capture,
        Capture::default()
    );
}

#[test]
fn the_schema_keeps_off_the_engines_keys_and_the_page_names_every_key() {
    Registry::default().register(HttpKind).unwrap();
    let schema = HttpKind.schema();
    let keys = |pointer: &str| -> Vec<String> {
        let keys = schema.pointer(pointer).and_then(Value::as_object).unwrap();
        keys.keys().cloned().collect()
    };
    let page = include_str!("../../src/docs.md");
    let key = keys("/$defs/IdempotencyKeySettings/properties");
    for key in keys("/properties").iter().chain(&key) {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["url"]));
}

#[test]
fn variables_that_are_not_there_are_named() {
    let url = |url: &str| json!({ "url": url, "variables": { "id": ".id" } });
    check(url("https://a.example/{id}/{id}"), &[]);
    check(
        url("https://a.example/{id}{?page}"),
        &["/url: uses `page`, which `variables` does not have"],
    );
    check(
        url("https://a.example/{id"),
        &[
            "/url: is no URI template (RFC 6570): `{id}`, `{?page}` or `{/path*}` would be right, and `%7B` for a brace",
        ],
    );
    let mut written = url("https://a.example/{id}");
    written["probe"] = json!({ "url": "https://a.example/{id}/health" });
    check(written, &["/probe/url: uses `id`, and a probe has no payload to take it from"]);
    check(
        with("variables", json!({ "version": ".v", "a-b": ".a" })),
        &[
            "/variables/a-b: is not the name of a variable: letters, digits, `_` and `.` would be right",
            "/variables/version: is that of the version, which the engine chooses",
        ],
    );
    check(
        with("query", json!({ "a": { "jq": ".a", "list": "pipe" } })),
        &["/query/a/list: is not what it should be: one of `repeat`, `brackets`, `comma`"],
    );
    check(
        with("idempotency_key", json!({ "body": "/" })),
        &["/idempotency_key/body: is no name and no JSON pointer: `/meta/key` would be right"],
    );
    let key = json!({ "url": "https://a.example/", "method": "GET", "idempotency_key": { "body": "key" } });
    check(key, &["/idempotency_key/body: has no place: the `method` carries no body"]);
}

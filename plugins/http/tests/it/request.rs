//! Settings and a call make a request.

use std::time::Duration;

use bytes::Bytes;
use fanfare_http::{HttpSettings, HttpTarget, IdempotencyKeySettings};
use fanfare_sdk::{Along, Call, HttpApi, Payload, PrepareError, Timestamp, check};
use http::Request;
use serde_json::{Value, json};

/// The request as text: method and URL, headers in the order of their names, body.
fn text(target: &HttpTarget, call: &Call, payload: &Payload) -> String {
    written(target.request(call, payload))
}

fn written(request: Result<Request<Bytes>, PrepareError>) -> String {
    let request = match request {
        Ok(request) => request,
        Err(error) => return error.to_string(),
    };
    let value = |value: &http::HeaderValue| value.to_str().expect("ASCII").to_owned();
    let mut headers: Vec<_> =
        request.headers().iter().map(|(name, it)| format!("{name}: {}", value(it))).collect();
    headers.sort();
    let body = String::from_utf8_lossy(request.body());
    let head = format!("{} {}", request.method(), request.uri());
    [vec![head], headers, vec![body.into_owned()]].concat().join("\n").trim_end().to_owned()
}

fn call(version: Option<&str>, endpoint: Option<&str>) -> Call {
    let (now, time_left) = (Timestamp::from_secs(1_800_000_000), Duration::from_secs(5));
    let mut call = Call::new("crm".into(), "key-1".into(), now, time_left);
    call.version = version.map(Into::into);
    call.endpoint = endpoint.map(Into::into);
    call
}

fn target(written: Value) -> HttpTarget {
    let settings = check::settings(written).expect("the settings have their form");
    HttpTarget::try_new(&settings).expect("the settings are right")
}

#[track_caller]
fn check(written: Value, call: &Call, expected: &str) {
    let payload = Payload::json(&json!({ "a": 1 }));
    assert_eq!(text(&target(written), call, &payload), expected);
}

#[test]
fn a_post_carries_payload_type_and_key() {
    check(
        json!({ "url": "https://a.example/b" }),
        &call(None, None),
        "POST https://a.example/b\ncontent-type: application/json\nidempotency-key: key-1\n{\"a\":1}",
    );
}

#[test]
fn headers_and_query_are_added() {
    check(
        json!({ "url": "https://a.example/b?c=d", "headers": { "Content-Type": "application/vnd.b+json", "X-Source": "f" },
                "query": { "e f": "g&h", "i": "" }, "idempotency_key": { "send": false } }),
        &call(None, None),
        "POST https://a.example/b?c=d&e%20f=g%26h&i=\ncontent-type: application/vnd.b+json\nx-source: f\n{\"a\":1}",
    );
}

#[test]
fn a_method_decides_on_body_and_key() {
    #[track_caller]
    fn method(name: &str, expected: &str) {
        check(json!({ "url": "https://a.example/", "method": name }), &call(None, None), expected);
    }
    method("GET", "GET https://a.example/");
    method("HEAD", "HEAD https://a.example/");
    method("OPTIONS", "OPTIONS https://a.example/\ncontent-type: application/json\n{\"a\":1}");
    let rest =
        "https://a.example/\ncontent-type: application/json\nidempotency-key: key-1\n{\"a\":1}";
    for name in ["PUT", "PATCH", "DELETE", "PURGE"] {
        method(name, &format!("{name} {rest}"));
    }
}

#[test]
fn a_version_goes_where_the_settings_say() {
    #[track_caller]
    fn get(url: &str, version_in: &Value, call: &Call, expected: &str) {
        let written =
            json!({ "url": url, "method": "GET", "version_in": version_in, "query": { "q": "1" } });
        check(written, call, expected);
    }
    let (v2, none) = (call(Some("2"), None), call(None, None));
    let (header, query) = (json!({ "header": "Api-Version" }), json!({ "query": "api-version" }));
    get("https://a.example/v{version}/b", &json!("path"), &v2, "GET https://a.example/v2/b?q=1");
    get("https://a.example/b?v={version}", &json!("path"), &v2, "GET https://a.example/b?v=2&q=1");
    get("https://a.example/b", &header, &v2, "GET https://a.example/b?q=1\napi-version: 2");
    get("https://a.example/b", &header, &none, "GET https://a.example/b?q=1");
    get("https://a.example/b", &query, &v2, "GET https://a.example/b?q=1&api-version=2");
    get("https://a.example/b", &query, &none, "GET https://a.example/b?q=1");
    let wrong = |says| format!("cannot prepare the request: {says}");
    get(
        "https://a.example/v{version}",
        &json!("path"),
        &none,
        &wrong("the url needs a version, and the call names none"),
    );
    get(
        "https://a.example/b",
        &json!("path"),
        &v2,
        &wrong("the url has no `{version}`, and `version_in` names no other place for it"),
    );
    get(
        "https://a.example/b",
        &header,
        &call(Some("2\n"), None),
        &wrong(
            "the version contains a control character, perhaps a line break at its end: remove it",
        ),
    );
}

#[test]
fn a_version_may_be_a_part_of_the_media_type() {
    #[track_caller]
    fn check_with(method: &str, headers: &Value, version: Option<&str>, expected: &str) {
        let written = json!({
            "url": "https://a.example/", "method": method, "headers": headers,
            "idempotency_key": { "send": false },
            "version_in": { "media_type": "application/vnd.b.v{version}+json" },
        });
        check(
            written,
            &call(version, None),
            &expected.replace("{v2}", "application/vnd.b.v2+json"),
        );
    }
    let (none, own) = (json!({}), json!({ "Content-Type": "text/x" }));
    let post = "POST https://a.example/\n";
    check_with("GET", &none, Some("2"), "GET https://a.example/\naccept: {v2}");
    let both = format!("{post}accept: {{v2}}\ncontent-type: {{v2}}\n{{\"a\":1}}");
    check_with("POST", &none, Some("2"), &both);
    let kept = format!("{post}accept: {{v2}}\ncontent-type: text/x\n{{\"a\":1}}");
    check_with("POST", &own, Some("2"), &kept);
    let without = format!("{post}content-type: application/json\n{{\"a\":1}}");
    check_with("POST", &none, None, &without);
    let wrong = "cannot prepare the request: the version contains a control character, perhaps a line break at its end: remove it";
    check_with("GET", &none, Some("2\n"), wrong);
}

#[test]
fn a_probe_has_neither_body_nor_effect() {
    #[track_caller]
    fn check(probe: &Value, version_in: &Value, version: Option<&str>, expected: &str) {
        let settings = json!({
            "url": "https://a.example/b", "query": { "q": "1" },
            "headers": { "Content-Type": "text/x", "X-A": "1" }, "version_in": version_in, "probe": probe,
        });
        let probe = target(settings).probe(&call(version, None)).transpose().expect("it has one");
        assert_eq!(written(probe), expected);
    }
    let (header, nothing) = (json!({ "header": "V" }), json!({}));
    let own = "OPTIONS https://a.example/b?q=1\n";
    check(&nothing, &header, None, &format!("{own}x-a: 1"));
    check(&nothing, &header, Some("2"), &format!("{own}v: 2\nx-a: 1"));
    let media_type = json!({ "media_type": "a/b.{version}" });
    check(&nothing, &media_type, Some("2"), &format!("{own}accept: a/b.2\nx-a: 1"));
    for method in ["GET", "HEAD", "OPTIONS"] {
        let probe = json!({ "method": method, "url": "https://a.example/health/{version}" });
        let expected = format!("{method} https://a.example/health/2\nv: 2\nx-a: 1");
        check(&probe, &header, Some("2"), &expected);
    }
}

#[test]
fn an_endpoint_stands_in_for_the_url() {
    #[track_caller]
    fn get(version: Option<&str>, endpoint: &str, expected: &str) {
        let written = json!({ "url": "https://a.example/v{version}", "method": "GET", "query": { "q": "1" } });
        check(written, &call(version, Some(endpoint)), expected);
    }
    get(Some("2"), "https://eu.example/{version}/b", "GET https://eu.example/2/b?q=1");
    get(Some("a/b"), "http://eu.example:81/{version}", "GET http://eu.example:81/a%2Fb?q=1");
    let wrong = "cannot prepare the request: the endpoint";
    get(Some("2"), "eu.example", &format!("{wrong} has no scheme: `https://…` would be right"));
    get(
        Some("2"),
        "https://eu.example/{version}?key=s",
        &format!("{wrong} has a query key that looks like a secret's: use `auth` (api_key)"),
    );
}

#[test]
fn declared_versions_make_the_same_requests() {
    let written =
        json!({ "url": "https://a.example/v{version}", "method": "GET", "query": { "q": "1" } });
    let declared = target(written.clone()).with_versions(["3", "2"]).unwrap();
    assert_eq!(declared.profile().versions, ["3".into(), "2".into()]);
    for version in ["3", "2", "1"] {
        let call = call(Some(version), None);
        let payload = Payload::new("", "");
        let expected = text(&target(written.clone()), &call, &payload);
        assert_eq!(text(&declared, &call, &payload), expected);
    }
}

#[test]
fn an_idempotency_key_has_a_form() {
    #[track_caller]
    fn check(written: &Value, key: &str, expected: &str) {
        let written = json!({ "url": "https://a.example/", "idempotency_key": written });
        let mut call = call(None, None);
        call.idempotency_key = key.into();
        let text = text(&target(written), &call, &Payload::new("", ""));
        assert_eq!(text.lines().last(), Some(expected));
    }
    check(&json!({}), "8e03", "idempotency-key: 8e03");
    check(&json!({ "header": "PayPal-Request-Id" }), "8e03", "paypal-request-id: 8e03");
    check(&json!({ "quoted": true }), "8e03", "idempotency-key: \"8e03\"");
    check(&json!({ "quoted": true }), "a\"\\b", "idempotency-key: \"a\\\"\\\\b\"");
    // draft-ietf-httpapi-idempotency-key-header: a string of structured fields, which most APIs take without its quotes.
    let known: Value =
        serde_json::from_str(include_str!("../vectors/idempotency_key.json")).unwrap();
    let pairs = [("valid", json!({ "quoted": true })), ("not_a_structured_string", json!({}))];
    for (form, settings) in pairs {
        for value in known[form].as_array().unwrap().iter().map(|it| it.as_str().unwrap()) {
            let expected = format!("idempotency-key: {value}");
            check(&settings, value.trim_matches('"'), &expected);
        }
    }
    let wrong = "cannot prepare the request: the idempotency key is not visible ASCII";
    check(&json!({}), "é", wrong);
    check(&json!({}), "a\nb", wrong);
    check(&json!({}), "", wrong);
}

#[test]
fn an_idempotency_key_is_chosen_in_code_too() {
    #[track_caller]
    fn check(key: IdempotencyKeySettings, expected: &str) {
        let target = HttpSettings::post("https://a.example/").idempotency_key(key).build().unwrap();
        let text = text(&target, &call(None, None), &Payload::new("", ""));
        assert_eq!(text, format!("POST https://a.example/{expected}"));
    }
    check(IdempotencyKeySettings::off(), "");
    check(IdempotencyKeySettings::in_header("X-Request-Id"), "\nx-request-id: key-1");
}

#[test]
fn a_content_type_is_the_payloads() {
    #[track_caller]
    fn check(content_type: &str, expected: &str) {
        let target = HttpSettings::post("https://a.example/").build().unwrap();
        let text = text(&target, &call(None, None), &Payload::new(content_type, ""));
        assert_eq!(text.lines().nth(1), Some(expected));
    }
    check("text/plain; charset=utf-8", "content-type: text/plain; charset=utf-8");
    check("", "idempotency-key: key-1");
    let target = HttpTarget::post("https://a.example/").unwrap();
    let text = text(&target, &call(None, None), &Payload::new("a\r\nb: c", ""));
    assert!(
        text.starts_with(
            "cannot prepare the request: the payload's content type contains a control"
        )
    );
}

/// With the values of the target's expressions, in their order.
#[track_caller]
fn check_with(written: Value, values: Value, expected: &str) {
    let Value::Array(values) = values else { panic!("a list of values") };
    let along = Along { values, ..Along::default() };
    let payload = Payload::with("application/json", r#"{"a":1}"#, along);
    let version = written.to_string().contains("{version}").then_some("2");
    let found = text(&target(written), &call(version, None), &payload);
    assert_eq!(found.lines().next().expect("a line"), expected);
}

#[test]
fn variables_are_put_into_the_url() {
    let url = "https://a.example/v{version}/{id}{?tags*,page}";
    let variables = json!({ "id": ".id", "page": ".page", "tags": ".tags" });
    let written =
        json!({ "url": url, "variables": variables, "query": { "q": "1", "t": { "jq": ".t" } } });
    check_with(
        written.clone(),
        json!(["x y", "a/b", null, ["c", "d"]]),
        "POST https://a.example/v2/a%2Fb?tags=c&tags=d&q=1&t=x%20y",
    );
    check_with(
        written.clone(),
        json!([null, 7, 3, null]),
        "POST https://a.example/v2/7?page=3&q=1",
    );
    check_with(
        written,
        json!([null, null, null, null]),
        "cannot prepare the request: `variables.id` gives nothing, and the path needs it",
    );
}

#[test]
fn headers_are_taken_from_the_payload() {
    #[track_caller]
    fn check(values: [Value; 2], expected: &str) {
        let target = target(json!({
            "url": "https://a.example/", "method": "GET",
            "headers": { "X-A": { "jq": ".a" }, "X-B": "b" }, "query": { "t": { "jq": ".t" } },
        }));
        let along = Along { values: values.into(), ..Along::default() };
        let payload = Payload::with("application/json", "{}", along);
        assert_eq!(text(&target, &call(None, None), &payload), expected);
    }
    check([json!("v"), json!("w")], "GET https://a.example/?t=w\nx-a: v\nx-b: b");
    check([Value::Null, json!("w")], "GET https://a.example/?t=w\nx-b: b");
    let says = "contains a control character, perhaps a line break at its end: remove it";
    let wrong = format!("cannot prepare the request: the header `x-a` {says}");
    check([json!("v\n"), Value::Null], &wrong);
}

#[test]
fn another_endpoint_has_the_same_variables() {
    let written = json!({ "url": "https://a.example/{id}", "variables": { "id": ".id" } });
    let along = Along { values: vec![json!("b")], ..Along::default() };
    let payload = Payload::with("application/json", "{}", along);
    let at = |endpoint: &str| {
        let found = text(&target(written.clone()), &call(None, Some(endpoint)), &payload);
        found.lines().next().expect("a line").to_owned()
    };
    assert_eq!(at("https://b.example/x/{id}"), "POST https://b.example/x/b");
    assert_eq!(at("https://b.example/x"), "POST https://b.example/x");
    assert_eq!(
        at("https://b.example/{other}"),
        "cannot prepare the request: `variables.other` is not there, and the url needs it"
    );
}

#[test]
fn a_list_is_written_into_the_query_as_the_settings_say() {
    let query = |form: Option<&str>| {
        let mut jq = json!({ "jq": ".a" });
        if let Some(form) = form {
            jq["list"] = form.into();
        }
        json!({ "url": "https://a.example/", "query": { "a b": jq } })
    };
    let list = || json!([["x,y", 1, true, null]]);
    check_with(query(None), list(), "POST https://a.example/?a%20b=x%2Cy&a%20b=1&a%20b=true");
    let brackets = "POST https://a.example/?a%20b%5B%5D=x%2Cy&a%20b%5B%5D=1&a%20b%5B%5D=true";
    check_with(query(Some("brackets")), list(), brackets);
    check_with(query(Some("comma")), list(), "POST https://a.example/?a%20b=x%2Cy,1,true");
    for form in ["repeat", "brackets", "comma"] {
        check_with(query(Some(form)), json!([[]]), "POST https://a.example/");
        check_with(query(Some(form)), json!(["x"]), "POST https://a.example/?a%20b=x");
    }
    let wrong = "cannot prepare the request: `query.a b.jq`: the output is a list within a list";
    check_with(query(None), json!([[["x"]]]), wrong);
    let wrong = "cannot prepare the request: `query.a b.jq`: the output is an object, not a text";
    check_with(query(None), json!([{ "x": 1 }]), wrong);
}

#[test]
fn the_key_stands_in_the_body_where_an_api_wants_it_there() {
    #[track_caller]
    fn check(place: &str, content: (&str, &str), expected: &str) {
        let key = json!({ "send": false, "body": place });
        let target = target(json!({ "url": "https://a.example/", "idempotency_key": key }));
        let payload = Payload::new(content.0, content.1.to_owned());
        let found = text(&target, &call(None, None), &payload);
        assert_eq!(found.lines().last().expect("a line"), expected);
    }
    let json = |body| ("application/json", body);
    check("key", json(r#"{"a":1}"#), r#"{"a":1,"key":"key-1"}"#);
    check("/meta/the~1key", json("{}"), r#"{"meta":{"the/key":"key-1"}}"#);
    check("/list/0/key", json(r#"{"list":[{"a":1}]}"#), r#"{"list":[{"a":1,"key":"key-1"}]}"#);
    check("key", ("application/vnd.b+json; v=1", "{}"), r#"{"key":"key-1"}"#);
    let form = ("application/x-www-form-urlencoded", "a=b");
    check("dedup key", form, "a=b&dedup%20key=key-1");
    let no_place = "cannot prepare the request: the body has no place for the idempotency key: a JSON object or a form would";
    check("key", ("text/plain", "a"), no_place);
    check("/a/b", json(r#"{"a":1}"#), no_place);
    check("/list/1/key", json(r#"{"list":[]}"#), no_place);
    check("/a/b", form, no_place);
}

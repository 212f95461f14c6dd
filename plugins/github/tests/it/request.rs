//! Settings and a payload make a request.

use fanfare_sdk::{HttpApi, Payload, Repeat};
use serde_json::{Value, json};

use crate::{call, target};

#[track_caller]
fn check(payload: &Payload, expected: &str) {
    let text = match target().request(&call(), payload) {
        Ok(request) => String::from_utf8_lossy(request.body()).into_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(text, expected);
}

#[test]
fn an_event_is_dispatched() {
    let payload = Payload::json(&json!({ "id": 42 }));
    check(&payload, r#"{"client_payload":{"id":42},"event_type":"order_placed"}"#);
    let request = target().request(&call(), &payload).unwrap();
    let mut text = format!("{} {}", request.method(), request.uri());
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("\n{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    headers.sort();
    text.extend(headers);
    let expected = "POST https://api.github.com/repos/octo/hello/dispatches\n\
                    accept: application/vnd.github+json\ncontent-type: application/json\n\
                    user-agent: fanfare\nx-github-api-version: 2022-11-28";
    assert_eq!(text, expected);
    assert_eq!(target().profile().repeat, Repeat::Never);
}

#[test]
fn version_and_endpoint_are_those_of_the_call() {
    let mut call = call();
    call.version = Some("2026-03-10".into());
    call.endpoint = Some("https://github.example/api/v3/".into());
    let request = target().request(&call, &Payload::json(&json!({}))).unwrap();
    assert_eq!(request.headers()["x-github-api-version"], "2026-03-10");
    let uri = request.uri().to_string();
    assert_eq!(uri, "https://github.example/api/v3/repos/octo/hello/dispatches");
    call.version = None;
    let request = target().request(&call, &Payload::json(&json!({}))).unwrap();
    assert_eq!(request.headers()["x-github-api-version"], "2022-11-28");
}

#[test]
fn what_github_does_not_take_is_not_sent() {
    #[track_caller]
    fn wrong(payload: &Payload, expected: &str) {
        check(payload, &format!("cannot prepare the request: {expected}"));
    }
    let object = "the payload is not a JSON object: `body` makes one of it";
    wrong(&Payload::json(&json!([1])), object);
    wrong(&Payload::new("text/plain", "hello"), object);
    let properties = |count: usize| -> Payload {
        let map = (0..count).map(|at| (format!("p{at}"), Value::from(at))).collect();
        Payload::json(&Value::Object(map))
    };
    assert!(target().request(&call(), &properties(10)).is_ok());
    wrong(
        &properties(11),
        "the payload has more than the 10 properties that GitHub takes: `body: '{ data: . }'` puts them into one",
    );
    // `{"a":""}` has eight characters beside the text.
    let long = |chars: usize| Payload::json(&json!({ "a": "é".repeat(chars) }));
    assert!(target().request(&call(), &long(65_527)).is_ok());
    wrong(&long(65_528), "the payload is longer than the 65,535 characters that GitHub takes");
}

#[test]
fn the_repository_is_asked_for_by_a_probe() {
    let probe = target().probe(&call()).unwrap().unwrap();
    let text = format!("{} {}", probe.method(), probe.uri());
    assert_eq!(text, "GET https://api.github.com/repos/octo/hello");
    assert_eq!(probe.headers()["user-agent"], "fanfare");
}

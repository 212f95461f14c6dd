//! What is sent, and what replies mean.

use fanfare_sdk::{HttpApi, Payload, Reply};
use http::HeaderMap;

use crate::{API_KEY, call, target};

#[test]
fn a_payload_makes_a_request() {
    let payload = Payload::new("application/json", r#"{"text":"hello"}"#);
    let request = target().request(&call(), &payload).expect("it can be sent");
    assert_eq!(
        format!("{} {}", request.method(), request.uri()),
        "POST https://api.example/messages"
    );
    assert_eq!(request.headers()["x-api-key"], API_KEY);
    assert_eq!(request.headers()["idempotency-key"], "key-1");
    assert_eq!(request.body(), r#"{"text":"hello"}"#);
}

#[test]
fn what_is_not_json_is_refused() {
    let refused = target().request(&call(), &Payload::new("text/plain", "hello"));
    let says = refused.expect_err("it cannot be sent").to_string();
    assert_eq!(says, "cannot prepare the request: the payload is not JSON");
}

#[track_caller]
fn check((status, body): (u16, &'static str), expected: &str) {
    let meant = target().classify(&call(), &Reply::http(status, HeaderMap::new(), body));
    let found = format!("{:?}, {:?}", meant.meaning, meant.effect);
    assert_eq!(found, expected, "{status} {body}");
}

#[test]
fn a_reply_means_one_thing() {
    check((200, r#"{"id":7}"#), "Success, Applied");
    check((204, ""), "Success, Applied");
    check((200, r#"{"error":"busy"}"#), "Throttled, None");
    check((200, r#"{"error":"internal"}"#), "Retry, Unknown");
    check((200, r#"{"error":"no_such_account"}"#), "Permanent, None");
    check((400, r#"{"error":"busy"}"#), "Permanent, None");
    check((401, ""), "Unauthorized, None");
    check((429, ""), "Throttled, None");
    check((500, ""), "Retry, Unknown");
}

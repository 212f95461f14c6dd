//! Settings and a payload make a request.

use fanfare_sdk::{HttpApi, Payload, Repeat, SecretUrl};
use fanfare_slack::SlackTarget;
use serde_json::{Value, json};

use crate::{WEBHOOK, by_web_api, by_webhook, call};

#[track_caller]
fn check(target: &SlackTarget, payload: &Payload, expected: &str) {
    let text = match target.request(&call(), payload) {
        Ok(request) => {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            format!("{} {} {body}", request.method(), request.uri())
        }
        Err(error) => error.to_string(),
    };
    assert_eq!(text, expected);
}

fn json(value: &Value) -> Payload {
    Payload::json(value)
}

#[test]
fn a_message_is_posted() {
    let post = "POST https://slack.com/api/chat.postMessage";
    let hello = json(&json!({ "text": "hello" }));
    check(&by_webhook(), &hello, &format!(r#"POST {WEBHOOK} {{"text":"hello"}}"#));
    check(&by_web_api(), &hello, &format!(r#"{post} {{"channel":"C0123456789","text":"hello"}}"#));
    let elsewhere = json(&json!({ "channel": "C2", "text": "hello", "thread_ts": "1.2" }));
    let body = r#"{"channel":"C2","text":"hello","thread_ts":"1.2"}"#;
    check(&by_web_api(), &elsewhere, &format!("{post} {body}"));
    let request = by_web_api().request(&call(), &hello).unwrap();
    assert_eq!(request.headers()["content-type"], "application/json; charset=utf-8");
    assert_eq!(by_web_api().profile().repeat, Repeat::Never);
}

#[test]
fn a_text_becomes_a_message() {
    let said = |text: &str| format!("POST {WEBHOOK} {}", json!({ "text": text }));
    check(&by_webhook(), &json(&json!("hello")), &said("hello"));
    check(&by_webhook(), &Payload::new("text/plain", "it's \"done\""), &said("it's \"done\""));
    check(&by_webhook(), &Payload::new("TEXT/plain; charset=utf-8", "é"), &said("é"));
}

#[test]
fn what_is_no_message_is_refused() {
    #[track_caller]
    fn wrong(payload: &Payload, expected: &str) {
        check(&by_webhook(), payload, &format!("cannot prepare the request: {expected}"));
    }
    let neither = "the payload is neither a message (a JSON object) nor a text";
    wrong(&json(&json!([1])), neither);
    wrong(&json(&json!(null)), neither);
    wrong(&Payload::new("application/octet-stream", "hello"), neither);
    wrong(&Payload::new("text/plain", &b"\xff"[..]), "the payload is not UTF-8");
    let nothing = "the message says nothing: it has no `text`, `blocks` or `attachments`";
    wrong(&json(&json!({})), nothing);
    wrong(&json(&json!({ "text": "", "blocks": [] })), nothing);
    wrong(&json(&json!("")), nothing);
    wrong(&json(&json!({ "text": null, "attachments": {} })), nothing);
    let long = "`text` is longer than the 40,000 characters that Slack takes";
    wrong(&json(&json!("é".repeat(40_001))), long);
    assert!(by_webhook().request(&call(), &json(&json!("é".repeat(40_000)))).is_ok());
    let blocks = |count| json(&json!({ "blocks": vec![json!({ "type": "divider" }); count] }));
    assert!(by_webhook().request(&call(), &blocks(50)).is_ok());
    wrong(&blocks(51), "there are more than the 50 `blocks` that Slack takes");
    wrong(&Payload::new("text/plain", "a".repeat(1 << 20)), long);
    let huge = Payload::new("text/plain", "a".repeat((1 << 20) + 1));
    wrong(&huge, "the payload is longer than 1 MiB, and no message is");
}

#[test]
fn the_url_of_a_webhook_is_marked_as_a_secret() {
    let hello = json(&json!("hello"));
    let request = by_webhook().request(&call(), &hello).unwrap();
    assert!(request.extensions().get::<SecretUrl>().is_some());
    assert_eq!(SecretUrl::shown(&request), "https://hooks.slack.com/REDACTED");
    let request = by_web_api().request(&call(), &hello).unwrap();
    assert_eq!(SecretUrl::shown(&request), "https://slack.com/api/chat.postMessage");
}

#[test]
fn the_web_api_is_probed_and_a_webhook_cannot_be() {
    let probe = by_web_api().probe(&call()).unwrap().unwrap();
    assert_eq!(
        format!("{} {}", probe.method(), probe.uri()),
        "GET https://slack.com/api/auth.test"
    );
    assert!(by_webhook().probe(&call()).unwrap().is_none());
}

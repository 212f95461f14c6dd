//! Settings and a call make a signed request.

use std::time::Duration;

use fanfare_sdk::{Call, HttpApi, Payload, Repeat, Secret, Timestamp};
use fanfare_webhook::{WebhookSettings, WebhookTarget};

/// The example that all libraries of Standard Webhooks are tested with.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const NOW: i64 = 1_614_265_330;
const BODY: &str = r#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
/// The same request signed by a key: the example of the standard, which svix' server has too (MIT).
const PRIVATE: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const ASYMMETRIC: &str =
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
/// Another, of its library for Rust.
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

fn target(settings: &WebhookSettings) -> WebhookTarget {
    settings.build().expect("the settings are right")
}

fn settings(secret: &str) -> WebhookSettings {
    WebhookSettings::new("https://audit.example/hook", Secret::new(secret))
}

fn call(id: &str, micros: i64) -> Call {
    let (now, time_left) = (Timestamp::from_micros(micros), Duration::from_secs(5));
    let mut call = Call::new("audit".into(), "key-1".into(), now, time_left);
    call.delivery_id = id.into();
    call
}

fn text(target: &WebhookTarget, call: &Call, payload: &Payload) -> String {
    let request = match target.request(call, payload) {
        Ok(request) => request,
        Err(error) => return error.to_string(),
    };
    let mut text = format!("{} {}", request.method(), request.uri());
    let mut headers: Vec<_> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("\n{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    headers.sort();
    text.extend(headers);
    text.push('\n');
    text.push_str(&String::from_utf8_lossy(request.body()));
    text
}

#[test]
fn a_request_is_signed_as_the_standard_has_it() {
    let payload = Payload::new("application/json", BODY);
    let text = text(&target(&settings(SECRET)), &call(ID, NOW * 1_000_000 + 999_999), &payload);
    let expected = format!(
        "POST https://audit.example/hook\ncontent-type: application/json\nwebhook-id: {ID}\n\
         webhook-signature: {SIGNATURE}\nwebhook-timestamp: {NOW}\n{BODY}"
    );
    assert_eq!(text, expected);
}

#[track_caller]
fn signed(settings: &WebhookSettings, call: &Call, body: &'static str, expected: &str) {
    let request = target(settings).request(call, &Payload::new("", body)).expect("it is right");
    let signature = &request.headers()["webhook-signature"];
    assert_eq!(signature.to_str().expect("ASCII"), expected);
    assert!(signature.is_sensitive());
}

#[test]
fn known_signatures_are_made() {
    signed(&settings(SECRET), &call(ID, NOW * 1_000_000), BODY, SIGNATURE);
    let other = call("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553_000_000);
    let body = r#"{"email":"test@example.com","username":"test_user"}"#;
    let signature = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
    signed(&settings(OTHER_SECRET), &other, body, signature);
    signed(&settings(PRIVATE), &call(ID, NOW * 1_000_000), BODY, ASYMMETRIC);
    let kinds = settings(PRIVATE).older_secret(Secret::new(SECRET));
    let signatures = format!("{ASYMMETRIC} {SIGNATURE}");
    signed(&kinds, &call(ID, NOW * 1_000_000), BODY, &signatures);
    let both = settings(SECRET).older_secret(Secret::new(OTHER_SECRET));
    let signatures = format!("{SIGNATURE} v1,78nXHjpFP0tVJQW5D0SBwmVyyW87BV/rL6MgfM/Bw44=");
    signed(&both, &call(ID, NOW * 1_000_000), BODY, &signatures);
}

#[test]
fn a_repeat_has_the_same_id_and_its_own_signature() {
    let target = target(&settings(SECRET));
    let header = |seconds: i64, name: &str| {
        let call = call(ID, seconds * 1_000_000);
        let request = target.request(&call, &Payload::new("", BODY)).unwrap();
        request.headers()[name].clone()
    };
    assert_eq!(header(NOW, "webhook-id"), header(NOW + 5, "webhook-id"));
    for name in ["webhook-timestamp", "webhook-signature"] {
        assert_ne!(header(NOW, name), header(NOW + 5, name), "{name}");
    }
    assert_eq!(target.profile().repeat, Repeat::SameEndpoint);
}

#[test]
fn headers_and_endpoint_can_be_chosen() {
    let settings = settings(SECRET).header("Content-Type", "text/x-a").header("X-Source", "f");
    let mut call = call(ID, NOW * 1_000_000);
    call.endpoint = Some("https://audit-eu.example/hook?a=b".into());
    let text = text(&target(&settings), &call, &Payload::new("application/json", BODY));
    let expected = format!(
        "POST https://audit-eu.example/hook?a=b\ncontent-type: text/x-a\nwebhook-id: {ID}\n\
         webhook-signature: {SIGNATURE}\nwebhook-timestamp: {NOW}\nx-source: f\n{BODY}"
    );
    assert_eq!(text, expected);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    #[track_caller]
    fn check(id: &str, endpoint: Option<&str>, content_type: &str, expected: &str) {
        let mut call = call(id, NOW * 1_000_000);
        call.endpoint = endpoint.map(Into::into);
        let text = text(&target(&settings(SECRET)), &call, &Payload::new(content_type, BODY));
        assert_eq!(text, format!("cannot prepare the request: {expected}"));
    }
    let id = "the delivery's id is to be visible ASCII without `.`";
    for wrong in ["", "msg.1", "msg 1", "msg\n1", "é"] {
        check(wrong, None, "", id);
    }
    let control = "contains a control character, perhaps a line break at its end: remove it";
    check(ID, None, "a\nb", &format!("the payload's content type {control}"));
    let scheme = "the endpoint has no scheme: `https://…` would be right";
    check(ID, Some("audit-eu.example"), "", scheme);
}

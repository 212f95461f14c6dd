//! What must not be seen is not printed.

use std::time::Duration;

use fanfare_http::{HttpKind, HttpSettings, HttpTarget};
use fanfare_sdk::{Call, HttpApi, Payload, TargetKind, Timestamp, check};
use serde_json::{Value, json};

const CANARY: &str = "canary-71c0";

#[track_caller]
fn check(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

fn call() -> Call {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    Call::new("crm".into(), "key-1".into(), now, time_left)
}

#[test]
fn no_debug_prints_a_secret() {
    let written = json!({
        "url": format!("https://a.example/{CANARY}?{CANARY}={CANARY}"),
        "headers": { "Authorization": CANARY, "X-Tenant-Key": CANARY, "X-Tenant": CANARY },
        "query": { "q": CANARY },
    });
    let settings: HttpSettings = check::settings(written).unwrap();
    check(&format!("{settings:?}"));
    let target = HttpTarget::try_new(&settings).unwrap();
    check(&format!("{target:?} {:?}", target.profile()));
    let request = target.request(&call(), &Payload::new("", CANARY)).unwrap();
    for name in ["authorization", "x-tenant-key"] {
        assert!(request.headers()[name].is_sensitive(), "{name}");
    }
}

#[test]
fn no_error_prints_a_secret() {
    #[track_caller]
    fn wrong(written: Value) {
        let errors = HttpKind.build(written).unwrap_err();
        check(&format!("{errors:?}"));
        errors.iter().for_each(|error| check(&error.to_string()));
    }
    wrong(json!(CANARY));
    wrong(json!({ "url": CANARY }));
    wrong(json!({ "url": format!("https://{CANARY}:{CANARY}@a.example/#{CANARY}") }));
    wrong(json!({ "url": format!("https://a.example/{CANARY}/{{id}}?key={CANARY}") }));
    let url = "https://a.example/";
    wrong(json!({ "url": url, "headers": CANARY }));
    wrong(json!({ "url": url, "headers": { "a": [CANARY] } }));
    wrong(json!({ "url": url, "headers": { "a": format!("{CANARY}\n") } }));
    wrong(json!({ "url": url, "headers": { "a": format!("{CANARY}é") } }));
    wrong(json!({ "url": url, "query": { "token": CANARY } }));
    wrong(json!({ "url": url, "method": CANARY }));
    wrong(json!({ "url": url, "repeat": CANARY }));
    wrong(json!({ "url": url, "capture_bytes_max": CANARY }));
    wrong(json!({ "url": url, "version_in": CANARY }));
    wrong(json!({ "url": url, "version_in": { CANARY: CANARY } }));
    wrong(json!({ "url": url, "idempotency_key": { "header": format!("{CANARY} ") } }));
}

#[test]
fn no_error_of_a_call_prints_a_secret() {
    let target = HttpTarget::post("https://a.example/").unwrap();
    for text in [format!("https://me:{CANARY}@b.example/"), CANARY.to_owned()] {
        let mut call = call();
        call.endpoint = Some(text.into());
        check(&target.request(&call, &Payload::new("", "")).unwrap_err().to_string());
    }
    let payload = Payload::new(format!("{CANARY}\n"), "");
    check(&target.request(&call(), &payload).unwrap_err().to_string());
}

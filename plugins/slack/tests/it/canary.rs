//! What must not be seen is not printed.

use fanfare_sdk::{HttpApi, Payload, TargetKind, check};
use fanfare_slack::{SlackKind, SlackSettings};
use serde_json::json;

use crate::{by_web_api, by_webhook, call};

const CANARY: &str = "canary71c0";

#[track_caller]
fn seen(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn no_debug_prints_a_secret() {
    for target in [by_webhook(), by_web_api()] {
        seen(&format!("{target:?} {:?}", target.profile()));
        let wrong = target.request(&call(), &Payload::new("", CANARY)).unwrap_err();
        seen(&format!("{wrong:?} {wrong}"));
    }
    for written in
        [json!({ "webhook": CANARY }), json!({ "api": format!("https://a.example/{CANARY}") })]
    {
        let settings: SlackSettings = check::settings(written).unwrap();
        seen(&format!("{settings:?}"));
    }
}

#[test]
fn no_error_prints_a_secret() {
    for wrong in [
        json!(CANARY),
        json!({ "webhook": CANARY }),
        json!({ "webhook": format!("https://{CANARY}@a.example/#{CANARY}") }),
        json!({ "webhook": [CANARY] }),
        json!({ "webhook": CANARY, "channel": CANARY }),
        json!({ "channel": format!("{CANARY} "), "api": format!("{CANARY}://{CANARY}") }),
    ] {
        let errors = SlackKind.build(wrong).unwrap_err();
        seen(&format!("{errors:?}"));
        errors.iter().for_each(|error| seen(&error.to_string()));
    }
}

//! What may be a secret is not printed.

use fanfare_github::{GithubKind, GithubSettings};
use fanfare_sdk::{HttpApi, Payload, TargetKind, check};
use serde_json::json;

use crate::{call, target};

const CANARY: &str = "canary71c0";

#[track_caller]
fn seen(text: &str) {
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn no_debug_and_no_error_prints_it() {
    let api = format!("https://github.example/{CANARY}");
    let written = json!({ "repository": "a/b", "event_type": "c", "api": api });
    let settings: GithubSettings = check::settings(written).unwrap();
    let target_there = settings.build().unwrap();
    seen(&format!("{settings:?} {target_there:?} {:?}", target_there.profile()));
    for wrong in [
        json!(CANARY),
        json!({ "repository": CANARY, "event_type": "a", "api": CANARY }),
        json!({ "repository": "a/b", "event_type": CANARY.repeat(11) }),
        json!({ "repository": "a/b", "event_type": "a", "user_agent": format!("{CANARY}\n") }),
        json!({ "repository": "a/b", "event_type": "a", "api": format!("https://{CANARY}@a") }),
    ] {
        let errors = GithubKind.build(wrong).unwrap_err();
        seen(&format!("{errors:?}"));
        errors.iter().for_each(|error| seen(&error.to_string()));
    }
    let refused = target().request(&call(), &Payload::new("", CANARY)).unwrap_err();
    seen(&refused.to_string());
    let mut elsewhere = call();
    elsewhere.endpoint = Some(format!("https://{CANARY}@a.example").into());
    seen(&target().request(&elsewhere, &Payload::json(&json!({}))).unwrap_err().to_string());
}

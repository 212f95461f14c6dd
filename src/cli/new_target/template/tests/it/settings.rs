//! What people write is checked, every mistake is named at once, and nothing is printed.

use fanfare_acme::AcmeKind;
use fanfare_sdk::TargetKind;
use serde_json::{Value, json};

use crate::{API_KEY, URL, target};

#[track_caller]
fn check(written: Value, expected: &[&str]) {
    let found = match AcmeKind.build(written) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected);
}

#[test]
fn all_mistakes_are_named_at_once() {
    check(json!({ "url": URL, "api_key": API_KEY }), &[]);
    check(json!({ "url": URL }), &[": missing field `api_key`"]);
    check(
        json!({ "url": "api.example", "api_key": "a\n" }),
        &[
            "/url: has no scheme: `https://…` would be right",
            "/api_key: contains a control character, perhaps a line break at its end: remove it",
        ],
    );
    check(
        json!({ "url": URL, "api_key": API_KEY, "color": "red" }),
        &["/color: unknown field `color`, expected `url` or `api_key`"],
    );
}

#[test]
fn nothing_prints_the_key() {
    assert!(!format!("{:?}", target()).contains(API_KEY));
}

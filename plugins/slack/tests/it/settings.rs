//! What people write is checked, and every mistake is named at once.

use fanfare_sdk::{Registry, TargetKind};
use fanfare_slack::SlackKind;
use serde_json::{Value, json};

#[track_caller]
fn check(written: Value, expected: &[&str]) {
    let found = match SlackKind.build(written) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected);
}

#[test]
fn there_is_one_door() {
    check(json!({ "webhook": "https://hooks.slack.com/services/a" }), &[]);
    check(json!({ "channel": "C1" }), &[]);
    check(json!({ "channel": "C1", "api": "https://slack-gov.com/api/" }), &[]);
    check(
        json!({}),
        &["/webhook: is missing: the URL of an incoming webhook would be right, or a `channel`"],
    );
    check(
        json!({ "webhook": "https://a.example/", "channel": "a" }),
        &["/channel: stands beside `webhook`, which has its own: keep one of them"],
    );
}

#[test]
fn all_mistakes_are_named_at_once() {
    let channel =
        "/channel: is empty or has a space in it: the channel's id (`C0123456789`) would be right";
    check(
        json!({ "channel": "the ops", "api": "ftp://a" }),
        &["/api: is neither `https://…` nor `http://…`", channel],
    );
    check(json!({ "channel": "" }), &[channel]);
    check(
        json!({ "webhook": "a", "api": "b" }),
        &[
            "/api: goes with `channel`: a webhook is called by its own URL",
            "/webhook: has no scheme: `https://…` would be right",
        ],
    );
    check(json!({ "channel": 7 }), &["/channel: is not what it should be: a string"]);
}

#[test]
fn no_other_endpoint_is_fallen_back_to() {
    let says = SlackKind.check_endpoint(&"https://a.example/".into()).unwrap_err();
    assert_eq!(says, ["cannot be another one: another target can stand in (`target`)"]);
}

#[test]
fn the_schema_keeps_off_the_engines_keys_and_the_page_names_every_key() {
    Registry::default().register(SlackKind).unwrap();
    let page = include_str!("../../src/docs.md");
    for key in SlackKind.schema()["properties"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}

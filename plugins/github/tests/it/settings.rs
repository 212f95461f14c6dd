//! What people write is checked, and every mistake is named at once.

use fanfare_github::GithubKind;
use fanfare_sdk::{Registry, TargetKind};
use serde_json::{Value, json};

#[track_caller]
fn check(written: Value, expected: &[&str]) {
    let found = match GithubKind.build(written) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected);
}

#[track_caller]
fn repository(written: &str, right: bool) {
    let says: &[&str] = &["/repository: is not owner and name: `octo/hello` would be right"];
    check(json!({ "repository": written, "event_type": "a" }), if right { &[] } else { says });
}

#[test]
fn a_repository_has_an_owner_and_a_name() {
    for right in ["octo/hello", "o-1/.github", "a/b_c.d", "enterprise_user/x"] {
        repository(right, true);
    }
    for wrong in
        ["", "hello", "/", "octo/", "/hello", "a/b/c", "a/..", "a/.", "a b/c", "a/b?c", "é/a"]
    {
        repository(wrong, false);
    }
}

#[test]
fn all_mistakes_are_named_at_once() {
    check(
        json!({ "repository": "a", "event_type": "", "api": "github.example?a=b", "user_agent": "" }),
        &[
            "/api: has no scheme: `https://…` would be right",
            "/api: has a query: `https://host/api/v3` would be right",
            "/repository: is not owner and name: `octo/hello` would be right",
            "/event_type: is empty: `order_placed` would be right",
            "/user_agent: is empty: GitHub refuses requests without it",
        ],
    );
    let of = |count: usize| json!({ "repository": "a/b", "event_type": "é".repeat(count) });
    check(of(100), &[]);
    check(of(101), &["/event_type: is of 101 characters: GitHub takes 100"]);
    check(json!({ "repository": "a/b" }), &[": missing field `event_type`"]);
}

#[test]
fn another_endpoint_is_a_url() {
    assert!(GithubKind.check_endpoint(&"https://github.example/api/v3".into()).is_ok());
    assert!(GithubKind.check_endpoint(&"github.example".into()).is_err());
}

#[test]
fn the_schema_keeps_off_the_engines_keys_and_the_page_names_every_key() {
    Registry::default().register(GithubKind).unwrap();
    let page = include_str!("../../src/docs.md");
    for key in GithubKind.schema()["properties"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}

//! Conditions, texts for headers, and what a filter shows of itself.

use fanfare_mapping::{Filter, Limits, RunError};
use serde_json::json;

use crate::{json, parse};

#[test]
fn a_condition_is_what_jq_takes_for_true() {
    #[track_caller]
    fn check(input: &str, source: &str, expected: bool) {
        assert_eq!(parse(source).test(&json(input), Limits::default()), Ok(expected), "{source}");
    }
    check(r#"{"n": 5}"#, ".n > 3", true);
    check(r#"{"n": 5}"#, ".n > 3 and .m", false);
    check("null", ".", false);
    check("false", ".", false);
    check("0", ".", true);
    check(r#""""#, ".", true);
    check("[]", ".", true);
    check("null", "empty", false);
    check("null", "false, true", false);
    check("null", "{(1): nan}", true);
}

#[test]
fn a_condition_can_fail() {
    let failed = Err(RunError::Failed("cannot take `a` of a number".into()));
    assert_eq!(parse(".a").test(&json!(5), Limits::default()), failed);
}

#[test]
fn a_text() {
    #[track_caller]
    fn check(input: &str, source: &str, expected: Option<&str>) {
        let text = parse(source).run_text(&json(input), Limits::default()).unwrap();
        assert_eq!(text.as_deref(), expected, "{source}");
    }
    check(r#"{"id": "a \"b\" ü"}"#, ".id", Some("a \"b\" ü"));
    check(r#"{"id": 18446744073709551615}"#, ".id", Some("18446744073709551615"));
    check("[1.5, 10]", ".[1] / 2", Some("5"));
    check("true", ".", Some("true"));
    check("false", ".", Some("false"));
    check("null", ".", None);
    check("null", "empty", None);
    check(r#""""#, ".", Some(""));
    check(r#"{"a": 1}"#, r#""order-\(.a)""#, Some("order-1"));
}

#[test]
fn what_is_no_text() {
    #[track_caller]
    fn check(source: &str, expected: &str) {
        let expected = Err(RunError::Failed(expected.into()));
        assert_eq!(parse(source).run_text(&json!(null), Limits::default()), expected);
    }
    check("[1]", "the output is an array, not a text");
    check("{}", "the output is an object, not a text");
    check("nan", "the output has a number that is not finite, which JSON cannot say");
}

#[test]
fn a_filter_goes_between_threads() {
    fn send_and_sync<T: Send + Sync + 'static>() {}
    send_and_sync::<Filter>();
    let filter = parse(".a + 1");
    let other = filter.clone();
    let there = std::thread::spawn(move || other.run(&json!({"a": 1}), Limits::default()));
    assert_eq!(there.join().unwrap(), filter.run(&json!({"a": 1}), Limits::default()));
}

/// The source may hold a secret that was put into it.
#[test]
fn the_source_is_not_in_debug() {
    let filter = parse(r#"{key: "hunter2"}"#);
    assert_eq!(filter.source(), r#"{key: "hunter2"}"#);
    assert_eq!(format!("{filter:?}"), "Filter { .. }");
    for source in [r#"{key: "hunter2" "#, r#"{key "hunter2"}"#, r#"1 "hunter2""#, r#""hunter2"#] {
        let error = Filter::parse(source).expect_err("it is wrong");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

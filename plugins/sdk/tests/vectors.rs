//! Known answers for what APIs say of their limits. `vectors/retry_after.json` restates RFC 9110 section 10.2.3,
//! `vectors/rate_limit.json` the examples of draft-ietf-httpapi-ratelimit-headers and the forms of vendors; both were
//! worked out by hand.

use std::time::Duration;

use fanfare_sdk::{RetryAfter, Timestamp, quota_used_up, retry_after};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

const RETRY_AFTER: &str = include_str!("vectors/retry_after.json");
const RATE_LIMIT: &str = include_str!("vectors/rate_limit.json");

fn headers<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let header = |(name, value): (&str, &str)| {
        let name = HeaderName::try_from(name.to_ascii_lowercase()).expect("it is a name");
        (name, HeaderValue::try_from(value).expect("it is a value"))
    };
    lines.into_iter().map(header).collect()
}

fn vectors(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}

fn cases<'a>(vectors: &'a Value, key: &str) -> &'a Vec<Value> {
    vectors[key].as_array().filter(|cases| !cases.is_empty()).expect("there are cases")
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().expect("it is text")
}

#[test]
fn a_retry_after_is_read_in_all_its_forms() {
    let vectors = vectors(RETRY_AFTER);
    let now = vectors["now_unix"].as_i64().expect("a number");
    for case in cases(&vectors, "cases") {
        let value = text(case, "value");
        let found = retry_after(&headers([("retry-after", value)]));
        // By the reply's own clock it is the same.
        let sent = [("retry-after", value), ("date", text(&vectors, "now"))];
        let by_date = retry_after(&headers(sent));
        let wait = match found {
            Some(RetryAfter::For(wait)) => Some(wait),
            Some(RetryAfter::At(at)) => Some(at.since(Timestamp::from_secs(now))),
            None => None,
        };
        assert_eq!(by_date, wait.map(RetryAfter::For), "{case}");
        match (&case["wait_s"], wait) {
            // More than any cap.
            (Value::String(_), Some(wait)) => {
                assert!(wait > Duration::from_secs(1 << 40), "{case}");
            }
            (expected, wait) => {
                assert_eq!(expected.as_u64().map(Duration::from_secs), wait, "{case}");
            }
        }
    }
}

#[test]
fn a_quota_of_the_draft_is_read() {
    let vectors = vectors(RATE_LIMIT);
    for case in cases(&vectors, "structured") {
        let Some(field) = case["RateLimit"].as_str() else {
            // A policy alone says nothing of what is left.
            let policy = text(case, "RateLimit-Policy");
            assert_eq!(quota_used_up(&headers([("ratelimit-policy", policy)])), None, "{case}");
            continue;
        };
        let limit = &case["limits"][0];
        let wait = limit["t"].as_u64().filter(|_| limit["r"] == 0);
        let wait = wait.map(|secs| RetryAfter::For(Duration::from_secs(secs)));
        assert_eq!(quota_used_up(&headers([("ratelimit", field)])), wait, "{case}");
    }
    for case in cases(&vectors, "must_be_ignored") {
        // The same with nothing left, and what the case explains taken off.
        let field =
            case.as_str().expect("it is text").replace("r=50", "r=0").replace("r=1;", "r=0;");
        let field = field.split(" ... ").next().and_then(|it| it.split("  (").next());
        let field = field.expect("there is a field");
        assert_eq!(quota_used_up(&headers([("ratelimit", field)])), None, "{case}");
    }
}

#[test]
fn quotas_of_vendors_are_read() {
    for case in cases(&vectors(RATE_LIMIT), "vendor") {
        let lines = case["headers"].as_object().expect("there are headers");
        let lines =
            lines.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text")));
        let headers = headers(lines);
        let found = retry_after(&headers).or_else(|| quota_used_up(&headers));
        let secs = |key: &str| case[key].as_f64();
        let expected = match (secs("wait_s"), case["wait_until_unix"].as_i64()) {
            (Some(wait), None) => RetryAfter::For(Duration::from_secs_f64(wait)),
            (None, Some(at)) => RetryAfter::At(Timestamp::from_secs(at)),
            _ => panic!("either would be right: {case}"),
        };
        assert_eq!(found, Some(expected), "{case}");
    }
}

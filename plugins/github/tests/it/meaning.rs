//! What replies mean.

use fanfare_sdk::{HttpApi, Reply, RetryAfter};
use http::{HeaderMap, HeaderName};

use crate::{call, target};

#[track_caller]
fn check(status: u16, headers: &[(&str, &str)], body: &'static str, expected: &str) {
    let header = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).expect("a name"), value.parse().expect("a value"))
    };
    let headers: HeaderMap = headers.iter().map(header).collect();
    let meant = target().classify(&call(), &Reply::http(status, headers, body));
    let wait = match meant.retry_after {
        None => String::new(),
        Some(RetryAfter::For(wait)) => format!(", {wait:?}"),
        Some(RetryAfter::At(at)) => format!(", at {}", at.as_secs()),
    };
    let found = format!("{:?}, {:?}{wait}", meant.meaning, meant.effect);
    assert_eq!(found, expected, "{status} {body}");
}

#[test]
fn a_status_means_one_thing() {
    check(204, &[], "", "Success, Applied");
    check(401, &[], r#"{"message":"Bad credentials"}"#, "Unauthorized, None");
    let may_not = r#"{"message":"Resource not accessible by personal access token"}"#;
    check(403, &[], may_not, "Permanent, None");
    check(404, &[], r#"{"message":"Not Found"}"#, "Permanent, None");
    check(410, &[], "", "Permanent, None");
    check(422, &[], r#"{"message":"Invalid request."}"#, "Permanent, None");
    check(307, &[("location", "https://api.github.com/repositories/1")], "", "Permanent, None");
    check(500, &[], "", "Retry, Unknown");
    check(503, &[], "", "Retry, None");
}

#[test]
fn its_limits_are_told_from_a_missing_permission() {
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1609844400")];
    let left = [("x-ratelimit-remaining", "17"), ("x-ratelimit-reset", "1609844400")];
    for status in [403, 429] {
        check(status, &[("retry-after", "30")], "", "Throttled, None, 30s");
        check(status, &used_up, "", "Throttled, None, at 1609844400");
        let both = [("retry-after", "30"), used_up[0], used_up[1]];
        check(status, &both, "", "Throttled, None, 30s");
        let secondary = r#"{"message":"You have exceeded a secondary rate limit."}"#;
        check(status, &left, secondary, "Throttled, None, 60s");
        let abuse = r#"{"message":"You have triggered an abuse detection mechanism."}"#;
        check(status, &[], abuse, "Throttled, None, 60s");
    }
    check(429, &[], "", "Throttled, None, 60s");
    check(403, &left, r#"{"message":"Forbidden"}"#, "Permanent, None");
}

#[test]
fn a_quota_that_is_used_up_is_kept_to_with_an_acceptance_too() {
    let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1609844400")];
    check(204, &used_up, "", "Success, Applied, at 1609844400");
}

#[test]
fn a_version_that_is_not_served_is_refused_by_a_400() {
    let message = r#"{"message":"Unsupported API version: 2021-01-01"}"#;
    check(400, &[], message, "VersionRejected, None");
    check(400, &[], r#"{"message":"Problems parsing JSON"}"#, "Permanent, None");
}

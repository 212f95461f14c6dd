//! What replies mean.

use std::time::Duration;

use fanfare_http::HttpTarget;
use fanfare_sdk::{Call, HttpApi, Reply, Timestamp};
use http::HeaderMap;

#[track_caller]
fn check(version: Option<&str>, status: u16, expected: &str) {
    let target = HttpTarget::post("https://a.example/").expect("the settings are right");
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    let mut call = Call::new("crm".into(), "key-1".into(), now, time_left);
    call.version = version.map(Into::into);
    // Of two versions the second one is the last.
    call.has_other_version = version == Some("3");
    let meant = target.classify(&call, &Reply::http(status, HeaderMap::new(), ""));
    assert_eq!(format!("{:?}, {:?}", meant.meaning, meant.effect), expected, "{status}");
}

#[test]
fn a_status_means_one_thing() {
    for status in [200, 201, 202, 204, 299] {
        check(None, status, "Success, Applied");
    }
    for status in [300, 301, 302, 304, 307, 308, 399, 400, 403, 404, 409, 410, 422, 501, 505] {
        check(None, status, "Permanent, None");
    }
    for status in [406, 410, 415, 426] {
        check(Some("2"), status, "VersionRejected, None");
    }
    check(Some("2"), 404, "Permanent, None");
    check(Some("3"), 404, "VersionRejected, None");
    check(Some("3"), 403, "Permanent, None");
    check(Some("3"), 503, "Retry, None");
    // It says where the result is.
    check(None, 303, "Permanent, Unknown");
    check(None, 401, "Unauthorized, None");
    check(None, 429, "Throttled, None");
    for status in [421, 425, 503] {
        check(None, status, "Retry, None");
    }
    for status in [408, 500, 502, 504, 529] {
        check(None, status, "Retry, Unknown");
    }
}

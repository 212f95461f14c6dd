//! What replies mean.

use std::time::Duration;

use fanfare_sdk::{HttpApi, Reply, ReplyBody, RetryAfter};
use fanfare_slack::SlackTarget;
use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};

use crate::{by_web_api, by_webhook, call};

#[track_caller]
fn check(target: &SlackTarget, (status, body): (u16, &'static str), expected: &str) {
    let meant = target.classify(&call(), &Reply::http(status, HeaderMap::new(), body));
    let found = format!("{:?}, {:?}", meant.meaning, meant.effect);
    assert_eq!(found, expected, "{status} {body}");
}

#[test]
fn a_200_of_the_web_api_may_be_a_failure() {
    #[track_caller]
    fn error(code: &str, expected: &str) {
        let body = format!(r#"{{"ok":false,"error":"{code}"}}"#);
        let reply = Reply::http(200, HeaderMap::new(), body);
        let meant = by_web_api().classify(&call(), &reply);
        assert_eq!(format!("{:?}, {:?}", meant.meaning, meant.effect), expected, "{code}");
    }
    check(&by_web_api(), (200, r#"{"ok":true,"ts":"1.2"}"#), "Success, Applied");
    for code in ["ratelimited", "rate_limited", "message_limit_exceeded"] {
        error(code, "Throttled, None");
    }
    for code in ["invalid_auth", "not_authed", "token_expired", "token_revoked", "missing_scope"] {
        error(code, "Unauthorized, None");
    }
    for code in ["internal_error", "fatal_error"] {
        error(code, "Retry, Unknown");
    }
    for code in ["service_unavailable", "team_added_to_org", "request_timeout"] {
        error(code, "Retry, None");
    }
    for code in ["channel_not_found", "is_archived", "msg_too_long", "no_text", "new_one", ""] {
        error(code, "Permanent, None");
    }
}

#[test]
fn an_answer_that_is_not_slacks_leaves_a_doubt() {
    for body in ["", "<html>", "{", "null", "[]", r#"{"ok":"yes"}"#, r#"{"error":"x"}"#] {
        check(&by_web_api(), (200, body), "Retry, Unknown");
    }
    let cut = Reply {
        body: ReplyBody::truncated(r#"{"ok":tr"#),
        ..Reply::http(200, HeaderMap::new(), "")
    };
    let meant = by_web_api().classify(&call(), &cut);
    assert_eq!(format!("{:?}, {:?}", meant.meaning, meant.effect), "Retry, Unknown");
}

#[test]
fn a_webhook_says_it_by_its_status() {
    check(&by_webhook(), (200, "ok"), "Success, Applied");
    for text in ["invalid_payload", "user_not_found", "too_many_attachments", "no_text"] {
        check(&by_webhook(), (400, text), "Permanent, None");
    }
    check(&by_webhook(), (403, "action_prohibited"), "Permanent, None");
    check(&by_webhook(), (404, "something else"), "Permanent, None");
    check(&by_webhook(), (403, "invalid_token\n"), "TargetDisabled, None");
    for text in ["no_service", "no_team", "channel_not_found"] {
        check(&by_webhook(), (404, text), "TargetDisabled, None");
    }
    check(&by_webhook(), (410, "channel_is_archived"), "TargetDisabled, None");
    check(&by_webhook(), (410, ""), "TargetDisabled, None");
    check(&by_webhook(), (500, "rollup_error"), "Retry, Unknown");
}

#[test]
fn both_say_by_their_status_that_it_is_too_much() {
    let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("30"))]);
    for target in [by_webhook(), by_web_api()] {
        for status in [429, 503] {
            let reply =
                Reply::http(status, headers.clone(), r#"{"ok":false,"error":"ratelimited"}"#);
            let meant = target.classify(&call(), &reply);
            let expected = if status == 429 { "Throttled, None" } else { "Retry, None" };
            assert_eq!(format!("{:?}, {:?}", meant.meaning, meant.effect), expected);
            assert_eq!(meant.retry_after, Some(RetryAfter::For(Duration::from_secs(30))));
        }
    }
    let reply = Reply::http(200, headers, r#"{"ok":false,"error":"ratelimited"}"#);
    let asks = by_web_api().classify(&call(), &reply).retry_after;
    assert_eq!(asks, Some(RetryAfter::For(Duration::from_secs(30))));
}

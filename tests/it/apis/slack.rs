//! Slack: 200, whatever came of it.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, code: &str) -> Scripted {
    ask::json(status, &json!({ "ok": false, "error": code }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    // https://docs.slack.dev/apis/web-api: methods are the end of the path.
    if ask.line() != "POST https://slack.com/api/chat.postMessage" {
        return error(200, "unknown_method");
    }
    // https://docs.slack.dev/authentication/tokens: the token, and 200 without it.
    match ask.bearer() {
        "" => return error(200, "not_authed"),
        token if token != standin("SLACK_BOT_TOKEN") => return error(200, "invalid_auth"),
        _ => {}
    }
    // https://docs.slack.dev/reference/methods/chat.postMessage#errors
    let message = ask.json();
    if message.is_null() {
        return error(200, "invalid_json");
    }
    match message["channel"].as_str() {
        Some("C0123456789") => {}
        Some("C0000000000") => return error(200, "is_archived"),
        _ => return error(200, "channel_not_found"),
    }
    if message["text"].as_str().is_none_or(str::is_empty) {
        return error(200, "no_text");
    }
    ask::json(200, &json!({ "ok": true, "channel": "C0123456789", "ts": "1503435956.000247" }))
}

fn slack() -> Mock {
    Box::new(answer)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(30));
    Box::new(move |ask| {
        // https://docs.slack.dev/apis/web-api/rate-limits: whole seconds.
        if throttle.refuses() {
            error(429, "ratelimited").header("retry-after", "30")
        } else {
            answer(ask)
        }
    })
}

fn troubled() -> Mock {
    // https://docs.slack.dev/reference/methods/chat.postMessage#errors: some of it may have succeeded.
    Box::new(|_| error(200, "fatal_error"))
}

pub(super) fn example() -> Example {
    let payload = json!({ "order": { "id": "o-7", "customer": "Ada" }, "reason": "card declined" });
    Example::new("slack.yaml", payload, slack, r#"delivered [200] ts: "1503435956.000247""#)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_posted() {
    let example = example();
    example.stands().await;
    example.at(busy, r#"delivered [429 200] ts: "1503435956.000247""#).await;
    let doubt = r#"indeterminate (a repeat is not known to be safe) [200] error: "fatal_error""#;
    example.at(troubled, doubt).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |code| format!("failed (refused by the API) [200] error: \"{code}\"");
    example.broken("C0123456789", "C1111111111", &refused("channel_not_found")).await;
    example.broken("C0123456789", "C0000000000", &refused("is_archived")).await;
    let key = r#"failed (not authorised) [200] error: "invalid_auth""#;
    example.broken("${env:SLACK_BOT_TOKEN}", "other", key).await;
}

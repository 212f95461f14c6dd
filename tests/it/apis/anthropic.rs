//! Anthropic: a key in a header, a version that must be named, and 529 when it is overloaded.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, kind: &str) -> Scripted {
    ask::json(status, &json!({ "type": "error", "error": { "type": kind, "message": "…" } }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.anthropic.com/v1/messages");
    // https://platform.claude.com/docs/en/api/errors
    if ask.header("x-api-key") != standin("ANTHROPIC_API_KEY") {
        return error(401, "authentication_error");
    }
    // https://platform.claude.com/docs/en/api/versioning: required.
    if ask.header("anthropic-version") != "2023-06-01" {
        return error(400, "invalid_request_error");
    }
    // https://platform.claude.com/docs/en/api/messages: these three are required.
    let body = ask.json();
    let is_said = body.pointer("/messages/0/content").is_some_and(|it| it.is_string());
    if !body["model"].is_string() || !body["max_tokens"].is_u64() || !is_said {
        return error(400, "invalid_request_error");
    }
    let content = json!([{ "type": "text", "text": "42" }]);
    ask::json(200, &json!({ "type": "message", "content": content, "stop_reason": "end_turn" }))
}

fn anthropic() -> Mock {
    Box::new(answer)
}

fn overloaded() -> Mock {
    let asked = AtomicU32::default();
    Box::new(move |ask| match asked.fetch_add(1, Ordering::Relaxed) {
        0..2 => error(529, "overloaded_error"),
        _ => answer(ask),
    })
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(40));
    Box::new(move |ask| {
        // https://platform.claude.com/docs/en/api/rate-limits: whole seconds.
        let refused = || error(429, "rate_limit_error").header("retry-after", "40");
        if throttle.refuses() { refused() } else { answer(ask) }
    })
}

fn spent() -> Mock {
    // https://platform.claude.com/docs/en/api/rate-limits: without `retry-after`.
    let details = json!({ "error_code": "enforced_spend_limit_reached" });
    let error = json!({ "type": "rate_limit_error", "message": "…", "details": details });
    Box::new(move |_| ask::json(429, &json!({ "type": "error", "error": error })))
}

const ANSWERED: &str = r#"answer: "42", stopped_by: "end_turn""#;

pub(super) fn example() -> Example {
    let payload = json!({ "question": "6 * 7?" });
    Example::new(
        "anthropic.yaml",
        payload,
        anthropic,
        r#"delivered [200] answer: "42", stopped_by: "end_turn""#,
    )
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered() {
    let example = example();
    example.stands().await;
    example.at(overloaded, &format!("delivered [529 529 200] {ANSWERED}")).await;
    example.at(busy, &format!("delivered [429 200] {ANSWERED}")).await;
    let no_money =
        r#"failed (refused by the API) [429] <money spent: spend_limit> error: "rate_limit_error""#;
    example.at(spent, no_money).await;
    let doubt =
        r#"indeterminate (a repeat is not known to be safe) [529] error: "overloaded_error""#;
    example.broken_at(overloaded, ("same_endpoint", "never"), doubt).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = r#"failed (refused by the API) [400] error: "invalid_request_error""#;
    example
        .broken(
            "version_in: { header: anthropic-version }",
            "version_in: { header: version }",
            refused,
        )
        .await;
    example.broken("max_tokens: 1024,", "", refused).await;
    example
        .broken(
            "header: X-Api-Key",
            "header: Api-Key",
            r#"failed (not authorised) [401] error: "authentication_error""#,
        )
        .await;
    example.sending(json!({}), refused).await;
}

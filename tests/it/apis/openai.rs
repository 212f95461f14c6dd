//! OpenAI: two things that are both called 429.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, kind: &str, code: &str) -> Scripted {
    ask::json(
        status,
        &json!({ "error": { "message": "…", "type": kind, "param": null, "code": code } }),
    )
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.openai.com/v1/responses");
    // https://platform.openai.com/docs/api-reference/authentication
    if ask.bearer() != standin("OPENAI_API_KEY") {
        return error(401, "invalid_request_error", "invalid_api_key");
    }
    // https://platform.openai.com/docs/api-reference/responses/create
    let body = ask.json();
    if !body["model"].is_string() || !(body["input"].is_string() || body["input"].is_array()) {
        return error(400, "invalid_request_error", "missing_required_parameter");
    }
    let said = json!([{ "type": "output_text", "text": "42", "annotations": [] }]);
    let output =
        json!([{ "type": "reasoning", "summary": [] }, { "type": "message", "content": said }]);
    ask::json(200, &json!({ "object": "response", "status": "completed", "output": output }))
}

fn openai() -> Mock {
    Box::new(answer)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(6 * 60));
    Box::new(move |ask| {
        // https://platform.openai.com/docs/guides/rate-limits: when it is over stands in headers, as Go writes it.
        let limited = || {
            error(429, "requests", "rate_limit_exceeded")
                .header("x-ratelimit-remaining-requests", "0")
                .header("x-ratelimit-reset-requests", "6m0s")
        };
        if throttle.refuses() { limited() } else { answer(ask) }
    })
}

fn unpaid() -> Mock {
    // https://platform.openai.com/docs/guides/error-codes: of one type, whatever its code. To try again is of no use.
    Box::new(|_| error(429, "insufficient_quota", "credit_balance_exhausted"))
}

pub(super) fn example() -> Example {
    let payload = json!({ "question": "6 * 7?" });
    Example::new("openai.yaml", payload, openai, r#"delivered [200] answer: "42""#)
}

#[tokio::test(start_paused = true)]
async fn a_question_is_answered() {
    let example = example();
    example.stands().await;
    let patient = ("timeout: 2m", "timeout: 2m\n    give_up_after: 10m");
    example.broken_at(busy, patient, r#"delivered [429 200] answer: "42""#).await;
    // Five minutes is how long it tries unless it is told otherwise.
    example.at(busy, r#"failed (its time was over) [429] error: "rate_limit_exceeded""#).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let unpaid_for = "<no money left: credit_balance_exhausted: …>";
    let error = r#"error: "credit_balance_exhausted""#;
    let once = format!("failed (refused by the API) [429] {unpaid_for} {error}");
    example.at(unpaid, &once).await;
    // Without the rule it is asked again and again.
    let edits = [("insufficient_quota", "none"), ("timeout: 2m", "retry: { throttled_max: 3 }")];
    let unpaid_still =
        r#"failed (throttled too often) [429 429 429] error: "credit_balance_exhausted""#;
    example.edited_at(unpaid, &edits, unpaid_still).await;
    let missing = r#"failed (refused by the API) [400] error: "missing_required_parameter""#;
    example.broken("input:", "prompt:", missing).await;
    let key = r#"failed (not authorised) [401] error: "invalid_api_key""#;
    example.broken("${env:OPENAI_API_KEY}", "other", key).await;
}

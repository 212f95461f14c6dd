//! PagerDuty: the proof in the body, and alerts that repeats join.

use std::sync::atomic::{AtomicU32, Ordering};

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
};

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://events.pagerduty.com/v2/enqueue");
    // https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
    let (event, mut errors) = (ask.json(), Vec::new());
    let text = |it: &str| event.pointer(it).and_then(|it| it.as_str()).unwrap_or_default();
    if text("/routing_key").len() != 32 {
        errors.push("Length of 'routing_key' is incorrect (should be 32 characters)");
    }
    if !["trigger", "acknowledge", "resolve"].contains(&text("/event_action")) {
        errors.push("'event_action' is invalid");
    }
    if text("/dedup_key").len() > 255 {
        errors.push("'dedup_key' is too long");
    }
    for (field, says) in [
        ("/payload/summary", "'payload.summary' is missing or blank"),
        ("/payload/source", "'payload.source' is missing or blank"),
    ] {
        errors.extend(Some(says).filter(|_| text(field).is_empty()));
    }
    if !["critical", "error", "warning", "info"].contains(&text("/payload/severity")) {
        errors.push("'payload.severity' is invalid");
    }
    if !errors.is_empty() {
        let says = json!({ "status": "invalid event", "message": "Event object is invalid", "errors": errors });
        return ask::json(400, &says);
    }
    assert_eq!(text("/routing_key"), standin("PAGERDUTY_ROUTING_KEY"));
    let key = Some(text("/dedup_key")).filter(|it| !it.is_empty()).unwrap_or("made-by-pagerduty");
    ask::json(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": key }))
}

fn pagerduty() -> Mock {
    Box::new(answer)
}

/// In trouble for five requests.
fn troubled() -> Mock {
    let asked = AtomicU32::default();
    // https://developer.pagerduty.com/docs/events-api-v2/overview/: 5xx are to be tried again after a while.
    Box::new(move |ask| match asked.fetch_add(1, Ordering::Relaxed) {
        0..5 => Scripted::status(500),
        _ => answer(ask),
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "alert": { "id": "disk-7", "text": "disk is full", "host": "db-7" } });
    Example::new("pagerduty.yaml", payload, pagerduty, r#"delivered [202] dedup_key: "disk-7""#)
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_patient() {
    let example = example();
    example.stands().await;
    example.at(troubled, r#"delivered [500 500 500 500 500 202] dedup_key: "disk-7""#).await;
    let fewer = ("retry: { attempts: 10,", "retry: { attempts: 2,");
    example.broken_at(troubled, fewer, "indeterminate (all attempts used up) [500 500]").await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |errors| format!("failed (refused by the API) [400] errors: [{errors}]");
    let length = r#""Length of 'routing_key' is incorrect (should be 32 characters)""#;
    example.broken("${env:PAGERDUTY_ROUTING_KEY}", "short", &refused(length)).await;
    example.broken("severity:", "level:", &refused(r#""'payload.severity' is invalid""#)).await;
    let odd = json!({ "alert": { "id": "disk-7", "text": "disk is full", "severity": "bad" } });
    example
        .sending(
            odd,
            &refused(r#""'payload.source' is missing or blank","'payload.severity' is invalid""#),
        )
        .await;
}

//! Notion: a version that must be named, and three requests a second.

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

fn error(status: u16, code: &str) -> Scripted {
    ask::json(status, &json!({ "object": "error", "status": status, "code": code }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.notion.com/v1/pages");
    // https://developers.notion.com/reference/status-codes
    if ask.bearer() != standin("NOTION_TOKEN") {
        return error(401, "unauthorized");
    }
    // https://developers.notion.com/reference/versioning: required.
    match ask.header("notion-version") {
        "2026-03-11" | "2025-09-03" => {}
        "" => return error(400, "missing_version"),
        _ => return error(400, "validation_error"),
    }
    // https://developers.notion.com/reference/post-page: a parent and properties.
    let page = ask.json();
    if !page["parent"]["data_source_id"].is_string() || !page["properties"].is_object() {
        return error(400, "validation_error");
    }
    // https://developers.notion.com/reference/property-value-object: a title is a list of rich texts.
    if !page.pointer("/properties/Name/title/0/text/content").is_some_and(|it| it.is_string()) {
        return error(400, "validation_error");
    }
    ask::json(200, &json!({ "object": "page", "id": "59833787-2cf9-4fdf-8782-e53db20768a5" }))
}

fn notion() -> Mock {
    Box::new(answer)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(17));
    Box::new(move |ask| {
        // https://developers.notion.com/reference/request-limits: whole seconds.
        if throttle.refuses() {
            error(429, "rate_limited").header("retry-after", "17")
        } else {
            answer(ask)
        }
    })
}

fn collision() -> Mock {
    let asked = AtomicU32::default();
    Box::new(move |ask| match asked.fetch_add(1, Ordering::Relaxed) {
        // https://developers.notion.com/reference/status-codes
        0 => error(409, "conflict_error"),
        _ => answer(ask),
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "title": "Minutes" });
    Example::new(
        "notion.yaml",
        payload,
        notion,
        r#"delivered [200] id: "59833787-2cf9-4fdf-8782-e53db20768a5""#,
    )
}

#[tokio::test(start_paused = true)]
async fn a_page_is_made() {
    let example = example();
    example.stands().await;
    example
        .at(collision, r#"delivered [409 200] id: "59833787-2cf9-4fdf-8782-e53db20768a5""#)
        .await;
    // One that came back too early would have been refused again.
    example.at(busy, r#"delivered [429 200] id: "59833787-2cf9-4fdf-8782-e53db20768a5""#).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |code| format!("failed (refused by the API) [400] error: \"{code}\"");
    example
        .broken("header: Notion-Version", "header: X-Version", &refused("missing_version"))
        .await;
    example.broken("2026-03-11", "2026-03", &refused("validation_error")).await;
    example
        .broken(
            "${env:NOTION_TOKEN}",
            "other",
            r#"failed (not authorised) [401] error: "unauthorized""#,
        )
        .await;
    example.sending(json!({ "subject": "Minutes" }), &refused("validation_error")).await;
}

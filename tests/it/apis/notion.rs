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

const CURRENT: [&str; 3] = ["2022-06-28", "2025-09-03", "2026-03-11"];

fn error(status: u16, code: &str) -> Scripted {
    ask::json(status, &json!({ "object": "error", "status": status, "code": code }))
}

/// The version is not one of those.
fn unknown_version() -> Scripted {
    let says = "Notion-Version header failed validation: Notion-Version header should be `\"2022-06-28\"`, instead was …";
    ask::json(
        400,
        &json!({ "object": "error", "status": 400, "code": "validation_error", "message": says }),
    )
}

fn answer(ask: &Ask<'_>, versions: &[&str]) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.notion.com/v1/pages");
    // https://developers.notion.com/reference/status-codes
    if ask.bearer() != standin("NOTION_TOKEN") {
        return error(401, "unauthorized");
    }
    // https://developers.notion.com/reference/versioning: required.
    let parent = match ask.header("notion-version") {
        "" => return error(400, "missing_version"),
        version if !versions.contains(&version) => return unknown_version(),
        // https://developers.notion.com/docs/upgrade-guide-2025-09-03: databases have data sources from then on.
        version if version < "2025-09-03" => "database_id",
        _ => "data_source_id",
    };
    // https://developers.notion.com/reference/post-page: a parent and properties.
    let page = ask.json();
    if !page["parent"][parent].is_string() || !page["properties"].is_object() {
        return error(400, "validation_error");
    }
    // https://developers.notion.com/reference/property-value-object: a title is a list of rich texts.
    if !page.pointer("/properties/Name/title/0/text/content").is_some_and(|it| it.is_string()) {
        return error(400, "validation_error");
    }
    ask::json(200, &json!({ "object": "page", "id": "59833787-2cf9-4fdf-8782-e53db20768a5" }))
}

fn notion() -> Mock {
    Box::new(|ask| answer(ask, &CURRENT))
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(17));
    Box::new(move |ask| {
        // https://developers.notion.com/reference/request-limits: whole seconds.
        if throttle.refuses() {
            error(429, "rate_limited").header("retry-after", "17")
        } else {
            answer(ask, &CURRENT)
        }
    })
}

fn collision() -> Mock {
    let asked = AtomicU32::default();
    Box::new(move |ask| match asked.fetch_add(1, Ordering::Relaxed) {
        // https://developers.notion.com/reference/status-codes
        0 => error(409, "conflict_error"),
        _ => answer(ask, &CURRENT),
    })
}

/// As it was before 2025.
fn older() -> Mock {
    Box::new(|ask| answer(ask, &["2022-06-28"]))
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
    example.at(older, r#"delivered [400 200] id: "59833787-2cf9-4fdf-8782-e53db20768a5""#).await;
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
    example.broken("data_source_id:", "source_id:", &refused("validation_error")).await;
    let both = [("2026-03-11", "2026-03"), ("2022-06-28", "2022-06")];
    let none = r#"failed (no version left that the API speaks) [400 400] <other version> error: "validation_error""#;
    example.edited_at(notion, &both, none).await;
    example
        .broken(
            "${env:NOTION_TOKEN}",
            "other",
            r#"failed (not authorised) [401] error: "unauthorized""#,
        )
        .await;
    example.sending(json!({ "subject": "Minutes" }), &refused("validation_error")).await;
}

//! Discord: a token in the path, and limits that say when they are over.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, code: u32) -> Scripted {
    ask::json(status, &json!({ "message": "…", "code": code }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    // https://docs.discord.com/developers/reference#api-versioning: 10 and 9.
    let (version, webhook) = {
        let line = ask.line();
        let rest = line.strip_prefix("POST https://discord.com/api/v").unwrap().to_owned();
        let (version, webhook) = rest.split_once("/webhooks/").unwrap();
        (version.to_owned(), webhook.to_owned())
    };
    if !["9", "10"].contains(&&*version) {
        return error(400, 50041);
    }
    // https://docs.discord.com/developers/topics/opcodes-and-status-codes#json: 10015 unknown, 50027 a wrong token.
    let (id, token) = webhook.split_once('/').unwrap();
    match standin("DISCORD_WEBHOOK").split_once('/') {
        Some((known, _)) if known != id => return error(404, 10015),
        Some((_, right)) if right != token => return error(401, 50027),
        _ => {}
    }
    let message = ask.json();
    let content = message["content"].as_str().unwrap_or_default();
    // https://docs.discord.com/developers/resources/webhook#execute-webhook: something, up to 2000 characters.
    match content.chars().count() {
        0 => return error(400, 50006),
        1..=2000 => {}
        _ => return error(400, 50035),
    }
    // https://docs.discord.com/developers/resources/message#allowed-mentions-object: else everybody is woken.
    let parses = message["allowed_mentions"]["parse"].as_array();
    assert!(!content.contains("@everyone") || parses.is_some_and(Vec::is_empty), "all are woken");
    if ask.query().get("wait").map(String::as_str) == Some("true") {
        ask::json(200, &json!({ "id": "1100", "content": content }))
    } else {
        Scripted::status(204)
    }
}

fn discord() -> Mock {
    Box::new(answer)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_millis(64_570));
    Box::new(move |ask| {
        // https://docs.discord.com/developers/topics/rate-limits: the header in whole seconds, rounded up.
        let says = json!({ "message": "You are being rate limited.", "retry_after": 64.57, "global": false });
        let refused = || {
            ask::json(429, &says)
                .header("retry-after", "65")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset-after", "64.57")
        };
        if throttle.refuses() { refused() } else { answer(ask) }
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "text": "Hello @everyone" });
    Example::new("discord.yaml", payload, discord, r#"delivered [200] id: "1100""#)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_stored() {
    let example = example();
    example.stands().await;
    example.at(busy, r#"delivered [429 200] id: "1100""#).await;
    example.broken("query: { wait: \"true\" }", "query: {}", "delivered [204]").await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    example
        .broken("content: .text", "text: .text", "failed (refused by the API) [400] error: 50006")
        .await;
    example
        .broken("${env:DISCORD_WEBHOOK}", "1/a", "failed (refused by the API) [404] error: 10015")
        .await;
    example
        .broken(
            "${env:DISCORD_WEBHOOK}",
            "${env:DISCORD_WEBHOOK}x",
            "failed (not authorised) [401] error: 50027",
        )
        .await;
    example
        .broken(
            "versions: [\"10\"]",
            "versions: [\"6\"]",
            "failed (refused by the API) [400] error: 50041",
        )
        .await;
    example
        .sending(
            json!({ "text": "x".repeat(2001) }),
            "failed (refused by the API) [400] error: 50035",
        )
        .await;
}

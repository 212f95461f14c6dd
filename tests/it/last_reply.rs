//! The reply that a delivery ended with is in its report, also where the API did not refuse it for good.

use std::sync::Arc;

use fanfare::{
    Broadcast, Engine,
    config::{Config, load_str},
    report,
    sdk::Payload,
    wire::{Report, Said},
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use serde_json::json;

use crate::config::{Given, kinds};

/// What became of a broadcast to `a`, with these settings, whose API answers so; `b` is its stand-in, where it has one.
async fn sent(settings: &str, replies: Vec<Scripted>) -> report::Report {
    let target = "kind: http, url: 'https://a.example/', capture: { code: .body.code }";
    let text = format!(
        "targets:\n  a: {{ {target}, {settings} }}\n  b: {{ {target} }}\nroutes: {{ r: {{ to: [a] }} }}\n"
    );
    let mut config: Config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
    let (name, route) = config.routes.iter().next().unwrap();
    let broadcast = Broadcast::along(name, route, &Payload::json(&json!({ "id": 7 }))).unwrap();
    let apis = Arc::new(ScriptedTransport::playing(Script::new(replies)));
    let engine = Engine::builder().transport(apis).configured(&mut config).start().await.unwrap();
    engine.broadcast(broadcast).await.unwrap()
}

/// `failed (attempts_used_up): busy 2, reply 2: 529 2`: how it ended, what was said, and which reply is kept; then which
/// attempts have one.
fn told(sent: &report::Report) -> String {
    let kept: Vec<_> = sent.deliveries[0]
        .attempts
        .iter()
        .map(|it| {
            let ended = it.ended.as_ref();
            if ended.is_some_and(|ended| ended.reply.is_some()) { "kept" } else { "-" }
        })
        .collect();
    let report = Report::from(sent);
    let delivery = &report.deliveries[0];
    let code = delivery.reason.as_ref().map_or("-", |reason| &reason.code);
    let said = delivery.reason.as_ref().and_then(|reason| reason.said.clone());
    let said = said.and_then(|Said { message, .. }| message).unwrap_or_default();
    let reply = delivery.reply.as_ref().map(|reply| {
        let (attempt, status) = (reply.attempt.unwrap(), reply.status.unwrap());
        format!("reply {attempt}: {status} {}", reply.captured["code"])
    });
    let (outcome, reply) = (delivery.outcome.as_ref().unwrap(), reply.unwrap_or("no reply".into()));
    format!("{outcome} ({code}): {said}, {reply} [{}]", kept.join(" "))
}

fn busy(status: u16, code: u32) -> Scripted {
    let error = json!({ "code": code, "error": { "message": format!("busy {code}") } });
    Scripted::status(status).header("content-type", "application/json").body(error.to_string())
}

async fn check(settings: &str, replies: Vec<Scripted>, expected: &str) {
    assert_eq!(told(&sent(settings, replies).await), expected, "{settings}");
}

const SAFE: &str = "repeat: same_endpoint";

#[tokio::test(start_paused = true)]
async fn whoever_gave_up_has_the_last_reply() {
    let twice = &format!("{SAFE}, retry: {{ attempts: 2 }}");
    check(
        twice,
        vec![busy(529, 1), busy(529, 2)],
        "indeterminate (attempts_used_up): busy 2, reply 2: 529 2 [- kept]",
    )
    .await;
    check(
        &format!("{SAFE}, retry: {{ attempts: 1 }}"),
        vec![busy(503, 1)],
        "failed (attempts_used_up): busy 1, reply 1: 503 1 [kept]",
    )
    .await;
    check(
        "retry: { throttled_max: 2 }",
        vec![busy(429, 1), busy(429, 2)],
        "failed (throttled_too_often): busy 2, reply 2: 429 2 [- kept]",
    )
    .await;
    check(
        "retry: { attempts: 5 }",
        vec![busy(500, 1)],
        "indeterminate (not_repeatable): busy 1, reply 1: 500 1 [kept]",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whose_time_is_over_has_the_last_reply() {
    check(
        "give_up_after: 5s, retry: { backoff: { initial: 10s, max: 10s, jitter: none } }",
        vec![busy(503, 1)],
        "failed (time_used_up): busy 1, reply 1: 503 1 [kept]",
    )
    .await;
    check(
        "give_up_after: 5s",
        vec![busy(429, 1).header("retry-after", "60")],
        "failed (time_used_up): busy 1, reply 1: 429 1 [kept]",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_has_none() {
    let twice = &format!("{SAFE}, retry: {{ attempts: 2 }}");
    check(twice, vec![busy(503, 1), busy(200, 2)], "delivered (-): , reply 2: 200 2 [- kept]")
        .await;
    // The last attempt brought no reply, and the one before it was not kept.
    let reset = Scripted::refused;
    check(twice, vec![busy(503, 1), reset()], "failed (attempts_used_up): , no reply [- -]").await;
}

#[tokio::test(start_paused = true)]
async fn who_was_handed_over_has_the_reply_that_came() {
    // Nobody answers for the stand-in: what the first one said is there, and which attempt it was.
    check(
        "fallback: [{ target: b, on: [permanent] }], retry: { attempts: 1 }",
        vec![busy(400, 1), Scripted::refused(), Scripted::refused(), Scripted::refused()],
        "failed (attempts_used_up): , reply 1: 400 1 [kept - - -]",
    )
    .await;
    // A reply that another target may still make good is not kept.
    check(
        "fallback: [{ target: b, on: [attempts_used_up] }], retry: { attempts: 1 }",
        vec![busy(503, 1), busy(422, 2)],
        "failed (permanent): busy 2, reply 2: 422 2 [- kept]",
    )
    .await;
}

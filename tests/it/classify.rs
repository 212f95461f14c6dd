//! What replies mean by the rules of a configuration, and what the report says of it.

use std::{fs, path::Path, sync::Arc};

use fanfare::{
    Broadcast, Engine,
    config::{Config, load_str},
    sdk::Payload,
    wire::{Report, Said},
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use serde_json::{Value, json};

use crate::config::{Given, kinds};

const PAGE: &str = "docs/failure-policy.md";

/// The report of a broadcast along the only route, to APIs that answer all the same.
async fn report(text: &str, replies: &[Scripted]) -> Report {
    let mut config: Config = load_str("f.yaml", text, &kinds(), &Given::default()).unwrap();
    let (name, route) = config.routes.iter().next().unwrap();
    let payload = Payload::json(&json!({ "id": 7 }));
    let broadcast = Broadcast::along(name, route, &payload).unwrap();
    let apis = Arc::new(ScriptedTransport::playing(Script::new(replies.to_vec())));
    let engine = Engine::builder().transport(apis).configured(&mut config).start().await.unwrap();
    Report::from(&engine.broadcast(broadcast).await.unwrap())
}

/// `failed (permanent) after 1: rule 1, code, message`.
fn told(report: &Report) -> String {
    let delivery = &report.deliveries[0];
    let reason = delivery.reason.as_ref();
    let code = reason.map(|reason| format!(" ({})", reason.code)).unwrap_or_default();
    let said = delivery.attempts.last().and_then(|last| last.said.clone());
    let said = said.map(|said| {
        if let Some(reason) = reason {
            // What no rule takes out of it is told in the words of the reply.
            let words = reason.said.as_ref().and_then(|said| said.message.clone());
            let same = Said { message: said.message.clone().or(words), ..said.clone() };
            assert_eq!(reason.said.as_ref(), Some(&same), "the reason says the same");
        }
        let parts = [said.rule, said.code, said.message, said.kind, said.title];
        format!(": {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    });
    let (outcome, count) = (delivery.outcome.as_ref().unwrap(), delivery.attempts.len());
    format!("{outcome}{code} after {count}{}", said.unwrap_or_default())
}

/// A target with these rules, whose API recognises a repeat.
fn rules(rules: &str) -> String {
    let target = "kind: http, url: 'https://a.example/', repeat: same_endpoint";
    format!("targets:\n  a: {{ {target}, classify: {rules} }}\nroutes: {{ r: {{ to: [a] }} }}\n")
}

#[track_caller]
fn json_reply(status: u16, body: &Value) -> Scripted {
    Scripted::status(status).header("content-type", "application/json").body(body.to_string())
}

/// The example of the page that has this text.
fn example(part: &str) -> String {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).find(|block| block.contains(part)).expect("the page shows it")
}

#[tokio::test(start_paused = true)]
async fn graphql_errors_are_what_they_mean() {
    let text = example("graphql.example");
    let check = async |body: Value, expected: &str| {
        assert_eq!(told(&report(&text, &[json_reply(200, &body)]).await), expected, "{body}");
    };
    check(json!({ "data": { "confirm": { "id": "7" } } }), "delivered after 1").await;
    check(json!({ "data": { "confirm": {} }, "errors": [] }), "delivered after 1").await;
    let error =
        |code: &str| json!([{ "message": "No such order", "extensions": { "code": code } }]);
    check(
        json!({ "errors": error("NOT_FOUND") }),
        "failed (permanent) after 1: refused, NOT_FOUND, No such order",
    )
    .await;
    check(
        json!({ "data": { "confirm": null }, "errors": error("NOT_FOUND") }),
        "indeterminate (permanent) after 1: partly done, partly_done, No such order",
    )
    .await;
    let throttled = json!([{ "extensions": { "code": "THROTTLED", "retryAfter": 2.5 } }]);
    let done = json_reply(200, &json!({ "data": {} }));
    let replies = [json_reply(200, &json!({ "errors": throttled })), done];
    let report = report(&text, &replies).await;
    assert_eq!(told(&report), "delivered after 2");
    let first = &report.deliveries[0].attempts[0];
    assert_eq!(
        (first.meaning.as_deref(), first.retry_after_ms),
        (Some("throttled"), Some(2_500.0))
    );
    assert_eq!(first.said.as_ref().unwrap().rule.as_deref(), Some("slow down"));
}

#[tokio::test(start_paused = true)]
async fn a_207_is_what_its_parts_are() {
    let text = example("bulk.example");
    let check = async |statuses: &[u16], expected: &str| {
        let result =
            |(id, status): (usize, &u16)| json!({ "id": format!("c{id}"), "status": status });
        let results: Vec<_> = statuses.iter().enumerate().map(result).collect();
        let reply = json_reply(207, &json!({ "results": results }));
        assert_eq!(told(&report(&text, &[reply]).await), expected, "{statuses:?}");
    };
    check(&[201, 200], "delivered after 1").await;
    check(&[409, 422], "failed (permanent) after 1: none was taken").await;
    check(&[], "indeterminate (permanent) after 1: nothing is told of the parts").await;
    let some = "indeterminate (permanent) after 1: some were not taken, not taken: c1, c2";
    check(&[201, 409, 503], some).await;
}

#[tokio::test(start_paused = true)]
async fn a_429_that_will_not_heal_is_permanent() {
    let text = example("model.example");
    let error = json!({ "error": { "code": "insufficient_quota" } });
    let no_credit = report(&text, &[json_reply(429, &error)]).await;
    assert_eq!(told(&no_credit), "failed (permanent) after 1: no credit, insufficient_quota");
    let busy = Scripted::status(409).header("x-should-retry", "true");
    let told_busy = told(&report(&text, &[busy, Scripted::status(200)]).await);
    assert_eq!(told_busy, "delivered after 2");
}

#[tokio::test(start_paused = true)]
async fn the_first_rule_that_fits_counts() {
    let check = async |written: &str, reply: Scripted, expected: &str| {
        assert_eq!(told(&report(&rules(written), &[reply]).await), expected, "{written}");
    };
    let ok = || Scripted::status(200);
    check(
        "[{ status: [404, 410], meaning: success }]",
        Scripted::status(410),
        "delivered after 1: rule 1",
    )
    .await;
    check(
        "[{ status: 5xx, meaning: permanent }]",
        Scripted::status(500),
        "indeterminate (permanent) after 1: rule 1",
    )
    .await;
    check(
        "[{ status: 5xx, meaning: permanent }]",
        Scripted::status(503),
        "failed (permanent) after 1: rule 1",
    )
    .await;
    check(
        "[{ status: '200', meaning: permanent }]",
        ok(),
        "indeterminate (permanent) after 1: rule 1",
    )
    .await;
    check(
        "[{ status: 200, meaning: permanent, effect: none }]",
        ok(),
        "failed (permanent) after 1: rule 1",
    )
    .await;
    check(
        "[{ status: 200-299, meaning: retry }]",
        ok(),
        "indeterminate (attempts_used_up) after 3: rule 1",
    )
    .await;
    check(
        "[{ status: 200, meaning: unauthorized }]",
        ok(),
        "failed (unauthorized) after 1: rule 1",
    )
    .await;
    check(
        "[{ status: 200, meaning: target_disabled, reason: gone }]",
        ok(),
        "failed (target_disabled) after 1: rule 1, gone",
    )
    .await;
    check("[{ status: 300-399, meaning: retry }]", ok(), "delivered after 1").await;
    let two = "[{ status: 400, meaning: permanent }, { name: all, meaning: success }]";
    check(two, Scripted::status(418), "delivered after 1: all").await;
    let headers = "[{ headers: { X-A: { present: false } }, meaning: permanent }, \
                   { headers: { x-a: { matches: '^no: ' }, x-b: b }, meaning: permanent, effect: none }]";
    check(headers, ok(), "indeterminate (permanent) after 1: rule 1").await;
    let refused = ok().header("x-a", "no: never").header("x-b", "b");
    check(headers, refused, "failed (permanent) after 1: rule 2").await;
    check(headers, ok().header("x-a", "no: never"), "delivered after 1").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_reply_says_is_one_short_line() {
    let written = "[{ status: 400, meaning: permanent, reason: { code: { jq: .body.code }, message: { jq: .body.text } } }]";
    let check = async |body: Value, expected: &str| {
        let found = told(&report(&rules(written), &[json_reply(400, &body)]).await);
        assert_eq!(found, format!("failed (permanent) after 1: rule 1{expected}"));
    };
    check(json!({ "code": "E1", "text": "no\n\u{1b}[2Jway" }), ", E1, no  [2Jway").await;
    check(json!({ "code": 17, "text": null }), ", 17").await;
    check(json!({ "code": ["E1"], "text": "" }), "").await;
    let long = "é".repeat(400);
    let cut = format!(", {}, {}", "é".repeat(50), "é".repeat(150));
    check(json!({ "code": long, "text": long }), &cut).await;
}

#[tokio::test(start_paused = true)]
async fn a_doubt_is_called_a_doubt() {
    let check = async |written: &str, replies: &[Scripted], expected: &str| {
        assert_eq!(told(&report(&rules(written), replies).await), expected, "{written}");
    };
    let errors = "[{ jq: .body.error, meaning: permanent, effect: none }, { meaning: success }]";
    let unclear = "rule 1, unclear, what this rule looks at was cut off, or is too much";
    // The connection broke: the next reply may be whole.
    let (cut, whole) = (Scripted::cut(200, "{\"ok\""), json_reply(200, &json!({ "ok": true })));
    check(errors, &[cut.clone(), whole], "delivered after 2: rule 2").await;
    let doubt = format!("indeterminate (attempts_used_up) after 3: {unclear}");
    check(errors, std::slice::from_ref(&cut), &doubt).await;
    // Longer than what is kept: it will be again.
    let long = json_reply(200, &json!({ "ok": "x".repeat(70_000) }));
    let doubt = format!("indeterminate (permanent) after 1: {unclear}");
    check(errors, &[long], &doubt).await;
    // Nothing was applied, whatever else it says; and without rules over the body, the status counts.
    let refused = Scripted::cut(400, "{\"ok\"");
    check(errors, &[refused], "delivered after 1: rule 2").await;
    check("[{ status: 500, meaning: success }]", &[cut], "delivered after 1").await;
    // What goes on for ever.
    let endless = "[{ jq: 'def f: f; f', meaning: permanent }]";
    let doubt = format!("indeterminate (permanent) after 1: {unclear}");
    check(endless, &[Scripted::status(200)], &doubt).await;
    // What fails does not hold.
    let html = Scripted::status(200).body("<html>");
    check("[{ jq: .body.error, meaning: permanent }]", &[html], "delivered after 1").await;
}

#[tokio::test(start_paused = true)]
async fn problem_details_stand_in_the_reason() {
    let problem = |status: u16| {
        let body = json!({ "type": "/probs/credit", "title": "Out of credit", "status": 200 });
        let reply = Scripted::status(status).header("content-type", "application/problem+json");
        reply.body(body.to_string())
    };
    let report_of = async |status: u16| report(&rules("[]"), &[problem(status)]).await;
    let failed = report_of(403).await;
    let said = failed.deliveries[0].reason.as_ref().unwrap().said.clone().unwrap();
    assert_eq!((said.rule.as_deref(), said.status), (None, Some(403)));
    assert_eq!(
        told(&failed),
        "failed (permanent) after 1: https://a.example/probs/credit, Out of credit"
    );
    assert_eq!(told(&report_of(200).await), "delivered after 1");
}

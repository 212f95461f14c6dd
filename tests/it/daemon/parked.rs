//! What is parked is sent again by itself, over a restart too; and what stands in is told.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::stage::{CONFIG, Stage};

const ONCE: &str = "crm: { kind: http, url: 'http://crm.example/', retry: { attempts: 1 } }";

/// `crm` with these fallbacks, the routes as they are.
async fn stage(crm: &[Scripted], fallback: &str) -> Stage {
    let stage = Stage::new(crm, &[Scripted::status(200)]).await;
    let with = ONCE.replace("attempts: 1 } }", &format!("attempts: 1 }}, fallback: {fallback} }}"));
    let text =
        CONFIG.replace(ONCE, &with).replace("both: { to", "both: { accept_substituted: true, to");
    stage.configure(&text);
    assert_eq!(stage.post("/v1/reload", "").await.status, 200);
    stage
}

async fn crm(stage: &Stage, route: &str) -> (Value, Value) {
    let body = format!(r#"{{"route":"{route}","payload":1}}"#);
    let report = stage.send(&body).await;
    let crm = report["deliveries"].as_array().unwrap().iter().find(|it| it["target"] == "crm");
    (report.clone(), crm.unwrap().clone())
}

#[tokio::test(start_paused = true)]
async fn a_canned_reply_counts_where_the_route_says_so() {
    let fallback = "[ { target: audit, on: [ connect ] }, { reply: { status: 203, body: { cached: true } } } ]";
    let fallback = fallback.replace("target: audit", "endpoint: 'http://crm2.example/'");
    let stage = stage(&[Scripted::status(422)], &fallback).await;
    let (report, crm) = crm(&stage, "both").await;
    assert_eq!((&report["verdict"], &crm["outcome"]), (&"satisfied".into(), &"substituted".into()));
    assert_eq!((&crm["via"], &crm["served_by"]), (&"reply".into(), &Value::Null));
    assert_eq!(
        (&crm["reason"]["code"], &crm["reply"]["status"]),
        (&"permanent".into(), &203.into())
    );
    assert_eq!(crm["reply"]["body"], json!({ "cached": true }));
    let passed = &crm["passed_over"];
    assert_eq!(passed.as_array().unwrap().len(), 1, "{passed}");
    assert_eq!(
        (&passed[0]["fallback"], &passed[0]["name"], &passed[0]["because"]["code"]),
        (&"endpoint".into(), &"http://crm2.example".into(), &"not_meant".into())
    );
    let (report, _) = self::crm(&stage, "signup").await;
    assert_eq!(report["verdict"], "unsatisfied", "this route does not say so");
    let letters = stage.get("/v1/dead-letters").await.json();
    assert_eq!(letters["dead_letters"].as_array().unwrap().len(), 2, "it can be replayed");
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_sent_again_by_itself() {
    let script = [503, 422, 503, 422].map(Scripted::status);
    let stage = stage(&script, "[ { park: { for: 6h, times: 2 }, on: [ 5xx, 422 ] } ]").await;
    let (_, crm) = crm(&stage, "signup").await;
    assert_eq!((&crm["outcome"], &crm["reply"]["status"]), (&"failed".into(), &503.into()));
    assert_eq!(crm["parked_until"], "2026-01-01T06:00:00Z");
    let letters = async || {
        let letters = stage.get("/v1/dead-letters").await.json();
        let letters = letters["dead_letters"].as_array().unwrap().clone();
        letters.iter().map(|it| it["parked_until"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(letters().await, [Some("2026-01-01T06:00:00Z".to_owned())]);
    sleep(Duration::from_secs(6 * 3_600 - 1)).await;
    assert_eq!(stage.apis.received().len(), 1 + 1, "one to each");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(letters().await, [Some("2026-01-01T12:00:00Z".to_owned())], "once more");
    sleep(Duration::from_secs(6 * 3_600)).await;
    assert_eq!(letters().await, [None], "and no third time");
    sleep(Duration::from_secs(24 * 3_600)).await;
    let keys: Vec<_> = stage
        .apis
        .received()
        .iter()
        .filter(|it| it.uri.host() == Some("crm.example"))
        .map(|it| it.headers["idempotency-key"].clone())
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| *key == keys[0]), "the same key: {keys:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_for_a_target_that_is_gone_is_a_dead_letter_like_any_other() {
    let stage = stage(&[Scripted::status(503)], "[ { park: { for: 1h } } ]").await;
    crm(&stage, "signup").await;
    let gone = CONFIG.split("routes:").next().unwrap().lines().filter(|line| !line.contains("crm"));
    stage.configure(&gone.collect::<Vec<_>>().join("\n"));
    assert_eq!(stage.post("/v1/reload", "").await.status, 200);
    sleep(Duration::from_secs(2 * 3_600)).await;
    let letters = stage.get("/v1/dead-letters").await.json();
    assert_eq!(letters["dead_letters"][0]["target"], "crm");
    assert_eq!(letters["dead_letters"][0].get("parked_until"), None);
    let again = stage.post("/v1/dead-letters/discard", r#"{"target":"crm"}"#).await;
    assert_eq!(again.status, 200, "{}", again.text);
}

#[tokio::test(start_paused = true)]
async fn who_was_to_be_told_and_is_gone_holds_nothing_up() {
    let script = [503, 503, 200, 200].map(Scripted::status);
    let stage = Stage::new(&script, &[Scripted::status(200)]).await;
    let with =
        ONCE.replace("attempts: 1 } }", "attempts: 1 }, fallback: [ { park: { for: 1h } } ] }");
    let audit = "audit: { kind: http, url: 'http://audit.example/', retry: { attempts: 1 } }";
    let configured = |there: &str, routes: &str| {
        let text = format!("targets:\n  {with}\n  {there}\nroutes:\n{routes}");
        stage.configure(&text);
    };
    let told =
        "  told: { to: [crm], notify: { target: audit, on: [settled] } }\n  alone: { to: [crm] }\n";
    configured(audit, told);
    let reload = async || assert_eq!(stage.post("/v1/reload", "").await.told(), "200");
    reload().await;
    let told = crm(&stage, "told").await.1;
    let alone = crm(&stage, "alone").await.1;
    assert!(told["parked_until"].is_string() && alone["parked_until"].is_string());
    configured("", "  alone: { to: [crm] }\n");
    reload().await;
    sleep(Duration::from_secs(2 * 3_600)).await;
    let letters = stage.get("/v1/dead-letters").await.json();
    assert_eq!(letters["dead_letters"], json!([]), "both were sent again");
    let received = stage.apis.received();
    let notices = received.iter().filter(|it| it.uri.host() == Some("audit.example")).count();
    assert_eq!((received.len(), notices), (5, 1), "a notice while there was somebody to tell");
}

//! What whoever operates it sees, and the levers.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::json;

use super::stage::{Stage, outcomes};

#[tokio::test(start_paused = true)]
async fn a_target_is_paused_and_resumed() {
    let ok = [Scripted::status(200)];
    let stage = Stage::new(&ok, &ok).await;
    assert_eq!(stage.post("/v1/targets/crm/pause", "").await.status, 204);
    let answer = stage.post("/v1/broadcasts", r#"{"to":["crm"],"payload":1}"#).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let targets = stage.get("/v1/targets").await.json();
    assert_eq!(
        targets["targets"][1],
        json!({
            "name": "crm", "kind": "http", "state": "paused", "open": 1, "at_gate": 1, "in_flight": 0,
            "breaker": "closed", "held_by": "paused", "attempts": 0, "attempts_failed": 0,
            "p50_ms": null, "p99_ms": null, "warnings": [], "versions": [],
        })
    );
    assert_eq!(targets["targets"][0]["state"], "ready");
    assert_eq!(stage.post("/v1/targets/crm/resume", "").await.status, 204);
    assert_eq!(outcomes(&stage.settled(&id).await), "crm delivered");
    assert_eq!(stage.post("/v1/targets/crm/revive", "").await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn routes_are_told_as_they_are_configured() {
    let stage = Stage::new(&[], &[]).await;
    let routes = stage.get("/v1/routes").await.json();
    let names: Vec<_> = routes["routes"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(names, ["both", "signup", "some", "strict"]);
    assert_eq!(
        routes["routes"][2],
        json!({
            "name": "some",
            "to": [
                {"target": "crm", "required": true, "conditional": false},
                {"target": "audit", "required": true, "conditional": true},
            ],
            "completion": "any", "accept_substituted": false, "rest": "cancel", "priority": "low", "deadline_ms": null,
            "notify": null,
        })
    );
    assert_eq!(routes["routes"][1]["deadline_ms"], 30_000);
}

#[tokio::test(start_paused = true)]
async fn it_says_whether_it_is_ready() {
    let stage = Stage::new(&[], &[]).await;
    assert_eq!(stage.get("/healthz").await.text, "ok\n");
    let ready = stage.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.json()), (200, json!({"ready": true, "reasons": []})));
    stage.daemon.drain();
    let ready = stage.get("/readyz").await;
    let reasons = json!({"ready": false, "reasons": ["the daemon is ending"]});
    assert_eq!((ready.status.as_u16(), ready.json()), (503, reasons));
    stage.engine.drain(Duration::ZERO).await;
    let refused = stage.post("/v1/broadcasts", r#"{"to":["crm"],"payload":1}"#).await;
    assert_eq!(refused.told(), "503 shutting-down: nothing is accepted any more");
    assert_eq!(refused.header("retry-after"), Some("5"));
}

#[tokio::test(start_paused = true)]
async fn metrics_are_read_by_prometheus() {
    let stage = Stage::new(&[Scripted::status(200)], &[Scripted::status(422)]).await;
    stage.send(r#"{"route":"both","payload":1}"#).await;
    let metrics = stage.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4"));
    let outcome = metrics.text.lines().find(|line| {
        line.starts_with("fanfare_attempts_total") && line.contains("fanfare_target=\"crm\"")
    });
    assert!(outcome.is_some_and(|line| line.ends_with(" 1")), "{}", metrics.text);
    assert!(metrics.text.contains("fanfare_limit_max"), "{}", metrics.text);
    assert!(metrics.text.contains("\nfanfare_journal_trouble{otel_scope_name=\"fanfare\"} 0"));
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_taken_away_is_told_everywhere() {
    let stage = Stage::new(&[], &[]).await;
    std::fs::remove_file(stage.journal()).unwrap();
    let send = || stage.post("/v1/broadcasts", r#"{"to":["crm"],"payload":1}"#);
    let unknown = "503 outcome-unknown: whether it was written down is not known: \
                   ask again with the same Idempotency-Key";
    assert_eq!(send().await.told(), unknown);
    assert_eq!(send().await.told(), "503 journal-unavailable: the journal is unavailable");
    let ready = stage.get("/readyz").await;
    let reasons = json!({
        "ready": false, "reasons": ["journal.db was removed or replaced while it was open"]
    });
    assert_eq!((ready.status.as_u16(), ready.json()), (503, reasons));
    let metrics = stage.get("/metrics").await.text;
    assert!(metrics.contains("\nfanfare_journal_trouble{otel_scope_name=\"fanfare\"} 1"));
}

//! What failed is listed, sent again and discarded, many at once.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::stage::{Stage, outcomes};

const BOTH: &str = r#"{"route":"both","payload":{}}"#;

fn refused() -> Scripted {
    Scripted::status(422)
}

/// Three broadcasts: `crm` refuses all three, `audit` is cut off at the first.
async fn stage() -> Stage {
    let ok = Scripted::status(200);
    let crm = [refused(), refused(), refused(), ok.clone()];
    let stage = Stage::new(&crm, &[Scripted::reset_after(), ok]).await;
    for _ in 0..3 {
        let report = stage.send(BOTH).await;
        stage.settled(report["id"].as_str().unwrap()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stage
}

async fn letters(stage: &Stage, query: &str) -> Vec<String> {
    let page = stage.get(&format!("/v1/dead-letters{query}")).await.json();
    let told = |it: &Value| {
        format!("{} {}", it["target"].as_str().unwrap(), it["outcome"].as_str().unwrap())
    };
    page["dead_letters"].as_array().unwrap().iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn they_are_listed_and_filtered() {
    let stage = stage().await;
    let all = ["crm failed", "crm failed", "audit indeterminate", "crm failed"];
    let mut found = letters(&stage, "").await;
    assert_eq!(found.len(), 4);
    found[2..].sort_unstable();
    assert_eq!(found, all);
    assert_eq!(letters(&stage, "?target=audit").await, ["audit indeterminate"]);
    assert_eq!(letters(&stage, "?outcome=indeterminate").await, ["audit indeterminate"]);
    assert_eq!(letters(&stage, "?route=signup").await, [""; 0]);
    assert_eq!(letters(&stage, "?from=2026-01-01T00:00:01Z&target=crm").await.len(), 2);
    let first = stage.get("/v1/dead-letters?limit=3").await.json();
    let next = first["next"].as_str().unwrap();
    assert_eq!(letters(&stage, &format!("?limit=3&cursor={next}")).await.len(), 1);
    let letter = &first["dead_letters"][0];
    assert_eq!(letter["reason"]["code"], "permanent", "{letter}");
}

#[tokio::test(start_paused = true)]
async fn one_broadcast_is_sent_again() {
    let stage = stage().await;
    let list = stage.get("/v1/broadcasts").await.json();
    let id = list["broadcasts"][2]["id"].as_str().unwrap();
    let line = format!("POST /v1/broadcasts/{id}/replay");
    let again = stage.ask(&line, &[("prefer", "wait=5")], "").await.json();
    assert_eq!(again["replay_of"], id);
    assert_eq!(outcomes(&again), "crm delivered");
    let told = stage.ask(&line, &[], "").await.told();
    assert_eq!(
        told,
        "409 nothing-to-replay: nothing of it can be sent again; 1 may have been applied, and must be named"
    );
    let told = stage.ask(&line, &[], r#"{"targets":["audit","odd"]}"#).await.told();
    assert_eq!(told, "400 invalid-request: /targets/1 is not a target");
    let named = stage.ask(&line, &[("prefer", "wait=5")], r#"{"targets":["audit"]}"#).await;
    assert_eq!(outcomes(&named.json()), "audit delivered");
}

#[tokio::test(start_paused = true)]
async fn many_are_sent_again_and_what_is_in_doubt_is_left() {
    let stage = stage().await;
    let replay =
        async |body: Value| stage.post("/v1/dead-letters/replay", &body.to_string()).await.json();
    let told = replay(json!({"dry_run": true})).await;
    assert_eq!((&told["dead_letters"], &told["in_doubt"]), (&json!(3), &json!(1)));
    assert_eq!(letters(&stage, "").await.len(), 4, "nothing was done");
    let told = replay(json!({"limit": 1.0})).await;
    assert_eq!((&told["dead_letters"], &told["more"]), (&json!(1), &json!(true)));
    let told = replay(json!({"target": "crm"})).await;
    assert_eq!((&told["dead_letters"], &told["more"]), (&json!(2), &json!(false)));
    for replay in told["replays"].as_array().unwrap() {
        let report = stage.settled(replay["id"].as_str().unwrap()).await;
        assert_eq!(outcomes(&report), "crm delivered");
        assert_eq!(report["replay_of"], replay["replay_of"]);
    }
    assert_eq!(letters(&stage, "").await, ["audit indeterminate"]);
    // Only where that was asked for.
    let told = replay(json!({"outcome": "indeterminate"})).await;
    assert_eq!(told["dead_letters"], 1);
    assert_eq!(letters(&stage, "").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept() {
    let stage = stage().await;
    let body = json!({"target": "crm", "rate": 2}).to_string();
    let before = stage.apis.received().len();
    let answer = stage.post("/v1/dead-letters/replay", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["dead_letters"]), (202, &json!(3)));
    tokio::time::sleep(Duration::from_secs(10)).await;
    let sent = &stage.apis.received()[before..];
    let pauses: Vec<_> = sent.windows(2).map(|two| (two[1].at - two[0].at).as_millis()).collect();
    assert_eq!(pauses, [500, 500]);
}

#[tokio::test(start_paused = true)]
async fn they_are_discarded() {
    let stage = stage().await;
    let discard =
        async |body: Value| stage.post("/v1/dead-letters/discard", &body.to_string()).await.json();
    let told = discard(json!({"target": "crm", "dry_run": true})).await;
    assert_eq!(told, json!({"dry_run": true, "dead_letters": 3, "more": false}));
    let told = discard(json!({"target": "crm"})).await;
    assert_eq!(told, json!({"dry_run": false, "dead_letters": 3, "more": false}));
    assert_eq!(letters(&stage, "").await, ["audit indeterminate"]);
    let wrong = stage
        .post("/v1/dead-letters/discard", r#"{"rate":1,"outcome":"odd","from":"x","limit":0}"#);
    assert_eq!(
        wrong.await.told(),
        "400 invalid-request: /outcome must be `failed`, `indeterminate`, `expired`, `substituted`; \
         /from must be a time like `2026-01-31T12:00:00Z`; /limit must be from 1 to 1000; \
         /rate is not known: there are `broadcast`, `target`, `route`, `outcome`, `reason`, `from`, `until`, `dry_run` and `limit`"
    );
}

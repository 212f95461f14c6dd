//! Broadcasts over HTTP: sent, waited for, looked at, listed, cancelled, repeated.

use std::time::Duration;

use fanfare_testkit::Scripted;

use super::stage::{Stage, outcomes};

fn ok() -> Scripted {
    Scripted::status(200)
}

const SIGNUP: &str = r#"{ "route": "signup", "payload": {"n": 1.50, "z": "ü"} }"#;

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_report_and_who_does_not_gets_a_place_to_look() {
    // Answers after three seconds.
    let slow = [ok().after(Duration::from_secs(3))];
    for (prefer, status, applied) in [
        (None, 202, None),
        (Some("respond-async"), 202, Some("respond-async")),
        (Some("wait=1"), 202, Some("wait=1")),
        (Some("wait=5"), 200, Some("wait=5")),
        (Some("respond-async, wait=5"), 200, Some("respond-async, wait=5")),
        (Some("wait=100000"), 200, Some("wait=60")),
    ] {
        let stage = Stage::new(&slow, &[ok()]).await;
        let headers: Vec<_> = prefer.map(|it| ("prefer", it)).into_iter().collect();
        let answer = stage.ask("POST /v1/broadcasts", &headers, SIGNUP).await;
        assert_eq!(answer.status, status, "{prefer:?}");
        assert_eq!(answer.header("preference-applied"), applied, "{prefer:?}");
        let told = answer.json();
        let id = told["id"].as_str().unwrap();
        if status == 202 {
            let location = answer.header("location").unwrap();
            assert_eq!(location, format!("/v1/broadcasts/{id}"));
            assert_eq!(told["location"], location);
        }
        let report = stage.settled(id).await;
        assert_eq!(report["verdict"], "satisfied");
        assert_eq!(outcomes(&report), "crm delivered, audit delivered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_that_is_not_good_is_an_answer_too() {
    let stage = Stage::new(&[Scripted::status(422)], &[ok()]).await;
    let report = stage.send(SIGNUP).await;
    assert_eq!(
        (&report["verdict"], &report["completed_by"]),
        (&"unsatisfied".into(), &"impossible".into())
    );
}

#[tokio::test(start_paused = true)]
async fn the_payload_arrives_as_it_came() {
    let stage = Stage::new(&[ok()], &[ok()]).await;
    let body = r#"{"to":["crm",{"target":"audit","optional":true}],"payload": { "n" : 1.50, "big": 12345678901234567890123, "z":"\u00fc" } ,
        "completion":"any","deadline":"5s","metadata":{"by":"test"}}"#;
    let report = stage.send(body).await;
    assert_eq!(report["metadata"]["by"], "test");
    assert_eq!(report["deliveries"][1]["required"], false);
    let sent = stage.apis.received();
    assert_eq!(sent[0].text(), r#"{ "n" : 1.50, "big": 12345678901234567890123, "z":"\u00fc" }"#);
    assert_eq!(sent[0].header("content-type"), Some("application/json"));
}

#[tokio::test(start_paused = true)]
async fn the_callers_trace_goes_on() {
    let stage = Stage::new(&[ok()], &[ok()]).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let headers = [("traceparent", parent), ("prefer", "wait=5")];
    let answer = stage.ask("POST /v1/broadcasts", &headers, SIGNUP).await;
    assert_eq!(answer.json()["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    let sent = stage.apis.received();
    let sent = sent[0].header("traceparent").unwrap();
    assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn the_same_key_is_the_same_broadcast() {
    let stage = Stage::new(&[ok()], &[ok()]).await;
    let ask = async |key: &str, body: &str| {
        stage
            .ask("POST /v1/broadcasts", &[("idempotency-key", key), ("prefer", "wait=5")], body)
            .await
    };
    let first = ask("\"order 7\"", SIGNUP).await;
    // With and without quotes.
    let again = ask("order 7", SIGNUP).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    assert_eq!(stage.apis.received().len(), 2, "each of them once");
    for other in [
        r#"{ "route": "signup", "payload": {"n": 2} }"#,
        r#"{ "route": "both", "payload": {"n": 1.50, "z": "ü"} }"#,
        r#"{ "route": "signup", "payload": {"n": 1.50, "z": "ü"}, "deadline": "2s" }"#,
    ] {
        assert_eq!(
            ask("order 7", other).await.told(),
            "422 idempotency-key-reused: the idempotency key belongs to a request that was not the same"
        );
    }
    assert_eq!(stage.apis.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_looked_at_while_it_goes_on_and_cancelled() {
    let stage = Stage::new(&[Scripted::hang()], &[ok()]).await;
    let body = r#"{"to":["crm","audit"],"payload":1}"#;
    let answer = stage.post("/v1/broadcasts", body).await;
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let report = stage.get(&format!("/v1/broadcasts/{id}")).await.json();
    assert_eq!((&report["state"], &report["verdict"]), (&"in_flight".into(), &().into()));
    assert_eq!(outcomes(&report), "crm open, audit delivered");
    let line = format!("POST /v1/broadcasts/{id}/cancel");
    let cancelled = stage.ask(&line, &[("prefer", "wait=5")], "").await.json();
    assert_eq!(cancelled["completed_by"], "cancelled");
    assert_eq!(outcomes(&stage.settled(&id).await), "crm indeterminate, audit delivered");
}

#[tokio::test(start_paused = true)]
async fn lists_have_pages_and_filters() {
    let stage = Stage::new(&[ok(), Scripted::status(422), ok()], &[ok()]).await;
    let mut ids = Vec::new();
    for route in ["signup", "both", "some"] {
        let body = format!(r#"{{"route":"{route}","payload":{{"big":true}}}}"#);
        let report = stage.send(&body).await;
        ids.push(report["id"].as_str().unwrap().to_owned());
        stage.settled(ids.last().unwrap()).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let list = async |query: &str| {
        let page = stage.get(&format!("/v1/broadcasts{query}")).await.json();
        let found = page["broadcasts"].as_array().unwrap().iter();
        let place = |it: &serde_json::Value| ids.iter().position(|id| it["id"] == **id).unwrap();
        (found.map(place).collect::<Vec<_>>(), page["next"].as_str().map(str::to_owned))
    };
    assert_eq!(list("").await, (vec![2, 1, 0], None));
    let (first, next) = list("?limit=2").await;
    assert_eq!(first, [2, 1]);
    assert_eq!(list(&format!("?limit=2&cursor={}", next.unwrap())).await, (vec![0], None));
    assert_eq!(list("?route=both").await.0, [1]);
    assert_eq!(list("?verdict=unsatisfied").await.0, [1]);
    assert_eq!(list("?target=audit&state=settled").await.0, [2, 1, 0]);
    assert_eq!(list("?state=open").await.0, [0; 0]);
    assert_eq!(list("?until=2026-01-01T00:00:01Z").await.0, [0]);
    assert_eq!(list("?from=2026-01-01T00:00:01Z").await.0, [2, 1]);
}

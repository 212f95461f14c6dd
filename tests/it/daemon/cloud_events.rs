//! Events of others, as their senders see it.

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::stage::{Answer, Stage, outcomes};

const BOTH: &str = "POST /v1/routes/both/events";
const WAIT: (&str, &str) = ("prefer", "wait=60");
const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json; charset=utf-8");
const BINARY: [(&str, &str); 5] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "A234"),
    ("ce-source", "/orders"),
    ("ce-type", "com.example.placed"),
    WAIT,
];

async fn stage() -> Stage {
    Stage::new(&[Scripted::status(200)], &[Scripted::status(200)]).await
}

/// A binary event with these headers besides.
async fn binary(stage: &Stage, line: &str, more: &[(&str, &str)], body: &str) -> Answer {
    stage.ask(line, &[&BINARY[..], more].concat(), body).await
}

fn structured(more: &Value) -> String {
    let mut event = json!({ "specversion": "1.0", "id": "A234", "source": "/orders", "type": "t" });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string()
}

/// Content type and body of what the APIs got, each once.
fn received(stage: &Stage) -> Vec<String> {
    let told = stage.apis.received().into_iter().map(|request| {
        let media_type = request.headers["content-type"].to_str().unwrap().to_owned();
        format!("{media_type}: {}", String::from_utf8_lossy(&request.body))
    });
    let mut told: Vec<_> = told.collect();
    told.dedup();
    told
}

#[tokio::test(start_paused = true)]
async fn the_data_of_a_binary_event_is_sent_byte_for_byte() {
    let stage = stage().await;
    let body = "{ \"n\": 1.50, \"n\": 2 }";
    let more = [("ce-subject", "Euro%20%E2%82%AC"), ("ce-tenant", "\"a \\\"b\\\"\"")];
    let answer = binary(&stage, BOTH, &more, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let report = answer.json();
    assert_eq!(outcomes(&report), "crm delivered, audit delivered");
    assert_eq!(report["route"], "both");
    assert_eq!(
        report["metadata"]["cloudevent"],
        json!({
            "specversion": "1.0", "id": "A234", "source": "/orders", "type": "com.example.placed",
            "subject": "Euro €", "tenant": "a \"b\"", "datacontenttype": "application/json",
        })
    );
    assert_eq!(received(&stage), [format!("application/json: {body}")]);
    let text = [("content-type", "text/csv"), ("ce-id", "2")];
    let answer = stage.ask(BOTH, &[&BINARY[..1], &BINARY[2..], &text].concat(), "a,b").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(received(&stage)[1], "text/csv: a,b");
}

#[tokio::test(start_paused = true)]
async fn the_data_of_a_structured_event_is_sent() {
    for (event, expected) in [
        (
            r#"{"specversion":"1.0","id":"1","source":"/o","type":"t","n":7,"ok":true,"x":null,"data": { "n": 1.50 } }"#.to_owned(),
            "application/json: { \"n\": 1.50 }",
        ),
        (structured(&json!({"data": "a,b", "datacontenttype": "text/csv"})), "text/csv: a,b"),
        (structured(&json!({"data": "a"})), "application/json: \"a\""),
        (structured(&json!({"data_base64": "eyJuIjoxfQ=="})), "application/json: {\"n\":1}"),
        (
            structured(&json!({"data_base64": "AAEC", "datacontenttype": "image/png"})),
            "image/png: \u{0}\u{1}\u{2}",
        ),
    ] {
        let stage = stage().await;
        let answer = stage.ask(BOTH, &[STRUCTURED, WAIT], &event).await;
        assert_eq!(answer.status, 200, "{event}: {}", answer.text);
        assert_eq!(received(&stage), [expected], "{event}");
        let told = &answer.json()["metadata"]["cloudevent"];
        assert!(told["id"].is_string() && told.get("data").is_none() && told.get("x").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_is_sent_once() {
    let stage = stage().await;
    let first = binary(&stage, BOTH, &[], "1").await.json();
    let again = binary(&stage, BOTH, &[], "1").await.json();
    assert_eq!(first["id"], again["id"]);
    let same_in_json = json!({"specversion": "1.0", "id": "A234", "source": "/orders", "type": "com.example.placed", "data": 1});
    let again = stage.ask(BOTH, &[STRUCTURED, WAIT], &same_in_json.to_string()).await.json();
    assert_eq!(first["id"], again["id"], "the mode does not matter");
    assert_eq!(stage.apis.received().len(), 2);
    let other = binary(&stage, BOTH, &[], "2").await.told();
    assert!(other.starts_with("422 idempotency-key-reused: "), "{other}");
    let elsewhere = binary(&stage, "POST /v1/routes/signup/events", &[], "1").await.json();
    assert_ne!(first["id"], elsewhere["id"], "another route");
    let keyed = binary(&stage, BOTH, &[("idempotency-key", "\"k\"")], "1").await.json();
    assert_ne!(first["id"], keyed["id"], "another key");
    let answer = stage.ask(BOTH, &BINARY[..4], "1").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("location"), answer.json()["location"].as_str());
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_its_creation_goes_on_where_the_sender_has_none() {
    const IN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OUT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let stage = stage().await;
    let trace = |answer: &Answer| answer.json()["trace_id"].as_str().unwrap().to_owned();
    let event = [("ce-traceparent", IN)];
    assert_eq!(trace(&binary(&stage, BOTH, &event, "1").await), &IN[3..35]);
    let hop = [("ce-traceparent", IN), ("traceparent", OUT), ("idempotency-key", "\"k\"")];
    assert_eq!(trace(&binary(&stage, BOTH, &hop, "1").await), &OUT[3..35]);
    let broken = [("ce-traceparent", IN), ("traceparent", "00"), ("idempotency-key", "\"l\"")];
    assert_ne!(trace(&binary(&stage, BOTH, &broken, "1").await), &IN[3..35]);
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_with_an_event_is_said() {
    let stage = stage().await;
    let json = ("content-type", "application/json");
    let source = "must be a URI reference, like `https://shop.example/orders` or `/orders`";
    for (headers, body, expected) in [
        (
            &[json, ("ce-id", ""), ("ce-source", "a b"), ("ce-specversion", "0.3"), ("ce-x_y", "1"), ("ce-time", "monday"), ("ce-subject", "%C0%A0"), ("ce-datacontenttype", "a/b"), ("idempotency-key", "")][..],
            "{",
            format!(
                "400 invalid-request: ce-id is empty; ce-source {source}; ce-specversion must be `1.0`; \
                 ce-x_y is no name of an attribute: small letters and digits would be; \
                 ce-time must be a time like `2026-01-31T12:00:00Z`; ce-subject is not UTF-8, percent-encoded; \
                 ce-datacontenttype must not be there: the Content-Type says it; \
                 \x20is not JSON, as the Content-Type says: line 1, column 1; ce-type is missing; Idempotency-Key is empty"
            ),
        ),
        (&[json], "", "400 invalid-request:  is empty: the event has no data to send; ce-id is missing; ce-source is missing; ce-specversion is missing; ce-type is missing".to_owned()),
        (
            &[STRUCTURED],
            r#"{"id":7,"source":"/o","type":"t","specversion":"1.0","time":"2026","big":3000000000,"l":[],"id":8,"data":1,"data_base64":"x"}"#,
            "400 invalid-request: /id must be text; /time must be a time like `2026-01-31T12:00:00Z`; \
             /big must be text, `true`, `false`, or a whole number of 32 bits; \
             /l must be text, `true`, `false`, or a whole number of 32 bits; /id is given twice; \
             /data_base64 cannot stand beside `data`".to_owned(),
        ),
        (&[STRUCTURED], "{", "400 malformed-json: line 1, column 1: EOF while parsing an object".to_owned()),
        (&[STRUCTURED], "{}", "400 invalid-request: /data is missing: the event has no data to send; /id is missing; /source is missing; /specversion is missing; /type is missing".to_owned()),
        (
            &[("content-type", "Application/CloudEvents-Batch+JSON")],
            "[]",
            "415 unsupported-media-type: batches are not taken: send each event in a request of its own".to_owned(),
        ),
        (
            &[("content-type", "application/cloudevents+avro")],
            "x",
            "415 unsupported-media-type: the Content-Type is `application/cloudevents+avro`: of structured events, `application/cloudevents+json` is taken".to_owned(),
        ),
    ] {
        let answer = stage.ask(BOTH, headers, body).await;
        assert_eq!(answer.told(), expected, "{headers:?} {body}");
    }
    for (more, expected) in [
        (
            json!({"data": 1, "datacontenttype": "text/csv"}),
            "/data must be text, since `datacontenttype` is not JSON",
        ),
        (json!({"data_base64": "%"}), "/data_base64 must be base64 (RFC 4648 section 4), as text"),
        (json!({"data_base64": "AAEC"}), "/data_base64 is not JSON, as `datacontenttype` says"),
        (
            json!({"data": 1, "datacontenttype": "text"}),
            "/datacontenttype must be a media type, like `application/json`; /data must be text, since `datacontenttype` is not JSON",
        ),
        (json!({"data": 1, "dataschema": "/x"}), "/dataschema must be an absolute URI"),
        (
            json!({"data": 1, "a-b": "x"}),
            "/a-b is no name of an attribute: small letters and digits would be",
        ),
        (
            json!({"data": 1, "x": "y".repeat(20_000)}),
            "the attributes have 20107 bytes, and may have 16384",
        ),
    ] {
        let answer = stage.ask(BOTH, &[STRUCTURED], &structured(&more)).await;
        let told = answer.told();
        let told = told.trim_start_matches("400 invalid-request:").trim_start();
        assert_eq!(told, expected, "{more}");
    }
    let nowhere = binary(&stage, "POST /v1/routes/nowhere/events", &[], "1").await;
    assert_eq!(nowhere.told(), "404 not-found: there is no route `nowhere`");
    assert!(stage.apis.received().is_empty(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn the_data_has_to_fit_its_route() {
    let stage = stage().await;
    let line = "POST /v1/routes/strict/events";
    let told = binary(&stage, line, &[], r#"{"customer":{}}"#).await.told();
    assert_eq!(told, "422 payload-invalid: /customer/email is missing");
    let event = structured(&json!({"data": {"customer": {}}}));
    let told = stage.ask(line, &[STRUCTURED], &event).await.told();
    assert_eq!(told, "422 payload-invalid: /data/customer/email is missing");
    let event = structured(&json!({"data_base64": "e30="}));
    let told = stage.ask(line, &[STRUCTURED], &event).await.told();
    assert_eq!(told, "422 payload-invalid: /data_base64 /customer is missing");
    let large = format!(r#"{{"customer":{{}},"x":"{}"}}"#, "x".repeat(100_000));
    let told = binary(&stage, line, &[], &large).await.told();
    assert_eq!(told, "422 payload-invalid: /customer/email is missing");
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_whether_events_may_be_sent_is_told() {
    let stage = stage().await;
    let origin = ("webhook-request-origin", "events.example");
    let answer = stage.ask("OPTIONS /v1/routes/both/events", &[origin], "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("webhook-allowed-origin"), Some("events.example"));
    assert_eq!(answer.header("allow"), Some("OPTIONS,POST"));
    let answer = stage.ask("OPTIONS /v1/routes/nowhere/events", &[origin], "").await;
    assert_eq!(answer.status, 404);
}

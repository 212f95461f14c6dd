//! What is not right is said: all of it, and where.

use fanfare::daemon::{DaemonLimits, ProblemKind};
use fanfare_testkit::Scripted;

use super::stage::{CONFIG, Stage};

const SEND: &str = "POST /v1/broadcasts";
const GOOD: &str = r#"{"payload":1,"to":["crm"]}"#;

async fn stage() -> Stage {
    let mut limits = DaemonLimits::default();
    (limits.body_bytes_max, limits.metadata_bytes_max) = (2_000, 100);
    Stage::limited(&[Scripted::status(200)], &[Scripted::status(200)], limits).await
}

async fn check(stage: &Stage, line: &str, headers: &[(&str, &str)], body: &str, expected: &str) {
    let told = stage.ask(line, headers, body).await.told();
    assert_eq!(told, expected, "{line} {headers:?} {body}");
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_with_a_broadcast_is_said_at_once() {
    let stage = stage().await;
    let known = "there are `route`, `to`, `payload`, `completion`, `rest`, `deadline`, `priority` and `metadata`";
    let one = "the name of a target, or `{\"target\": NAME, \"optional\": true}`";
    let many: String = (0..65).map(|at| format!(r#""{at}":1,"#)).collect();
    for (body, expected) in [
        ("{}", "/payload is missing".to_owned()),
        (r#"{"payload":1}"#, "/route is missing: name one, or list targets in `to`".to_owned()),
        (
            r#"{"payload":1,"route":"singup"}"#,
            "/route there is no route `singup`: `signup` is near".to_owned(),
        ),
        (
            r#"{"payload":1,"to":["crm","nobody",{"target":"crm"}]}"#,
            "/to/1 there is no target `nobody`; /to/2 `crm` is given twice".to_owned(),
        ),
        (r#"{"payload":1,"to":[]}"#, "/to a broadcast needs at least one recipient".to_owned()),
        (r#"{"payload":1,"to":"crm"}"#, format!("/to must be a list of targets: each {one}")),
        (
            r#"{"payload":1,"to":[{"target":"crm","optinal":true},"nobody",7]}"#,
            format!("/to/0 must be {one}; /to/1 there is no target `nobody`; /to/2 must be {one}"),
        ),
        (&format!(r#"{{{many}"payload":1}}"#), " may have 64 members".to_owned()),
        (
            r#"{"payload":1,"to":["crm"],"route":"signup"}"#,
            "/to cannot stand beside `route`".to_owned(),
        ),
        (
            r#"{"payload":1,"to":["crm"],"completion":{"quorum":2}}"#,
            "/completion a quorum of 2 does not fit 1 recipients".to_owned(),
        ),
        (
            r#"{"payload":1,"to":["crm"],"completion":"most","rest":0,"priority":"max","deadline":"0s","metadata":[],"a/b~":1}"#,
            format!(
                "/completion must be `all`, `any`, `best_effort` or `{{\"quorum\": 2}}`; \
                 /rest must be `finish` or `cancel`; /priority must be `high`, `normal` or `low`; \
                 /deadline must be longer than zero; /metadata must be an object; /a~1b~0 is not known: {known}"
            ),
        ),
        (r#"{"payload":1,"payload":2,"to":["crm"]}"#, "/payload is given twice".to_owned()),
        (
            &format!(r#"{{"payload":1,"to":["crm"],"metadata":{{"a":"{}"}}}}"#, "x".repeat(100)),
            "/metadata has 108 bytes, and may have 100".to_owned(),
        ),
        (
            r#"{"payload":"a","route":"some"}"#,
            "/payload the condition for `audit`: cannot take `big` of a string".to_owned(),
        ),
    ] {
        let expected = format!("400 invalid-request: {expected}");
        check(&stage, SEND, &[], body, &expected).await;
    }
    assert!(stage.apis.received().is_empty(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_its_route_is_not_accepted() {
    let stage = Stage::new(&[Scripted::status(200)], &[]).await;
    for (body, expected) in [
        (
            r#"{"route":"strict","payload":{"customer":{"email":"s3cret"},"items":["s3cret",1,2.5]}}"#,
            "422 payload-invalid: /payload/items/0 is text: a whole number would be right; \
             /payload/items/2 is a number: a whole number would be right",
        ),
        (
            r#"{"route":"strict","payload":{"customer":{}}}"#,
            "422 payload-invalid: /payload/customer/email is missing",
        ),
        (
            r#"{"route":"strict","payload":{},"priority":"max"}"#,
            "400 invalid-request: /priority must be `high`, `normal` or `low`; /payload/customer is missing",
        ),
        (r#"{"route":"strict","payload":{"customer":{"email":"a"}}}"#, "202"),
    ] {
        check(&stage, SEND, &[], body, expected).await;
    }
    // On a thread of its own, and all of it told or counted.
    let many = |count: usize| {
        let items = vec![r#""s3cret""#; count].join(",");
        format!(r#"{{"route":"strict","payload":{{"customer":{{"email":""}},"items":[{items}]}}}}"#)
    };
    for (count, listed, detail) in [
        (10_000, 50, "50 mistakes, listed in `errors`; 9950 more are not listed"),
        (50_000, 1, "1 mistake, listed in `errors`; it is too large for more to be looked for"),
    ] {
        let answer = stage.ask(SEND, &[], &many(count)).await;
        let problem = answer.json();
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert_eq!(problem["detail"], detail);
        assert_eq!(problem["errors"].as_array().unwrap().len(), listed);
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    }
    assert_eq!(stage.apis.received().len(), 1, "what does not fit was not sent");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_of_this_api_is_said() {
    let stage = stage().await;
    let json = ("content-type", "application/json; charset=utf-8");
    let long = format!(r#"{{"payload":"{}","to":["crm"]}}"#, "x".repeat(2_000));
    let long_key = "k".repeat(256);
    for (line, headers, body, expected) in [
        (SEND, &[json][..], GOOD, "202"),
        (
            SEND,
            &[],
            "",
            "415 unsupported-media-type: the Content-Type is missing, and must be `application/json`",
        ),
        (
            SEND,
            &[("content-type", "text/plain")],
            GOOD,
            "415 unsupported-media-type: the Content-Type is `text/plain`, and must be `application/json`",
        ),
        (
            SEND,
            &[("content-type", "application/json"), ("content-encoding", "gzip")],
            GOOD,
            "415 unsupported-media-type: the Content-Encoding is `gzip`: send the body as it is",
        ),
        (SEND, &[], "{\n \"payload\": }", "400 malformed-json: line 2, column 13: expected value"),
        (SEND, &[], "[1]", "400 invalid-request:  must be an object"),
        (SEND, &[], &long, "413 too-large: the body may have at most 2000 bytes"),
        (SEND, &[("idempotency-key", "")], GOOD, "400 invalid-request: Idempotency-Key is empty"),
        (
            SEND,
            &[("idempotency-key", &long_key)],
            GOOD,
            "400 invalid-request: Idempotency-Key has 256 bytes, and may have 255",
        ),
        (
            SEND,
            &[("idempotency-key", "a"), ("idempotency-key", "b")],
            "{}",
            "400 invalid-request: /payload is missing; Idempotency-Key is given twice",
        ),
        (
            SEND,
            &[("idempotency-key", "\"a")],
            GOOD,
            "400 invalid-request: Idempotency-Key is no string as RFC 9651 has it: `\"…\"`",
        ),
    ] {
        check(&stage, line, headers, body, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn web_pages_are_kept_out() {
    let stage = stage().await;
    for (line, headers, body, expected) in [
        (
            SEND,
            &[("host", "rebound.example")][..],
            GOOD,
            "403 forbidden: the Host must be `localhost` or a loopback address",
        ),
        (SEND, &[("host", "127.0.0.1:8080")], GOOD, "202"),
        (SEND, &[("host", "[::1]:8080")], GOOD, "202"),
        (
            SEND,
            &[("origin", "https://page.example")],
            GOOD,
            "403 forbidden: requests of web pages (with an Origin) are not answered",
        ),
    ] {
        check(&stage, line, headers, body, expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_said() {
    let stage = stage().await;
    for (line, expected) in [
        ("GET /v2/broadcasts", "404 not-found: no path of this API leads there"),
        ("GET /v1/broadcasts/%FF", "404 not-found: no path of this API leads there"),
        ("POST /v1/targets/%C3%28/pause", "404 not-found: no path of this API leads there"),
        ("GET /v1/broadcasts/7", "404 not-found: there is no broadcast `7`"),
        (
            "GET /v1/broadcasts/01a20b57-c9e3-7e3b-a413-ceed09d7b817",
            "404 not-found: there is no broadcast `01a20b57-c9e3-7e3b-a413-ceed09d7b817`",
        ),
        (
            "POST /v1/broadcasts/01a20b57-c9e3-7e3b-a413-ceed09d7b817/cancel",
            "404 not-found: there is no broadcast `01a20b57-c9e3-7e3b-a413-ceed09d7b817`",
        ),
        ("POST /v1/targets/nobody/pause", "404 not-found: there is no target `nobody`"),
        (
            "DELETE /v1/broadcasts",
            "405 method-not-allowed: the header `Allow` says what can be done there",
        ),
        (
            "GET /v1/broadcasts?limit=0&limit=1&state=odd&from=monday&odd=1",
            "400 invalid-request: state `odd` must be `open` or `settled`; \
             from `monday` must be a time like `2026-01-31T12:00:00Z`; limit is given twice; \
             limit `0` must be a number from 1 to 1000; \
             odd is not known: there are `route`, `target`, `state`, `verdict`, `from`, `until`, `limit` and `cursor`",
        ),
        (
            "GET /v1/dead-letters?outcome=delivered&cursor=x",
            "400 invalid-request: outcome `delivered` must be `failed`, `indeterminate`, `expired`, `substituted`; \
             cursor `x` must be `next` of the page before",
        ),
    ] {
        check(&stage, line, &[], "", expected).await;
    }
}

#[test]
fn every_problem_is_described() {
    let page = include_str!("../../../docs/daemon.md");
    for kind in ProblemKind::ALL {
        let row = format!("| `{}` | {} |", kind.code(), kind.status());
        assert!(page.contains(&row), "docs/daemon.md lacks {row}");
    }
}

/// The condition looks at 90,000 pairs. Whoever asks for something else meanwhile has his answer first.
#[tokio::test]
async fn a_condition_that_takes_long_holds_up_nobody_else() {
    let stage = Stage::new(&[], &[]).await;
    let pairs = r#"[.a[] as $x | .a[] | select(. == -$x)] | length > 0 or error("none")"#;
    stage.configure(&format!("{CONFIG}  join: {{ to: [{{ target: crm, when: '{pairs}' }}] }}\n"));
    assert_eq!(stage.post("/v1/reload", "").await.status, 200);
    let numbers: Vec<_> = (1..=300).collect();
    let body = serde_json::json!({ "route": "join", "payload": { "a": numbers } }).to_string();
    let long = stage.post("/v1/broadcasts", &body);
    tokio::pin!(long);
    tokio::select! {
        biased;
        long = &mut long => panic!("it was worked out where others wait: {}", long.told()),
        other = stage.get("/healthz") => assert_eq!(other.status, 200),
    }
    let told = long.await.told();
    assert!(told.contains("the condition for `crm`: none"), "{told}");
}

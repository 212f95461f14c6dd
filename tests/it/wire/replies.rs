//! What replies may be like: coded, slow, and with too much in them.

use std::{io::Write as _, time::Duration};

use fanfare_sdk::RetryAfter;
use fanfare_testkit::{MockApi, Scripted};
use flate2::{Compression, write::GzEncoder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    peer::spawn,
    stage::{Folder, said, send, sent},
};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn replied(script: Scripted, lines: &str) -> String {
    let api = MockApi::start(script).await;
    let lines = format!("url: '{}'\n    {lines}", api.url("/"));
    sent(&Folder::new().one(lines).await, "api").await
}

fn coded(coding: &str, body: impl Into<bytes::Bytes>) -> Scripted {
    Scripted::status(200).header("content-encoding", coding).body(body)
}

#[tokio::test]
async fn a_coding_is_taken_off_before_anybody_looks_at_the_reply() {
    let body = gzip(br#"{"id":7}"#);
    let captures = "capture: { id: .body.id }";
    let api = MockApi::start(coded("gzip", body.clone())).await;
    let lines = format!("url: '{}'\n    {captures}", api.url("/"));
    let report = send(&Folder::new().one(lines).await, "api").await;
    assert_eq!(said(&report), r#"delivered: 200 {"id":7}"#);
    let reply = report.deliveries[0].reply.as_ref().unwrap();
    assert_eq!(reply.captured["id"], 7);
    let described =
        ["content-encoding", "content-length"].map(|it| reply.headers.get(it).is_some());
    assert_eq!(described, [false, false], "they are about what came");
    // Nobody asked for it.
    assert_eq!(api.received()[0].header("accept-encoding"), None);
    // What is no such thing stays as it came.
    assert_eq!(replied(coded("gzip", "plain"), "").await, "delivered: 200 plain");
    assert_eq!(replied(coded("compress", "as it came"), "").await, "delivered: 200 as it came");
}

#[tokio::test]
async fn a_bomb_is_cut_and_was_delivered() {
    let bomb = gzip(&vec![b'x'; 64 << 20]);
    let ended = replied(coded("gzip", bomb), "").await;
    assert!(ended.starts_with("delivered: 200 xxx") && ended.ends_with("x, truncated"));
    assert_eq!(ended.matches('x').count(), 64 << 10);
}

/// Whoever may read a report may not call the API.
#[tokio::test]
async fn what_an_api_echoes_of_who_we_are_is_not_kept() {
    let says = r#"{"title":"no such token: canary-1234","at":"/?key=canary-5678"}"#;
    let script = Scripted::status(401)
        .header("content-type", "application/problem+json")
        .header("x-seen", "Bearer canary-1234")
        .body(says);
    let api = MockApi::start(script).await;
    let auth = "[ { bearer: { token: canary-1234 } }, { api_key: { in: { query: key }, value: canary-5678 } } ]";
    let rules = "[ { status: 401, meaning: permanent, reason: { code: { jq: .body.title }, message: { jq: .body.at } } } ]";
    let lines = format!(
        "url: '{}'\n    auth: {auth}\n    classify: {rules}\n    capture: {{ all: . }}",
        api.url("/")
    );
    let report = send(&Folder::new().one(lines).await, "api").await;
    let told = serde_json::to_string(&fanfare::wire::Report::from(&report)).unwrap();
    assert!(!told.contains("canary"), "{told}");
    assert_eq!(told.matches("no such token: REDACTED").count(), 6, "{told}");
    let received = &api.received()[0];
    assert_eq!(received.header("authorization"), Some("Bearer canary-1234"));
    assert!(received.uri.to_string().ends_with("?key=canary-5678"));
}

/// AWS refuses a time that is too far from its own by a 403, as it refuses much else.
#[tokio::test]
async fn a_clock_that_is_wrong_is_put_right_for_the_same_delivery() {
    let refused = Scripted::status(403)
        .header("date", "Wed, 01 Jan 2031 00:00:00 GMT")
        .header("x-amz-request-id", "1");
    let api = MockApi::start([refused, Scripted::status(200).body("ok")]).await;
    let aws = "{ region: eu, service: s3, access_key: a, secret_key: b }";
    let lines = format!("url: '{}'\n    auth: {{ aws: {aws} }}", api.url("/"));
    assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "delivered: 200 ok");
    let second = api.received()[1].header("x-amz-date").unwrap().to_owned();
    assert!(second.starts_with("20310101T00"), "{second}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_cut_and_was_delivered() {
    let api =
        MockApi::start(Scripted::status(200).body("hello").trickle(Duration::from_secs(20))).await;
    let lines = format!("url: '{}'\n    connection: {{ read_timeout: 100ms }}", api.url("/"));
    let ended = sent(&Folder::new().one(lines).await, "api").await;
    assert_eq!(ended, "delivered: 200 , truncated");
}

/// Begins its answer and never ends it.
async fn dripping(head: &str) -> String {
    answering_with(format!("HTTP/1.1 {head}\r\ncontent-length: 100\r\n\r\nso far")).await
}

#[tokio::test]
async fn what_has_come_of_a_body_when_the_attempt_is_over_is_kept() {
    // Its status and its headers have said what became of it.
    for (head, expected) in [
        ("200 OK", "delivered: 200 so far, truncated"),
        ("500 Odd", "indeterminate: 500 so far, truncated"),
        ("400 Odd", "failed: 400 so far, truncated"),
    ] {
        let lines = format!("{}\n    timeout: 300ms", dripping(head).await);
        assert_eq!(sent(&Folder::new().one(lines).await, "api").await, expected);
    }
    // What it echoes of a proof is taken out, also of what was cut.
    let echo = "400 Odd\r\nx-echo: Bearer canary-token-1";
    let reply =
        format!("HTTP/1.1 {echo}\r\ncontent-length: 100\r\n\r\nnot canary-token-1, not canary-to");
    let lines = format!(
        "{}\n    timeout: 300ms\n    auth: {{ bearer: {{ token: canary-token-1 }} }}",
        answering_with(reply).await
    );
    let report = send(&Folder::new().one(lines).await, "api").await;
    assert_eq!(said(&report), "failed: 400 not REDACTED, not , truncated");
    let kept = report.deliveries[0].reply.as_ref().unwrap();
    assert_eq!(kept.headers["x-echo"], "Bearer REDACTED");
    let asks = dripping("503 Busy\r\nretry-after: 7").await;
    let lines = format!("{asks}\n    timeout: 300ms");
    let report = send(&Folder::new().one(lines).await, "api").await;
    let ended = report.deliveries[0].attempts[0].ended.clone().unwrap();
    assert_eq!(ended.retry_after, Some(RetryAfter::For(Duration::from_secs(7))));
    assert!(ended.reply.unwrap().headers.contains_key("retry-after"));
}

/// A peer that answers with these headers, whatever it is asked.
async fn answering(headers: String) -> String {
    answering_with(format!("HTTP/1.1 200 OK\r\n{headers}content-length: 0\r\n\r\n")).await
}

/// A peer that answers so, whatever it is asked, and stays.
async fn answering_with(reply: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"{\"a\":1}") {
            read.push(caller.read_u8().await.unwrap());
        }
        drop(caller.write_all(reply.as_bytes()).await);
        drop(caller.read_to_end(&mut read).await);
    });
    format!("url: http://{address}/")
}

#[tokio::test]
async fn headers_without_end_are_not_read_to_it() {
    const LARGE: &str =
        "indeterminate: protocol: the peer broke its protocol: message head is too large";
    let many = |count: usize| (0..count).map(|at| format!("x-{at}: y\r\n")).collect::<String>();
    for (headers, expected) in [
        (many(90), "delivered: 200 "),
        (many(200), LARGE),
        (format!("x: {}\r\n", "y".repeat(500 << 10)), LARGE),
    ] {
        let engine = Folder::new().one(answering(headers).await).await;
        assert_eq!(sent(&engine, "api").await, expected);
    }
}

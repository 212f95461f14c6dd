//! Facts of the wire, against a scripted API on loopback: what the client sends, and what becomes of what goes wrong.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare::{policy::Connection, transport::HttpTransport};
use fanfare_sdk::{Capture, Effect, Reply, SendError, Wire};
use fanfare_testkit::{MockApi, Scripted};
use http::{Method, Request};

fn wire() -> Wire {
    Wire::new(Arc::new(HttpTransport::try_new(&Connection::default()).unwrap()))
}

fn request(method: Method, url: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::builder()
        .method(method)
        .uri(url)
        .header("x-ours", "as it is")
        .body(body.into())
        .unwrap()
}

/// `200, 5 bytes`, or what went wrong and whether the API may have acted.
fn text(sent: Result<Reply, SendError>) -> String {
    match sent {
        Ok(reply) => {
            let cut = if reply.body.is_truncated() { ", truncated" } else { "" };
            format!("{}, {} bytes{cut}", reply.head.status.unwrap(), reply.body.bytes().len())
        }
        Err(error) => {
            let effect = match error.classification.effect {
                Effect::None => "not sent",
                Effect::Applied => "applied",
                Effect::Unknown => "perhaps sent",
            };
            format!("{}: {effect}", error.kind.code())
        }
    }
}

async fn check(script: Scripted, body: impl Into<Bytes>, expected: &str) {
    let api = MockApi::start(script).await;
    let sent = wire().send(request(Method::POST, &api.url("/"), body)).await;
    assert_eq!(text(sent), expected);
}

#[tokio::test]
async fn a_reply_is_captured() {
    check(Scripted::status(200).body("hello"), "x", "200, 5 bytes").await;
    check(Scripted::status(503), "x", "503, 0 bytes").await;
    check(Scripted::status(204), "", "204, 0 bytes").await;
}

#[tokio::test]
async fn what_goes_wrong_says_whether_it_was_sent() {
    check(Scripted::reset_after(), "x", "reset: perhaps sent").await;
    check(Scripted::reset_after(), "", "reset: perhaps sent").await;
    check(Scripted::reset_before(), vec![b'x'; 1 << 20], "reset: perhaps sent").await;
    check(Scripted::garbage(), "x", "protocol: perhaps sent").await;
    check(Scripted::cut(200, "hel"), "x", "200, 3 bytes, truncated").await;
    check(Scripted::cut(500, ""), "x", "500, 0 bytes, truncated").await;
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let api = MockApi::start(Scripted::status(200)).await;
    let url = api.url("/");
    api.stop().await;
    for body in ["", "x"] {
        let sent = wire().send(request(Method::POST, &url, body)).await;
        let cause = std::error::Error::source(sent.as_ref().unwrap_err()).unwrap().to_string();
        assert_eq!(
            (text(sent), cause.as_str()),
            ("connect: not sent".into(), "connection refused")
        );
    }
    let plain = MockApi::start(Scripted::status(200)).await;
    let tls = plain.url("/").replace("http:", "https:");
    assert_eq!(text(wire().send(request(Method::POST, &tls, "x")).await), "tls: not sent");
    let sent = wire().send(request(Method::POST, "http://no-such-host.invalid/", "x")).await;
    assert_eq!(text(sent), "dns: not sent");
}

#[tokio::test]
async fn a_second_exchange_that_is_refused_does_not_undo_the_first() {
    let (api, gone) =
        (MockApi::start(Scripted::status(200)).await, MockApi::start(Scripted::status(200)).await);
    let (wire, url) = (wire(), gone.url("/"));
    gone.stop().await;
    wire.send(request(Method::POST, &api.url("/"), "x")).await.unwrap();
    assert_eq!(text(wire.send(request(Method::POST, &url, "x")).await), "connect: perhaps sent");
}

#[tokio::test]
async fn a_wrong_length_is_refused() {
    let mut wrong = request(Method::POST, "http://127.0.0.1:1/", "four");
    wrong.headers_mut().insert("content-length", http::HeaderValue::from_static("3"));
    assert_eq!(text(wire().send(wrong).await), "prepare: not sent");
}

#[tokio::test]
async fn more_than_is_kept_is_cut_off() {
    let api = MockApi::start(Scripted::status(200).body(vec![b'x'; 300_000])).await;
    for (capture, expected) in [
        (Capture::Whole { bytes_max: 100_000 }, "200, 100000 bytes, truncated"),
        (Capture::Whole { bytes_max: 300_000 }, "200, 300000 bytes"),
        (Capture::Whole { bytes_max: 0 }, "200, 0 bytes, truncated"),
        (Capture::Head, "200, 0 bytes"),
    ] {
        let sent = wire().capturing(capture).send(request(Method::POST, &api.url("/"), "x")).await;
        assert_eq!(text(sent), expected, "{capture:?}");
    }
}

#[tokio::test]
async fn a_request_leaves_as_it_is() {
    let api = MockApi::start(Scripted::status(200)).await;
    let wire = wire();
    for (method, body, length) in [
        (Method::POST, "{\"a\": 1}", Some("8")),
        (Method::POST, "", Some("0")),
        (Method::GET, "", None),
    ] {
        wire.send(request(method.clone(), &api.url("/p?q=a%20b"), body)).await.unwrap();
        let received = api.received().pop().unwrap();
        assert_eq!((&received.method, received.uri.to_string().as_str()), (&method, "/p?q=a%20b"));
        assert_eq!(received.text(), body);
        assert_eq!(received.header("content-length"), length, "{method} {body:?}");
        let mut names: Vec<_> = received.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names.retain(|name| *name != "content-length");
        assert_eq!(names, ["accept", "host", "user-agent", "x-ours"]);
    }
    assert_eq!(api.connections(), 1, "connections are kept");
}

#[tokio::test]
async fn no_redirect_is_followed_and_nothing_is_repeated() {
    let api = MockApi::start([
        Scripted::status(307).header("location", "/elsewhere"),
        Scripted::status(200),
    ])
    .await;
    let sent = wire().send(request(Method::POST, &api.url("/"), "x")).await;
    assert_eq!((text(sent).as_str(), api.received().len()), ("307, 0 bytes", 1));
    let api = MockApi::start([Scripted::reset_after(), Scripted::status(200)]).await;
    let sent = wire().send(request(Method::POST, &api.url("/"), "x")).await;
    assert_eq!((text(sent).as_str(), api.received().len()), ("reset: perhaps sent", 1));
}

#[tokio::test]
async fn progress_outlives_a_request_that_is_given_up() {
    let api = MockApi::start(Scripted::hang()).await;
    let wire = wire();
    assert_eq!(wire.progress().effect(), Effect::None);
    let sending = tokio::time::timeout(
        Duration::from_millis(200),
        wire.send(request(Method::POST, &api.url("/"), "x")),
    );
    assert!(sending.await.is_err());
    assert_eq!((wire.progress().effect(), wire.progress().status()), (Effect::Unknown, None));
}

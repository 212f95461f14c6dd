//! The mock API on a socket: what a client sees of each fault.

use std::{io::ErrorKind, time::Duration};

use fanfare_testkit::{MockApi, Script, Scripted};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

const POST: &str =
    "POST /hook?x=1 HTTP/1.1\r\nhost: a.example\r\nX-Key: 7\r\ncontent-length: 5\r\n\r\nhello";
const LAST: &str = "GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n";

/// Writes all of it on one connection and reads until it ends, as text: the reply and how the connection ended.
async fn talk(api: &MockApi, request: &str) -> String {
    let mut stream = TcpStream::connect(api.address()).await.unwrap();
    // A reset may come in the middle of it.
    stream.write_all(request.as_bytes()).await.ok();
    let mut reply = Vec::new();
    let ended = match timeout(Duration::from_secs(10), stream.read_to_end(&mut reply)).await {
        Ok(Ok(_)) => "closed",
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => "reset",
        Ok(Err(_)) => "error",
        Err(_) => "silence",
    };
    format!("{}{ended}", String::from_utf8_lossy(&reply).replace("\r\n", "|"))
}

async fn check(script: impl Into<Script>, request: &str, expected: &str) {
    let api = MockApi::start(script).await;
    assert_eq!(talk(&api, request).await, expected);
    api.stop().await;
}

#[tokio::test]
async fn every_fault_is_seen_on_the_wire() {
    let ok = || Scripted::status(200).body("yes");
    let last = |scripted: Scripted| scripted.header("connection", "close");

    check(ok(), LAST, "HTTP/1.1 200 OK|content-length: 3||yesclosed").await;
    check(
        Scripted::status(503).header("retry-after", "2"),
        LAST,
        "HTTP/1.1 503 Service Unavailable|retry-after: 2|content-length: 0||closed",
    )
    .await;
    check(last(Scripted::status(204)), POST, "HTTP/1.1 204 No Content|connection: close||closed")
        .await;
    check(
        ok().trickle(Duration::from_millis(1)),
        LAST,
        "HTTP/1.1 200 OK|content-length: 3||yesclosed",
    )
    .await;
    check(
        ok().after(Duration::from_millis(1)),
        LAST,
        "HTTP/1.1 200 OK|content-length: 3||yesclosed",
    )
    .await;
    check(Scripted::cut(200, "ye"), POST, "HTTP/1.1 200 OK|content-length: 1026||yeclosed").await;
    check(Scripted::reset_after(), POST, "reset").await;
    check(Scripted::reset_before(), POST, "reset").await;
    check(Scripted::refused(), POST, "reset").await;
    check(Scripted::garbage(), POST, "\0this is not HTTP||closed").await;
    check(ok(), "HEAD / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK|content-length: 3||closed").await;
}

#[tokio::test]
async fn requests_are_judged_once_they_have_been_read() {
    let api = MockApi::answering(|request| match &request.body()[..] {
        b"hello" if request.headers()["x-key"] == "7" => {
            Scripted::status(200).body(format!("{} {}", request.method(), request.uri()))
        }
        b"hello" => Scripted::reset_after(),
        _ => Scripted::status(422),
    })
    .await;
    let first = talk(&api, &POST.replace("host", "connection: close\r\nhost")).await;
    assert_eq!(first, "HTTP/1.1 200 OK|content-length: 14||POST /hook?x=1closed");
    assert_eq!(talk(&api, &POST.replace("X-Key: 7", "X-Key: 8")).await, "reset");
    assert!(talk(&api, LAST).await.starts_with("HTTP/1.1 422 "));
    assert_eq!(api.received().len(), 3);
    api.stop().await;
}

#[tokio::test]
async fn what_is_not_a_request_is_refused() {
    let refused =
        |status: &str| format!("HTTP/1.1 {status}|content-length: 0|connection: close||closed");
    check(Scripted::hang(), "nonsense\r\n\r\n", &refused("400 Bad Request")).await;
    check(Scripted::hang(), "GET / HTTP/1.1\r\nno colon\r\n", &refused("400 Bad Request")).await;
    let huge = format!("GET / HTTP/1.1\r\nx: {}", "y".repeat((64 << 10) - 19));
    check(Scripted::hang(), &huge, &refused("431 Request Header Fields Too Large")).await;
    let body = "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n";
    check(Scripted::hang(), body, &refused("413 Content Too Large")).await;
}

#[tokio::test]
async fn a_connection_is_used_again_and_everything_is_kept() {
    let api = MockApi::start([Scripted::status(503), Scripted::status(200)]).await;
    let chunked = "PUT /c HTTP/1.1\r\ntransfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n\
                   3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nt: 1\r\n\r\n";
    let seen = talk(&api, &format!("{POST}{chunked}{LAST}")).await;
    assert_eq!(
        seen,
        "HTTP/1.1 503 Service Unavailable|content-length: 0||HTTP/1.1 100 Continue||\
         HTTP/1.1 200 OK|content-length: 0||HTTP/1.1 200 OK|content-length: 0||closed"
    );
    assert_eq!(api.connections(), 1);
    let kept: Vec<_> = api.at_least(3).await;
    let kept: Vec<_> =
        kept.iter().map(|r| format!("{} {} {}", r.method, r.path(), r.text())).collect();
    assert_eq!(kept, ["POST /hook?x=1 hello", "PUT /c abcde", "GET / "]);
    assert_eq!(api.received()[0].header("x-key"), Some("7"));
}

#[tokio::test]
async fn routes_are_paths_or_hosts() {
    let api = MockApi::start_routes([
        ("/hook", Script::new([Scripted::status(201), Scripted::status(202)])),
        ("127.0.0.1", Scripted::status(204).into()),
    ])
    .await;
    let here = LAST.replace("a.example", &api.address().to_string());
    let seen = talk(&api, &format!("{POST}{POST}{LAST}")).await;
    let statuses: Vec<_> = seen.split("HTTP/1.1 ").skip(1).map(|reply| &reply[..3]).collect();
    assert_eq!(statuses, ["201", "202", "501"]);
    assert_eq!(talk(&api, &here).await, "HTTP/1.1 204 No Content||closed");
}

#[tokio::test]
async fn a_hanging_api_can_be_waited_for_and_stopped() {
    let api = MockApi::start(Scripted::hang()).await;
    let mut stream = TcpStream::connect(api.address()).await.unwrap();
    stream.write_all(POST.as_bytes()).await.unwrap();
    assert_eq!(api.at_least(1).await.len(), 1);
    assert!(api.url("/a").starts_with("http://127.0.0.1:"));
    let address = api.address();
    api.stop().await;
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

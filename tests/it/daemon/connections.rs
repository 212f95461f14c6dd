//! Callers that are slow, cut off, or too many: others are answered all the same. Over real sockets; nothing here depends
//! on how long something takes.

use std::{net::SocketAddr, time::Duration};

use fanfare::daemon::{DaemonLimits, listen, serve};
use fanfare_testkit::Scripted;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use super::stage::Stage;

const GOOD: &str = r#"{"to":["crm"],"payload":1}"#;

pub(super) struct Served {
    pub(super) stage: Stage,
    pub(super) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn new(limits: DaemonLimits) -> Self {
        Self::of(Stage::limited(&[Scripted::status(200)], &[], limits).await).await
    }

    pub(super) async fn of(stage: Stage) -> Self {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let daemon = stage.daemon.clone();
        let serving = async move {
            serve(listener, &daemon, async { drop(stopped.await) }).await.unwrap();
        };
        #[expect(clippy::disallowed_methods, reason = "a caller's own task")]
        let serving = tokio::spawn(serving);
        Self { stage, address, stop, serving }
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Writes that, and gives all that comes back until the connection ends.
    async fn say(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        all(&mut stream).await
    }

    /// Whether somebody who asks as he should is answered.
    async fn assert_answers(&self) {
        let answer = self.say(&post("close", GOOD)).await;
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }
}

pub(super) async fn all(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    // Reset or ended: it is over.
    drop(stream.read_to_end(&mut text).await);
    String::from_utf8_lossy(&text).into_owned()
}

fn post(connection: &str, body: &str) -> String {
    let head =
        "POST /v1/broadcasts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let length = body.len();
    format!("{head}connection: {connection}\r\ncontent-length: {length}\r\n\r\n{body}")
}

fn impatient() -> DaemonLimits {
    let mut limits = DaemonLimits::default();
    limits.head_timeout = Duration::from_millis(50);
    limits.body_timeout = Duration::from_millis(50);
    limits
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_let_go() {
    let served = Served::new(impatient()).await;
    // The head never ends.
    let answer = served.say("POST /v1/broadcasts HTTP/1.1\r\nhost: localhost\r\nx: ").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    // The body never ends.
    let body = post("keep-alive", GOOD);
    let answer = served.say(&body[..body.len() - 5]).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("/problems/request-timeout"), "{answer}");
    served.assert_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_cut_off_has_sent_nothing() {
    let served = Served::new(DaemonLimits::default()).await;
    let body = post("keep-alive", GOOD);
    for end in [10, 60, body.len() - 1] {
        let mut stream = served.connect().await;
        stream.write_all(&body.as_bytes()[..end]).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = all(&mut stream).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
        // The last one has said all but the end of its body.
        assert!(end < 200 || answer.contains("the body ends before it is complete"), "{answer}");
    }
    // The same in pieces, which tell no length.
    let mut stream = served.connect().await;
    let pieces = "POST /v1/broadcasts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n5\r\n{\"pay\r\n";
    stream.write_all(pieces.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = all(&mut stream).await;
    assert!(answer.contains("the body ends before it is complete"), "{answer}");
    let list = served.stage.get("/v1/broadcasts").await.json();
    assert_eq!(list["broadcasts"], serde_json::json!([]));
    served.assert_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_turned_away() {
    let served = Served::new(impatient()).await;
    for nonsense in ["\r\n\r\n\r\n", "\u{16}\u{3}\u{1}", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n"] {
        let answer = served.say(nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{nonsense:?}: {answer}");
    }
    let heavy = format!("GET /healthz HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let answer = served.say(&heavy).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    served.assert_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_so_at_once() {
    let mut limits = DaemonLimits::default();
    limits.connections_max = 4;
    // Those who have a place keep it, however slow the machine is.
    limits.head_timeout = Duration::from_secs(600);
    let served = Served::new(limits).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        let mut stream = served.connect().await;
        stream.write_all(post("keep-alive", GOOD).as_bytes()).await.unwrap();
        // It is answered: it has its place.
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 202");
        idle.push(stream);
    }
    // More than may read it at once: none of them is kept. Also who says nothing.
    let mut outside = Vec::new();
    for _ in 0..300 {
        let mut stream = served.connect().await;
        let mut answer = [0; 12];
        // Told, ended or reset: he was accepted before the next one comes.
        if stream.read_exact(&mut answer).await.is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 503");
        }
        outside.push(stream);
    }
    for mut stream in outside {
        all(&mut stream).await;
    }
    let answer = served.say(&post("close", GOOD)).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.contains("\r\nretry-after: 5\r\n") && answer.contains("/problems/full"),
        "{answer}"
    );
    drop(idle.pop());
    // His place is free once it is seen that he has gone.
    while !served.say(&post("close", GOOD)).await.starts_with("HTTP/1.1 202 ") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_his_answers_is_let_go() {
    let mut limits = DaemonLimits::default();
    limits.write_timeout = Duration::from_millis(50);
    let served = Served::new(limits).await;
    let mut stream = served.connect().await;
    let ask = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    // Asks until nothing is taken any more, and reads none of the answers.
    while stream.write_all(ask.as_bytes()).await.is_ok() {}
    served.assert_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_so_many_headers_and_bytes() {
    let served = Served::new(DaemonLimits::default()).await;
    let head = |count: usize, bytes: usize| {
        let value = "x".repeat(bytes);
        let headers: String = (0..count).map(|at| format!("x-{at}: {value}\r\n")).collect();
        format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n")
    };
    assert!(served.say(&head(97, 1)).await.starts_with("HTTP/1.1 200 "));
    assert!(served.say(&head(101, 1)).await.starts_with("HTTP/1.1 431 "));
    assert!(served.say(&head(3, 9_000)).await.starts_with("HTTP/1.1 200 "));
    let answer = served.say(&head(1, 100_000)).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

/// What one party takes for the end of a request and another for its middle.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_end() {
    let served = Served::new(impatient()).await;
    let line = "POST /v1/broadcasts HTTP/1.1\r\n";
    let common = "host: localhost\r\ncontent-type: application/json\r\n";
    let smuggled = "GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let length = GOOD.len();
    for (what, headers) in [
        ("two lengths", format!("content-length: {length}\r\ncontent-length: 0\r\n")),
        ("two in one", format!("content-length: {length}, 0\r\n")),
        ("a sign", format!("content-length: +{length}\r\n")),
        ("a length below zero", "content-length: -1\r\n".to_owned()),
        (
            "length and chunks",
            format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"),
        ),
        (
            "chunks and length",
            format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n"),
        ),
        ("an unknown coding", "transfer-encoding: x\r\n".to_owned()),
        ("chunks that are not last", "transfer-encoding: chunked, gzip\r\n".to_owned()),
        ("a folded header", format!("x: a\r\n b\r\ncontent-length: {length}\r\n")),
        ("a space before the colon", format!("content-length : {length}\r\n")),
        ("a bare CR", format!("x: a\rcontent-length: 0\r\ncontent-length: {length}\r\n")),
        ("two hosts", format!("host: other.example\r\ncontent-length: {length}\r\n")),
        ("a NUL", format!("x: a\0\r\ncontent-length: {length}\r\n")),
    ] {
        let answer = served.say(&format!("{line}{common}{headers}\r\n{GOOD}{smuggled}")).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(!answer.contains("fanfare_"), "{what}: a second request was found: {answer}");
        assert!(answers <= 1 && !answer.starts_with("HTTP/1.1 2"), "{what}: {answer}");
    }
    let list = served.stage.get("/v1/broadcasts").await.json();
    assert_eq!(list["broadcasts"], serde_json::json!([]), "nothing was accepted");
    // What was in front has counted bytes, and takes the rest for the body: here it is not taken for a request.
    let chunks = format!("{length:x}\r\n{GOOD}\r\n0\r\n\r\n{smuggled}");
    let both = format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", chunks.len());
    let answer = served.say(&format!("{line}{common}{both}\r\n{chunks}")).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    let nameless = served.say("GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(nameless.starts_with("HTTP/1.1 400 "), "{nameless}");
    // An absolute form is for the host that it names.
    let asks =
        |uri: &str| format!("GET {uri} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let own = served.say(&asks("http://localhost/v1/routes")).await;
    assert!(own.starts_with("HTTP/1.1 200 "), "{own}");
    let other = served.say(&asks("http://other.example/v1/routes")).await;
    assert!(other.starts_with("HTTP/1.1 403 "), "{other}");
    served.assert_answers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_at_once_are_answered() {
    let served = Served::new(DaemonLimits::default()).await;
    let answers = futures_util::future::join_all((0..300).map(|_| served.assert_answers()));
    answers.await;
    let list = served.stage.get("/v1/broadcasts?limit=1000").await.json();
    assert_eq!(list["broadcasts"].as_array().unwrap().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_answered_when_it_ends() {
    let served = Served::new(DaemonLimits::default()).await;
    // It stays connected, and has nothing to ask.
    let mut idle = served.connect().await;
    served.stage.engine.pause_target("crm").await.unwrap();
    let text = post("keep-alive", GOOD).replacen("host:", "prefer: wait=60\r\nhost:", 1);
    let mut waiting = served.connect().await;
    waiting.write_all(text.as_bytes()).await.unwrap();
    while served.stage.engine.target_status("crm").await.unwrap().at_gate == 0 {
        tokio::task::yield_now().await;
    }
    served.stop.send(()).unwrap();
    served.stage.engine.drain(Duration::ZERO).await;
    let answer = all(&mut waiting).await;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    served.serving.await.unwrap();
    assert_eq!(all(&mut idle).await, "");
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}

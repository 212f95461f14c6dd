//! Callers that are slow, cut off, or too many: others are answered all the same. Over real sockets; nothing here depends
//! on how long something takes.

use std::{net::SocketAddr, time::Duration};

use fanfare::daemon::{DaemonLimits, serve};
use fanfare_testkit::Scripted;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::stage::Stage;

const GOOD: &str = r#"{"to":["crm"],"payload":1}"#;

struct Served {
    stage: Stage,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn new(limits: DaemonLimits) -> Self {
        let stage = Stage::limited(&[Scripted::status(200)], &[], limits).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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

    async fn connect(&self) -> TcpStream {
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

async fn all(stream: &mut TcpStream) -> String {
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
async fn who_finds_no_room_waits_until_somebody_leaves() {
    let mut limits = DaemonLimits::default();
    limits.connections_max = 4;
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
    let mut outside = served.connect().await;
    outside.write_all(post("close", GOOD).as_bytes()).await.unwrap();
    drop(idle.pop());
    assert!(all(&mut outside).await.starts_with("HTTP/1.1 202"));
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

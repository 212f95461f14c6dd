//! Keys and certificates are exchanged while clients send over TLS: nobody with a good key is refused, nothing is lost, and
//! nothing comes twice.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use fanfare::{
    daemon::{
        DaemonLimits, Tls,
        callers::{Editing, NewKey},
    },
    sdk::Timestamp,
};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, task::JoinSet, task::yield_now};

use super::{
    connections::all,
    stage::BEGUN,
    tls::{Authority, Files, connect, served},
};

/// Clients at the same time.
const CLIENTS: usize = 3;

/// How often the key and the certificate are exchanged.
const TURNS: usize = 8;

const BODY: &str = r#"{"to":["crm"],"payload":1}"#;

/// What the clients and whoever operates the daemon share.
struct Stand {
    address: SocketAddr,
    authority: Authority,
    /// The key that is good, as everybody has just been told.
    key: Mutex<String>,
    accepted: AtomicUsize,
    ends: AtomicBool,
}

impl Stand {
    fn key(&self) -> String {
        self.key.lock().unwrap().clone()
    }

    /// A connection of its own for each request: each begins with the certificate of that moment.
    async fn send(&self, key: &str) -> String {
        let mut stream = connect(self.address, &self.authority, None).await.unwrap();
        let length = BODY.len();
        let request = format!(
            "POST /v1/broadcasts HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nauthorization: Bearer {key}\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n{BODY}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        all(&mut stream).await
    }
}

/// Sends until it is told to end; gives the ids of what was accepted.
async fn client(stand: Arc<Stand>) -> Vec<String> {
    let mut ids = Vec::new();
    while !stand.ends.load(Ordering::Acquire) {
        let key = stand.key();
        let answer = stand.send(&key).await;
        if answer.starts_with("HTTP/1.1 401 ") {
            assert_ne!(key, stand.key(), "a good key was refused");
            continue;
        }
        assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let told: Value = serde_json::from_str(body).unwrap();
        ids.push(told["id"].as_str().unwrap().to_owned());
        stand.accepted.fetch_add(1, Ordering::AcqRel);
    }
    ids
}

/// A new key, as its caller has it.
fn create(edit: Editing) -> String {
    let mut new = NewKey::new("shop");
    (new.rate, new.in_flight) = (10_000, 100);
    edit.create(new, Timestamp::from_secs(BEGUN)).unwrap().expose().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_comes_twice_while_keys_and_certificates_are_exchanged() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"), None);
    let tls = Arc::new(Tls::load(files.named()).unwrap());
    let served = served(&tls, DaemonLimits::default()).await;
    let (daemon, edit) = (&served.stage.daemon, || Editing::begin(&files.at("keys.json")).unwrap());
    let first = create(edit());
    daemon.ask_for_keys(edit().keys());
    let stand = Arc::new(Stand {
        address: served.address,
        authority,
        key: Mutex::new(first),
        accepted: AtomicUsize::new(0),
        ends: AtomicBool::new(false),
    });
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(stand.clone()));
    }
    for turn in 1..=TURNS {
        let before = stand.key();
        let next = create(edit());
        daemon.ask_for_keys(edit().keys());
        *stand.key.lock().unwrap() = next;
        let id = before.split('_').nth(1).unwrap();
        edit().revoke(id, Timestamp::from_secs(BEGUN)).unwrap();
        daemon.ask_for_keys(edit().keys());
        let (cert, key) = stand.authority.sign("localhost");
        if turn % 3 == 0 {
            // Half of a pair is not taken, and who comes meanwhile finds the one before.
            files.replace(&cert, "no key");
            tls.read_again().unwrap_err();
        }
        files.replace(&cert, &key);
        tls.read_again().unwrap();
        assert!(stand.send(&before).await.starts_with("HTTP/1.1 401 "), "it was revoked");
        let accepted = stand.accepted.load(Ordering::Acquire);
        while stand.accepted.load(Ordering::Acquire) < accepted + CLIENTS {
            yield_now().await;
        }
    }
    stand.ends.store(true, Ordering::Release);
    let accepted = clients.join_all().await.concat();
    assert!(accepted.len() >= TURNS * CLIENTS);
    let bearer = format!("Bearer {}", stand.key());
    let headers = [("authorization", bearer.as_str()), ("prefer", "wait=60")];
    let mut arrived: HashMap<String, usize> = HashMap::new();
    let mut keys = Vec::new();
    for id in &accepted {
        let line = format!("GET /v1/broadcasts/{id}?until=settled");
        let report = served.stage.ask(&line, &headers, "").await.json();
        let delivery = &report["deliveries"][0];
        assert_eq!(delivery["outcome"], "delivered", "{report:#}");
        keys.push(delivery["attempts"][0]["idempotency_key"].as_str().unwrap().to_owned());
    }
    for request in served.stage.apis.received() {
        *arrived.entry(request.header("idempotency-key").unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(arrived.len(), keys.len(), "all that was accepted, and nothing else");
    assert!(keys.iter().all(|key| arrived.get(key) == Some(&1)));
}

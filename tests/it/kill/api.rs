//! An API on loopback that knows what it has done, whatever became of the caller.

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

/// What it did with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    Applied,
    /// Turned away, without effect.
    Refused,
}

/// What became of every request, by path and idempotency key.
type Deeds = Arc<Mutex<HashMap<(String, String), Vec<Deed>>>>;

/// The keys of all notices, by the broadcast that they tell of and their type.
type Notices = Arc<Mutex<HashMap<(String, String), HashSet<String>>>>;

pub(super) struct Api {
    pub(super) address: SocketAddr,
    deeds: Deeds,
    notices: Notices,
    _serving: JoinSet<()>,
}

impl Api {
    pub(super) async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (deeds, notices) = (Deeds::default(), Notices::default());
        let mut serving = JoinSet::new();
        let told = (deeds.clone(), notices.clone());
        serving.spawn(async move {
            let (mut random, mut calls) = (fastrand::Rng::with_seed(seed), JoinSet::new());
            while let Ok((stream, _)) = listener.accept().await {
                calls.spawn(call(stream, told.clone(), random.u32(0..100)));
                while calls.try_join_next().is_some() {}
            }
        });
        Self { address, deeds, notices, _serving: serving }
    }

    /// What it did with requests that had that key.
    pub(super) fn deeds(&self, path: &str, key: &str) -> Vec<Deed> {
        let deeds = self.deeds.lock().unwrap_or_else(PoisonError::into_inner);
        deeds.get(&(path.to_owned(), key.to_owned())).cloned().unwrap_or_default()
    }

    /// How many different notices of that type have come of a broadcast.
    pub(super) fn notices(&self, of: &str, kind: &str) -> usize {
        let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.get(&(of.to_owned(), kind.to_owned())).map_or(0, HashSet::len)
    }

    pub(super) fn requests(&self) -> usize {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }
}

/// Reads one request, does it or turns it away, and answers or not, as `chance` (of a hundred) has it.
async fn call(stream: TcpStream, (deeds, notices): (Deeds, Notices), chance: u32) {
    let mut stream = BufReader::new(stream);
    let (mut path, mut key, mut length) = (String::new(), String::new(), 0);
    loop {
        let mut line = String::new();
        let Ok(1..) = stream.read_line(&mut line).await else { return };
        if let Some(rest) = line.strip_prefix("POST ") {
            path = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        let Some((name, value)) = line.trim().split_once(": ") else {
            if line.trim().is_empty() {
                break;
            }
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = value.to_owned(),
            "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    if path == "/ops" {
        let notice: Value = serde_json::from_slice(&body).unwrap();
        let text = |pointer| notice.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let place = (text("/report/id"), text("/type"));
        let mut notices = notices.lock().unwrap_or_else(PoisonError::into_inner);
        notices.entry(place).or_default().insert(key.clone());
    }
    // Applied and answered, applied slowly, applied and cut off, or turned away in one of two ways.
    let (deed, answer, pause) = match chance {
        0..70 => (Deed::Applied, "200 OK", 0),
        70..80 => (Deed::Applied, "200 OK", 40),
        80..88 => (Deed::Applied, "", 3),
        88..96 => (Deed::Refused, "503 Service Unavailable\r\nretry-after: 0", 0),
        _ => (Deed::Refused, "429 Too Many Requests\r\nretry-after: 0", 0),
    };
    deeds.lock().unwrap_or_else(PoisonError::into_inner).entry((path, key)).or_default().push(deed);
    sleep(Duration::from_millis(pause)).await;
    if !answer.is_empty() {
        let text =
            format!("HTTP/1.1 {answer}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
        // Whoever was killed does not read it.
        drop(stream.get_mut().write_all(text.as_bytes()).await);
    }
}

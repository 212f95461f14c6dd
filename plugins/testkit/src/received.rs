//! What was asked of an API in a test, in the order in which it was asked.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use tokio::{sync::watch, time::Instant};

use crate::clock;

/// Requests that are kept for inspection; the ones after it are answered, but not kept. Bounds the memory of a
/// long simulation.
const RECEIVED_MAX: usize = 100_000;

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// Its target: the whole URL in memory, path and query on a socket.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as far as it was read.
    pub body: Bytes,
    /// When it came, counted from when the API was made; in virtual time where the clock is paused.
    pub at: Duration,
}

/// Who keeps them, and tells whoever waits for them.
#[derive(Debug)]
pub(crate) struct Log {
    since: Instant,
    list: watch::Sender<Vec<Received>>,
}

// === impl Received ===

impl Received {
    /// Path and query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }

    /// The first value of the header; none where there is none, or where it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

// === impl Log ===

impl Log {
    pub(crate) fn begin() -> Self {
        Self { since: clock::now(), list: watch::Sender::new(Vec::new()) }
    }

    pub(crate) fn keep(&self, (method, uri): (Method, Uri), headers: HeaderMap, body: Bytes) {
        let at = self.since.elapsed();
        self.list.send_if_modified(|list| {
            let room = list.len() < RECEIVED_MAX;
            if room {
                list.push(Received { method, uri, headers, body, at });
            }
            room
        });
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.list.borrow().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.list.borrow().len()
    }

    /// Waits until there are as many, and gives them all.
    pub(crate) async fn at_least(&self, count: usize) -> Vec<Received> {
        let mut list = self.list.subscribe();
        // The sender lives as long as `self`: the wait cannot fail.
        list.wait_for(|list| list.len() >= count).await.map(|list| list.clone()).unwrap_or_default()
    }
}

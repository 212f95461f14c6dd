//! The world outside: what each API does with each request, and what it really did.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_sdk::{
    Effect, Exchange, Meaning, Reply, ReplyBody, ReplyHead, SendError, SendErrorKind, Transport,
    async_trait,
};
use http::{HeaderMap, HeaderValue};

/// What an API does with one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Accept,
    AcceptSlowly,
    AcceptCut,
    Refuse,
    ResetBefore,
    ResetApplied,
    ResetNotApplied,
    HangApplied,
    HangNotApplied,
    Status(u16),
    RetryAfter(u16),
    ErrorApplied,
}

/// All APIs, and the truth about what they did.
#[derive(Debug)]
pub(super) struct World {
    seed: u64,
    /// Out of a hundred requests, how many meet a fault.
    faults: u64,
    pub(super) seen: Mutex<HashMap<String, Seen>>,
    in_flight: Mutex<HashMap<String, Arc<AtomicUsize>>>,
    pub(super) in_flight_max: Mutex<HashMap<String, usize>>,
}

/// What one API saw under one idempotency key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: u32,
    pub(super) applied: u32,
    /// Requests that came after one was accepted with a whole answer.
    pub(super) after_success: u32,
    accepted: bool,
}

impl World {
    pub(super) fn new(seed: u64, faults: u64) -> Self {
        let (seen, in_flight, in_flight_max) =
            (Mutex::default(), Mutex::default(), Mutex::default());
        Self { seed, faults, seen, in_flight, in_flight_max }
    }

    /// A function of seed, key and count only: the order in which requests come changes nothing.
    fn act(&self, key: &str, count: u32) -> Act {
        let mut rng = fastrand::Rng::with_seed(hash(self.seed, key, count));
        if rng.u64(0..100) >= self.faults {
            return if rng.u8(0..4) == 0 { Act::AcceptSlowly } else { Act::Accept };
        }
        match rng.u8(0..14) {
            0 => Act::Refuse,
            1 => Act::ResetBefore,
            2 => Act::ResetApplied,
            3 => Act::ResetNotApplied,
            4 => Act::HangApplied,
            5 => Act::HangNotApplied,
            6 => Act::Status(503),
            7 => Act::RetryAfter(503),
            8 => Act::RetryAfter(429),
            9 => Act::Status(400),
            10 => Act::Status(410),
            11 => Act::ErrorApplied,
            12 => Act::AcceptCut,
            _ => Act::Status(401),
        }
    }

    fn note(&self, key: &str, act: Act) {
        let mut seen = self.seen.lock().unwrap();
        let seen = seen.entry(key.to_owned()).or_default();
        seen.requests += 1;
        seen.after_success += u32::from(seen.accepted);
        match act {
            Act::Accept | Act::AcceptSlowly | Act::AcceptCut => seen.applied += 1,
            Act::ResetApplied | Act::HangApplied | Act::ErrorApplied => seen.applied += 1,
            Act::Refuse | Act::ResetBefore | Act::ResetNotApplied | Act::HangNotApplied => {}
            Act::Status(_) | Act::RetryAfter(_) => {}
        }
    }

    fn count(&self, key: &str) -> u32 {
        self.seen.lock().unwrap().get(key).map_or(0, |seen| seen.requests)
    }

    fn enter(&self, host: &str) -> Leave {
        let now = self.in_flight.lock().unwrap().entry(host.to_owned()).or_default().clone();
        let count = now.fetch_add(1, Ordering::Relaxed) + 1;
        let mut max = self.in_flight_max.lock().unwrap();
        let max = max.entry(host.to_owned()).or_default();
        *max = count.max(*max);
        Leave(now)
    }
}

struct Leave(Arc<AtomicUsize>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Transport for World {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let host = exchange.request.uri().host().unwrap().to_owned();
        let key = exchange.request.headers()["idempotency-key"].to_str().unwrap().to_owned();
        let key = format!("{host} {key}");
        let _leave = self.enter(&host);
        let count = self.count(&key);
        let act = self.act(&key, count);
        let mut rng = fastrand::Rng::with_seed(hash(self.seed, &key, count + 1_000));
        let millis = rng.u64(1..40);
        self.note(&key, act);
        let fault = |kind, effect| Err(SendError::new(kind, Meaning::Retry, effect));
        if matches!(act, Act::Refuse | Act::ResetBefore) {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            return fault(SendErrorKind::Connect, Effect::None);
        }
        exchange.progress.sending();
        match act {
            Act::HangApplied | Act::HangNotApplied => std::future::pending::<()>().await,
            Act::AcceptSlowly => tokio::time::sleep(Duration::from_millis(millis * 20)).await,
            _ => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
        let (status, headers) = match act {
            Act::ResetApplied | Act::ResetNotApplied => {
                return fault(SendErrorKind::Reset, Effect::Unknown);
            }
            Act::Status(status) => (status, HeaderMap::new()),
            Act::RetryAfter(status) => (status, retry_after(rng.u64(0..3))),
            Act::ErrorApplied => (500, HeaderMap::new()),
            _ => (200, HeaderMap::new()),
        };
        exchange.progress.replied(status);
        if act == Act::AcceptCut {
            return Ok(Reply {
                head: ReplyHead::http(status, headers),
                body: ReplyBody::truncated("{\"i"),
            });
        }
        if status == 200 {
            self.seen.lock().unwrap().entry(key).or_default().accepted = true;
        }
        Ok(Reply::http(status, headers, "{}"))
    }
}

fn retry_after(secs: u64) -> HeaderMap {
    let value = HeaderValue::from(secs);
    [(http::header::RETRY_AFTER, value)].into_iter().collect()
}

/// The same on every machine and in every process.
pub(super) fn hash(seed: u64, text: &str, count: u32) -> u64 {
    let mut state = seed ^ 0xCBF2_9CE4_8422_2325;
    for byte in text.bytes().chain(count.to_le_bytes()) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state ^ (state >> 29)
}

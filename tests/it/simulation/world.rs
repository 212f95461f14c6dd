//! The world outside: what each API does with each request, and what it really did.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, SystemTime},
};

use fanfare::engine::Clock;
use fanfare_sdk::{
    Effect, Exchange, Meaning, Reply, ReplyBody, ReplyHead, SendError, SendErrorKind, Timestamp,
    Transport, async_trait,
};
use http::{HeaderMap, HeaderValue};

/// Bytes of a reply that is longer than anybody wants it.
static HUGE: [u8; 1 << 20] = [b'x'; 1 << 20];

/// Statuses that no API should give.
const ODD_STATUSES: [u16; 8] = [0, 42, 100, 204, 299, 306, 799, 65_535];

/// Values of `Retry-After` that say nothing, or too much.
const ODD_WAITS: [&str; 6] = ["soon", "-5", "", "1.5", "18446744073709551616", "1, 2"];

/// What an API does with one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Accept,
    AcceptSlowly,
    AcceptCut,
    /// The head comes, and then the body byte by byte, for ever.
    AcceptTrickle,
    AcceptHuge,
    Refuse,
    ResetBefore,
    ResetApplied,
    ResetNotApplied,
    HangApplied,
    HangNotApplied,
    Status(u16),
    RetryAfter(u16),
    /// `Retry-After` as a date, by a clock that is wrong.
    RetryAt(u16),
    RefuseTrickle,
    Odd(u16),
    ErrorApplied,
}

/// For some time an API does the same with all requests.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    pub(super) target: String,
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) act: Act,
}

/// All APIs, and the truth about what they did.
pub(super) struct World {
    seed: u64,
    /// Out of a hundred requests, how many meet a fault.
    faults: u64,
    clock: Clock,
    begun: Timestamp,
    outages: Vec<Outage>,
    diary: Arc<Mutex<Diary>>,
}

/// What all APIs saw.
#[derive(Debug, Default)]
pub(super) struct Diary {
    /// By target and idempotency key.
    pub(super) seen: HashMap<(String, String), Seen>,
    pub(super) in_flight_max: HashMap<String, usize>,
    /// Every request, in order.
    pub(super) requests: Vec<Request>,
    in_flight: HashMap<String, usize>,
}

/// What one API saw under one idempotency key.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: u32,
    pub(super) applied: u32,
}

/// One request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) key: String,
    pub(super) at: Timestamp,
    pub(super) act: Act,
}

impl Act {
    /// Whether the API acts on what it was asked for.
    fn applies(self) -> bool {
        match self {
            Self::Accept | Self::AcceptSlowly | Self::AcceptCut => true,
            Self::AcceptTrickle | Self::AcceptHuge | Self::ErrorApplied => true,
            Self::ResetApplied | Self::HangApplied => true,
            Self::Odd(status) => (200..300).contains(&status),
            Self::Refuse | Self::ResetBefore | Self::ResetNotApplied | Self::HangNotApplied => {
                false
            }
            Self::Status(_) | Self::RetryAfter(_) | Self::RetryAt(_) | Self::RefuseTrickle => false,
        }
    }

    fn fault(rng: &mut fastrand::Rng) -> Self {
        match rng.u8(0..20) {
            0 => Self::Refuse,
            1 => Self::ResetBefore,
            2 => Self::ResetApplied,
            3 => Self::ResetNotApplied,
            4 => Self::HangApplied,
            5 => Self::HangNotApplied,
            6 => Self::Status(503),
            7 => Self::RetryAfter(503),
            8 => Self::RetryAfter(429),
            9 => Self::Status(400),
            10 => Self::Status(410),
            11 => Self::ErrorApplied,
            12 => Self::AcceptCut,
            13 => Self::AcceptTrickle,
            14 => Self::AcceptHuge,
            15 => Self::RefuseTrickle,
            16 => Self::RetryAt(503),
            17 => Self::Odd(ODD_STATUSES[rng.usize(0..ODD_STATUSES.len())]),
            // It asks not to be called again: rare, since nothing comes after it.
            18 if rng.u8(0..8) == 0 => Self::Status(423),
            _ => Self::Status(401),
        }
    }
}

impl World {
    pub(super) fn new(seed: u64, faults: u64, clock: Clock, outages: Vec<Outage>) -> Self {
        Self { seed, faults, clock, begun: clock.now(), outages, diary: Arc::default() }
    }

    /// When it began.
    pub(super) fn begun(&self) -> Timestamp {
        self.begun
    }

    pub(super) fn diary(&self) -> MutexGuard<'_, Diary> {
        self.diary.lock().unwrap()
    }

    /// A function of seed, key, count and time only: the order in which requests come changes nothing.
    fn act(&self, (host, key): &(String, String), count: u32) -> Act {
        let after = self.clock.now().since(self.begun);
        let now = |it: &&Outage| it.target == *host && (it.from..it.to).contains(&after);
        if let Some(outage) = self.outages.iter().find(now) {
            return outage.act;
        }
        let mut rng = fastrand::Rng::with_seed(hash(self.seed, &format!("{host} {key}"), count));
        if rng.u64(0..100) >= self.faults {
            return if rng.u8(0..4) == 0 { Act::AcceptSlowly } else { Act::Accept };
        }
        Act::fault(&mut rng)
    }

    /// A request has come: what is done with it, how often its key was seen before, and its end.
    fn enter(&self, place: &(String, String)) -> (Act, u32, Leave) {
        let count = self.diary().seen.get(place).map_or(0, |seen| seen.requests);
        let act = self.act(place, count);
        let (target, key) = place.clone();
        let mut diary = self.diary();
        let seen = diary.seen.entry(place.clone()).or_default();
        seen.requests += 1;
        seen.applied += u32::from(act.applies());
        let now = diary.in_flight.entry(target.clone()).or_default();
        *now += 1;
        let now = *now;
        let most = diary.in_flight_max.entry(target.clone()).or_default();
        *most = now.max(*most);
        let at = self.clock.now();
        diary.requests.push(Request { target: target.clone(), key, at, act });
        (act, count, Leave { target, diary: self.diary.clone() })
    }
}

struct Leave {
    target: String,
    diary: Arc<Mutex<Diary>>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(count) = self.diary.lock().unwrap().in_flight.get_mut(&self.target) {
            *count -= 1;
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for World {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let host = exchange.request.uri().host().unwrap().to_owned();
        let key = exchange.request.headers()["idempotency-key"].to_str().unwrap().to_owned();
        let place = (host, key);
        let (act, count, _leave) = self.enter(&place);
        let text = format!("{} {}", place.0, place.1);
        let mut rng = fastrand::Rng::with_seed(hash(self.seed, &text, count + 1_000));
        let millis = rng.u64(1..40);
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
            Act::RetryAfter(status) => (status, retry_after(&rng.u64(0..3).to_string())),
            Act::RetryAt(status) => (status, retry_after(&wrong_date(&mut rng, self.clock.now()))),
            Act::Odd(status) => (status, retry_after(ODD_WAITS[rng.usize(0..ODD_WAITS.len())])),
            Act::RefuseTrickle => (503, HeaderMap::new()),
            Act::ErrorApplied => (500, HeaderMap::new()),
            _ => (200, HeaderMap::new()),
        };
        exchange.progress.replied(status);
        let body = match act {
            Act::AcceptTrickle | Act::RefuseTrickle => {
                // A byte now and then, so that no pause between two of them is long.
                loop {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Act::AcceptCut => ReplyBody::truncated("{\"i"),
            Act::AcceptHuge => ReplyBody::whole(&HUGE[..]),
            _ => ReplyBody::whole("{}"),
        };
        Ok(Reply { head: ReplyHead::http(status, headers), body })
    }
}

fn retry_after(value: &str) -> HeaderMap {
    let value = HeaderValue::from_str(value).unwrap();
    [(http::header::RETRY_AFTER, value)].into_iter().collect()
}

/// A date within some days before or after now.
fn wrong_date(rng: &mut fastrand::Rng, now: Timestamp) -> String {
    let secs = u64::try_from(now.as_micros() / 1_000_000).unwrap();
    let secs = secs + rng.u64(0..200_000) - 100_000;
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(secs))
}

/// The same on every machine and in every process.
pub(super) fn hash(seed: u64, text: &str, count: u32) -> u64 {
    let mut state = seed ^ 0xCBF2_9CE4_8422_2325;
    for byte in text.bytes().chain(count.to_le_bytes()) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    state ^ (state >> 29)
}

//! The exchanges of one attempt: what really went over the wire, and when.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use fanfare_sdk::{Reply, SendError, SendErrorKind, Timestamp, UrlTemplate};
use http::{Method, Uri, Version};

/// The exchanges of one attempt, as they happen. Outlives the attempt's own future.
pub struct Exchanges {
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    log: Mutex<Vec<ExchangeRecord>>,
}

/// One request, as it goes out.
#[derive(Clone)]
pub struct Sent {
    /// Its span: the one that its `traceparent` names.
    pub span_id: [u8; 8],
    /// Its method.
    pub method: Method,
    /// Where it goes, without what the authorizers have added.
    pub url: Uri,
    /// What its path and query were made of.
    pub template: Option<UrlTemplate>,
    /// Redirects that have led to it.
    pub redirects: u16,
}

/// One request on the wire, and what became of it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ExchangeRecord {
    /// The request.
    pub sent: Sent,
    /// When it began.
    pub at: Timestamp,
    /// How it ended; none where it was cut short.
    pub ended: Option<ExchangeEnd>,
}

/// How an exchange ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ExchangeEnd {
    /// When.
    pub at: Timestamp,
    /// The HTTP status, or why there is none.
    pub status: Result<Option<u16>, SendErrorKind>,
    /// The version of HTTP, where it is known.
    pub version: Option<Version>,
}

impl Exchanges {
    /// None yet; times are read from `now`.
    #[must_use]
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Box::new(now), log: Mutex::default() }
    }

    /// A request goes out. Gives its place.
    pub fn begin(&self, sent: Sent) -> usize {
        let record = ExchangeRecord { sent, at: (self.now)(), ended: None };
        let mut log = self.log();
        log.push(record);
        log.len() - 1
    }

    /// The one at that place has ended.
    pub fn end(&self, place: usize, replied: Result<&Reply, &SendError>) {
        let ended = ExchangeEnd {
            at: (self.now)(),
            status: replied.map(|reply| reply.head.status).map_err(|error| error.kind),
            version: replied.ok().and_then(|reply| reply.head.version),
        };
        if let Some(record) = self.log().get_mut(place) {
            record.ended = Some(ended);
        }
    }

    /// Those so far, oldest first. They are gone from here.
    #[must_use]
    pub fn take(&self) -> Vec<ExchangeRecord> {
        std::mem::take(&mut self.log())
    }

    fn log(&self) -> MutexGuard<'_, Vec<ExchangeRecord>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Exchanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchanges").field(&*self.log()).finish()
    }
}

impl fmt::Debug for Sent {
    /// Of the URL the host only: path and query may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url.host().unwrap_or(""))
    }
}

impl fmt::Debug for ExchangeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExchangeRecord({:?}, {:?})", self.sent, self.ended)
    }
}

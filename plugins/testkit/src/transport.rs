//! The network of a test: no sockets, and time is tokio's, paused or not.

use std::{
    fmt, future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use fanfare_sdk::{
    Capture, Exchange, Meaning, Progress, Reply, ReplyBody, ReplyHead, SendError, SendErrorKind,
    Transport, Wire,
};
use http::Request;
use tokio::time::sleep;

use crate::{
    Received, Script, Scripted,
    received::Log,
    script::{CannedReply, Ending, Player},
};

/// A transport that plays scripts. It sets the progress of an exchange exactly as a real one would, and keeps
/// every request that it was given, also those whose connection it refuses.
pub struct ScriptedTransport {
    answer: Box<Answer>,
    log: Log,
    in_flight: AtomicUsize,
}

type Answer = dyn Fn(&Request<Bytes>) -> Scripted + Send + Sync;

/// Counts an exchange for as long as its future lives.
struct InFlight<'a>(&'a AtomicUsize);

// === impl ScriptedTransport ===

impl ScriptedTransport {
    /// Asks the function what becomes of each exchange: the most general way.
    #[must_use]
    pub fn new(answer: impl Fn(&Request<Bytes>) -> Scripted + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), log: Log::begin(), in_flight: AtomicUsize::new(0) }
    }

    /// One script for everything.
    #[must_use]
    pub fn playing(script: impl Into<Script>) -> Self {
        Self::by(Player::of(script.into()))
    }

    /// A script for each path (`/hook`) or host (`crm.example`); the first that fits is played. What fits none
    /// is answered 501.
    #[must_use]
    pub fn routes<K: Into<String>, S: Into<Script>>(
        routes: impl IntoIterator<Item = (K, S)>,
    ) -> Self {
        Self::by(Player::routes(routes))
    }

    /// A way out through it, with progress of its own.
    #[must_use]
    pub fn wire(self: &Arc<Self>) -> Wire {
        Wire::new(Arc::<Self>::clone(self))
    }

    /// Every request so far, in the order in which they came.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.log.all()
    }

    /// How many requests have come so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.log.count()
    }

    /// Waits until that many requests have come, and gives them all.
    pub async fn at_least(&self, requests: usize) -> Vec<Received> {
        self.log.at_least(requests).await
    }

    /// How many exchanges are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    fn by(player: Player) -> Self {
        Self::new(move |request| {
            player.next(request.uri().host().unwrap_or(""), request.uri().path())
        })
    }
}

#[async_trait]
impl Transport for ScriptedTransport {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let Exchange { request, progress, capture, .. } = exchange;
        let Scripted { after, ending } = (self.answer)(&request);
        let (head, body) = request.into_parts();
        self.log.keep((head.method, head.uri), head.headers, body);
        let _counted = InFlight::one(&self.in_flight);

        if !matches!(ending, Ending::Refused | Ending::ResetBefore) {
            progress.sending();
        }
        if !after.is_zero() {
            sleep(after).await;
        }
        match ending {
            Ending::Refused => Err(broken(SendErrorKind::Connect, &progress)),
            Ending::ResetBefore | Ending::ResetAfter => {
                Err(broken(SendErrorKind::Reset, &progress))
            }
            Ending::Garbage => Err(broken(SendErrorKind::Protocol, &progress)),
            Ending::Hang => future::pending().await,
            Ending::Reply(canned) => Ok(reply(canned, &progress, capture).await),
        }
    }
}

async fn reply(canned: CannedReply, progress: &Progress, capture: Capture) -> Reply {
    progress.replied(canned.status);
    let body = match capture {
        Capture::Head => ReplyBody::default(),
        Capture::Whole { bytes_max } => {
            let time = canned.body_time();
            if !time.is_zero() {
                sleep(time).await;
            }
            if canned.cut || canned.body.len() > bytes_max {
                ReplyBody::truncated(canned.body.slice(..canned.body.len().min(bytes_max)))
            } else {
                ReplyBody::whole(canned.body)
            }
        }
    };
    Reply { head: ReplyHead::http(canned.status, canned.headers), body }
}

/// Whether the API may have acted is what the attempt's progress says, over all of its exchanges.
fn broken(kind: SendErrorKind, progress: &Progress) -> SendError {
    SendError::new(kind, Meaning::Retry, progress.effect())
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport")
            .field("count", &self.count())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

// === impl InFlight ===

impl<'a> InFlight<'a> {
    fn one(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

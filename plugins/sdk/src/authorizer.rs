//! Who we are, proved to an API.

use std::{error::Error as StdError, fmt, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Call, Ready, ReplyHead, Timestamp};

/// The pause after the first failure in a row; doubled up to the other one.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Which token, nonce or key generation an exchange was made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp(pub u64);

/// The head of a reply, and what was asked.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Learn<'a> {
    /// What the authorizer was ready with.
    pub stamp: Stamp,
    /// The attempt.
    pub call: &'a Call,
    /// The URL of the request, as it came to the authorizers.
    pub url: &'a http::Uri,
    /// The head of the reply.
    pub head: &'a ReplyHead,
}

/// What a reply taught the authorizer. Ordered by weight: of several, the heaviest counts.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Learned {
    /// Nothing.
    #[default]
    Nothing,
    /// A wish: another try, with what was learned, may be let in. The engine grants it a limited number of times.
    TryAgain,
    /// No other try will be let in.
    Hopeless,
}

/// There is no proof to give.
#[derive(Debug, thiserror::Error)]
#[error("not authorised ({code})")]
#[non_exhaustive]
pub struct AuthError {
    /// Why, in one of few words. Stands in reports and logs.
    pub code: &'static str,
    /// Whether somebody has to change something first.
    pub permanent: bool,
    /// When it makes sense to ask again; after a pause that grows unless set.
    pub not_before: Option<Timestamp>,
    /// The cause. Never printed with a secret in it.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// Proves who we are. Never sends the delivery's own request, so it cannot repeat it. A target has a list of
/// them, in order.
#[async_trait]
pub trait Authorizer: fmt::Debug + Send + Sync + 'static {
    /// Has what it takes, fetching it if need be (one flight for all). Awaited before permit, token and attempt
    /// timeout, and with a time limit of its own.
    ///
    /// # Errors
    /// When there is no proof to give, now or ever. An error that is not permanent costs the delivery no attempt: it
    /// is asked again after a pause.
    ///
    /// # Cancel safety
    /// Dropped when it takes too long, or when whoever has asked goes away: whoever is asked next must not find anything
    /// half done. What must come to its end, as a request that spends something does, is [detached](Ready::detach).
    async fn ready(&self, _ready: Ready) -> Result<Stamp, AuthError> {
        Ok(Stamp::default())
    }

    /// Whether what it was ready with still holds. A delivery may have stood before the gate for long: where it does not,
    /// `ready` is asked again.
    fn is_ready(&self, _stamp: Stamp, _now: Timestamp) -> bool {
        true
    }

    /// Puts the proof on the final request: last to touch it, body included.
    /// Its URL is byte for byte what goes on the wire, `host` included; what is added to the URL has to be
    /// percent-encoded.
    ///
    /// # Errors
    /// When there is no proof to give.
    async fn authorize(
        &self,
        stamp: Stamp,
        call: &Call,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), AuthError>;

    /// Whether [`Authorizer::ready`] asks somebody for the proof. A dry run asks nobody, and shows `Bearer ***` instead.
    fn fetches(&self) -> bool {
        false
    }

    /// Sees the head of every reply, and what was asked: 401 challenges, `DPoP-Nonce`, `nextnonce`, clock skew. Many requests
    /// may be under way at once, to several servers: what was learned belongs to that one.
    fn learn(&self, _it: &Learn<'_>) -> Learned {
        Learned::Nothing
    }
}

// === impl Learn ===

impl<'a> Learn<'a> {
    /// The head of a reply to a request with that URL.
    #[must_use]
    pub fn new((stamp, call): (Stamp, &'a Call), url: &'a http::Uri, head: &'a ReplyHead) -> Self {
        Self { stamp, call, url, head }
    }
}

impl fmt::Debug for Learn<'_> {
    /// Without the URL and headers: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Learn({:?}, {:?})", self.stamp, self.head.status)
    }
}

// === impl AuthError ===

impl AuthError {
    /// Somebody has to change something first.
    #[must_use]
    pub fn permanent(code: &'static str) -> Self {
        Self { code, permanent: true, not_before: None, source: None }
    }

    /// It may pass.
    #[must_use]
    pub fn temporary(code: &'static str) -> Self {
        Self { code, permanent: false, not_before: None, source: None }
    }

    /// There is no use in asking again before that time.
    #[must_use]
    pub fn not_before(mut self, at: Timestamp) -> Self {
        self.not_before = Some(at);
        self
    }

    /// How long nobody asks again after so many failures in a row, where nobody says more: 200 ms, doubled up to 30 s, which
    /// is what a token endpoint that comes back is waited for at most.
    #[must_use]
    pub fn pause(failures: u32) -> Duration {
        let doubled = PAUSE.0.saturating_mul(1 << failures.saturating_sub(1).min(16));
        doubled.min(PAUSE.1)
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }
}

//! Who we are, proved to an API.

use std::{error::Error as StdError, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Call, ReplyHead, Timestamp, Wire};

/// Which token, nonce or key generation an exchange was made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stamp(pub u64);

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
    /// When it makes sense to ask again.
    pub not_before: Option<Timestamp>,
    /// The cause. Never printed with a secret in it.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What an authorizer may use to become ready. Owned, so that an `async fn` with it needs no lifetime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ready {
    /// The time.
    pub now: Timestamp,
    /// Chance: another one for each asking.
    pub nonce: [u8; 16],
    /// The way out of the target, without what its authorizers add to a request.
    pub wire: Wire,
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
    /// Dropped when it takes too long: whoever is asked next must not find anything half done.
    async fn ready(&self, _ready: Ready) -> Result<Stamp, AuthError> {
        Ok(Stamp::default())
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

    /// Sees every reply head: 401 challenges, `DPoP-Nonce`, `nextnonce`, clock skew.
    fn learn(&self, _stamp: Stamp, _head: &ReplyHead) -> Learned {
        Learned::Nothing
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

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }
}

// === impl Ready ===

impl Ready {
    /// What an authorizer may use.
    #[must_use]
    pub fn new(now: Timestamp, nonce: [u8; 16], wire: Wire) -> Self {
        Self { now, nonce, wire }
    }
}

//! Who we are, proved to an API.

use std::{error::Error as StdError, fmt};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Call, ReplyHead, Timestamp};

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
#[error("not authorised")]
pub struct AuthError {
    /// Whether somebody has to change something first.
    pub permanent: bool,
    /// When it makes sense to ask again.
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
    /// timeout.
    ///
    /// # Errors
    /// When there is no proof to give, now or ever.
    async fn ready(&self, _now: Timestamp) -> Result<Stamp, AuthError> {
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

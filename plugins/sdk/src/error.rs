//! An attempt that brought no reply.

use std::{error::Error as StdError, fmt};

use serde::{Deserialize, Serialize};

use crate::{Classification, Effect, Meaning};

/// The attempt brought no reply. Its author says what is known; the engine says the rest.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct SendError {
    /// What went wrong, in one of few words.
    pub kind: SendErrorKind,
    /// What that means for the delivery.
    pub classification: Classification,
    /// The cause. Never printed with a URL or a header in it.
    #[source]
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong. Stable: stands in reports and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SendErrorKind {
    /// The request could not be built.
    Prepare,
    /// The address may not be called.
    Address,
    /// The host's name has no address.
    Dns,
    /// No connection.
    Connect,
    /// No TLS session.
    Tls,
    /// The connection broke.
    Reset,
    /// Too slow.
    Timeout,
    /// Aborted by the engine.
    Aborted,
    /// The authorizer has no proof to give.
    Auth,
    /// The peer broke its protocol.
    Protocol,
    /// Over a limit of size or number.
    TooLarge,
    /// The target cannot do that.
    Unsupported,
    /// The plugin panicked.
    Panicked,
    /// Something else.
    Other,
}

/// The request could not be built. Permanent: the same call builds the same request.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot prepare the request: {0}")]
pub struct PrepareError(pub String);

// === impl SendError ===

impl SendError {
    /// What is known without a cause.
    #[must_use]
    pub fn new(kind: SendErrorKind, meaning: Meaning, effect: Effect) -> Self {
        Self { kind, classification: Classification::new(meaning, effect), source: None }
    }

    /// Another attempt would end in the same way, and nothing was sent.
    #[must_use]
    pub fn permanent(kind: SendErrorKind) -> Self {
        Self::new(kind, Meaning::Permanent, Effect::None)
    }

    /// With its cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }
}

impl From<PrepareError> for SendError {
    fn from(PrepareError(says): PrepareError) -> Self {
        // That it could not be prepared the kind says already.
        Self::permanent(SendErrorKind::Prepare).because(says)
    }
}

// === impl SendErrorKind ===

impl SendErrorKind {
    /// The code in reports and in `error.type`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Address => "address",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Aborted => "aborted",
            Self::Auth => "auth",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::Panicked => "panicked",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for SendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "the request could not be prepared",
            Self::Address => "the address may not be called",
            Self::Dns => "the host's name has no address",
            Self::Connect => "no connection",
            Self::Tls => "no TLS session",
            Self::Reset => "the connection broke",
            Self::Timeout => "no answer in time",
            Self::Aborted => "aborted",
            Self::Auth => "no proof of who we are",
            Self::Protocol => "the peer broke its protocol",
            Self::TooLarge => "over a limit",
            Self::Unsupported => "not supported by this target",
            Self::Panicked => "the plugin panicked",
            Self::Other => "the attempt failed",
        })
    }
}

//! What can happen to a delivery.

use std::{collections::BTreeMap, fmt, sync::Arc};

use bytes::Bytes;
use fanfare_sdk::{
    Effect, Endpoint, IdempotencyKey, Learned, Meaning, RetryAfter, SendErrorKind, TargetName,
    Timestamp, Version,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CancelledBy, FellBack, Notice, Reason, Said, Why, headers, hex};

/// One process's life. A start of an older boot without an end is lost; one of this boot is in flight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boot(pub u64);

/// How an API is reached. Known by names, never by places in a list: configuration changes while deliveries wait.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Way {
    /// The target that serves.
    pub target: TargetName,
    /// The endpoint that is called.
    pub endpoint: Option<Endpoint>,
    /// The version that is spoken.
    pub version: Option<Version>,
}

/// What an attempt counts as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first on its way.
    First,
    /// Again on the same way, after a failure.
    Retry,
    /// Again on the same way, since the authorizer has learned something.
    Challenge,
    /// Beside one that is in flight and slow.
    Hedge,
}

/// Why an attempt was made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The preferred way.
    FirstWay,
    /// The attempt before it failed, and a repeat may help.
    Failure,
    /// The attempt before it was throttled.
    Throttled,
    /// The attempt before it was lost with its process.
    Lost,
    /// The API asked for another proof.
    Challenge,
    /// The attempt before it is slow.
    Slow,
    /// The version before it was rejected.
    VersionRejected,
    /// The version before it had failed.
    VersionFailed,
    /// The endpoint before it had failed, or its breaker was open.
    EndpointFailed,
    /// The target before it had failed, or its breaker was open.
    TargetFailed,
}

/// All that can happen to a delivery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An attempt began.
    Started(Started),
    /// An attempt ended. The first end of an attempt is the one that counts.
    Ended(Ended),
    /// The process died during an attempt; written by whoever takes over. Effect unknown.
    Lost {
        /// The attempt.
        attempt: u32,
        /// When that was found out.
        at: Timestamp,
    },
    /// Somebody wants it to end.
    CancelAsked {
        /// Who.
        by: CancelledBy,
        /// When.
        at: Timestamp,
    },
    /// A fallback was taken, or none was left; written where there is something to say of the others.
    FellBack(FellBack),
    /// Another target stands in from here on.
    Moved {
        /// The stand-in.
        to: TargetName,
        /// What the one before it failed of.
        because: Reason,
        /// When.
        at: Timestamp,
    },
}

/// The beginning of an attempt, with all that was acted upon.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Started {
    /// Counts the attempts of a delivery, from 1.
    pub attempt: u32,
    /// How the API is reached.
    pub way: Way,
    /// What it counts as.
    pub kind: Kind,
    /// Why it was made.
    pub because: Because,
    /// The key that it carries.
    pub key: IdempotencyKey,
    /// Its span.
    #[serde(with = "hex")]
    pub span_id: [u8; 8],
    /// In which life of the process.
    pub boot: Boot,
    /// When the delivery itself was ready for it; what is between this and `at` was waited at the gate.
    pub due: Timestamp,
    /// What the gate held it back for.
    pub held: Option<Why>,
    /// When it began.
    pub at: Timestamp,
}

/// The end of an attempt.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The attempt.
    pub attempt: u32,
    /// What its reply, or its error, means.
    pub meaning: Meaning,
    /// Whether the API may have acted.
    pub effect: Effect,
    /// How long the API asks to be left alone.
    pub retry_after: Option<RetryAfter>,
    /// What the authorizers learned.
    pub learned: Learned,
    /// The HTTP status, where a reply came.
    pub status: Option<u16>,
    /// Why no reply came.
    pub error: Option<AttemptError>,
    /// What the API said about it, and which rule took it for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Arc<Said>>,
    /// The reply, where no other attempt can follow; others are not kept.
    pub reply: Option<Arc<CapturedReply>>,
    /// What the API announced about the version that was spoken.
    pub notice: Option<Arc<Notice>>,
    /// When it ended.
    pub at: Timestamp,
}

/// Why an attempt brought no reply.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptError {
    /// In one of few words.
    pub kind: SendErrorKind,
    /// The chain of causes, without URL and header.
    pub message: Arc<str>,
}

/// What was kept of a reply.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CapturedReply {
    /// The HTTP status; none for targets that are not HTTP.
    pub status: Option<u16>,
    /// The headers.
    #[serde(with = "headers")]
    pub headers: HeaderMap,
    /// The body, or its beginning. Not in the serialised form: bytes are kept beside it.
    #[serde(skip)]
    pub body: Bytes,
    /// Whether there was more, or should have been.
    pub truncated: bool,
    /// What the target's captures took out of it, by name.
    pub captured: BTreeMap<String, Value>,
}

// === impl Event ===

impl Event {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Started(started) => started.at,
            Self::Ended(ended) => ended.at,
            Self::FellBack(fell_back) => fell_back.at,
            Self::Lost { at, .. } | Self::CancelAsked { at, .. } | Self::Moved { at, .. } => *at,
        }
    }
}

// === impl Kind ===

impl Kind {
    /// The code in reports and spans.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Challenge => "challenge",
            Self::Hedge => "hedge",
        }
    }
}

// === impl Because ===

impl Because {
    /// The code in events.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FirstWay => "first_way",
            Self::Failure => "failure",
            Self::Throttled => "throttled",
            Self::Lost => "lost",
            Self::Challenge => "challenge",
            Self::Slow => "slow",
            Self::VersionRejected => "version_rejected",
            Self::VersionFailed => "version_failed",
            Self::EndpointFailed => "endpoint_failed",
            Self::TargetFailed => "target_failed",
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstWay => "first way",
            Self::Failure => "the attempt before it failed",
            Self::Throttled => "the attempt before it was throttled",
            Self::Lost => "the attempt before it was lost",
            Self::Challenge => "the API asked for another proof",
            Self::Slow => "the attempt before it is slow",
            Self::VersionRejected => "the version before it was rejected",
            Self::VersionFailed => "the version before it failed",
            Self::EndpointFailed => "the endpoint before it failed",
            Self::TargetFailed => "the target before it failed",
        })
    }
}

// === impl CapturedReply ===

impl fmt::Debug for CapturedReply {
    /// Without values of headers and the body: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CapturedReply({:?}, {} bytes)", self.status, self.body.len())
    }
}

//! Why a delivery took another way, which ways it passed over, and what stands in for a reply.

use std::{fmt, sync::Arc};

use fanfare_sdk::{Endpoint, TargetName, Timestamp};
use serde::{Deserialize, Serialize};

use super::{CapturedReply, Reason, Why};

/// A fallback was taken, or none was left: what of the list was passed over before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FellBack {
    /// What the way before it failed of.
    pub because: Reason,
    /// The fallbacks that were passed over, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<PassedOver>,
    /// The canned reply that stands in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Arc<CapturedReply>>,
    /// When the dead letter is sent again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_until: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// A fallback that was passed over, and why.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct PassedOver {
    /// The fallback.
    pub fallback: Substitute,
    /// Why it was not taken.
    pub because: Unfit,
}

/// What a delivery falls back to. Known by name, never by its place in a list.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Substitute {
    /// The next version.
    Version,
    /// Another endpoint of the same API.
    Endpoint(Endpoint),
    /// Another target.
    Target(TargetName),
    /// A canned reply.
    Reply,
    /// Later: a dead letter that is sent again by itself.
    Park,
}

/// Why a fallback was passed over. Stable: its code stands in reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// Its `on` does not name what went wrong.
    NotMeant,
    /// It does not help against what went wrong.
    NoHelp,
    /// An attempt may have been applied, and it is not known to be safe to repeat it there.
    Doubt,
    /// It was tried already.
    Tried,
    /// No version is left.
    NoneLeft,
    /// Its gate lets nothing through.
    Refused(Why),
    /// It could not be tried before the delivery expires.
    TooLate,
    /// It was parked as often as it may be.
    UsedUp,
}

// === impl FellBack ===

impl FellBack {
    /// Whether both say the same, whenever it was.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        (self.because, &self.passed, &self.reply) == (other.because, &other.passed, &other.reply)
    }
}

// === impl Substitute ===

impl Substitute {
    /// The code in reports.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Endpoint(_) => "endpoint",
            Self::Target(_) => "target",
            Self::Reply => "reply",
            Self::Park => "park",
        }
    }
}

// === impl Unfit ===

impl Unfit {
    /// The code in reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotMeant => "not_meant",
            Self::NoHelp => "no_help",
            Self::Doubt => "doubt",
            Self::Tried => "tried",
            Self::NoneLeft => "none_left",
            Self::Refused(why) => why.code(),
            Self::TooLate => "too_late",
            Self::UsedUp => "used_up",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMeant => "it is not meant for this failure",
            Self::NoHelp => "it does not help against this failure",
            Self::Doubt => {
                "something may have been applied, and a repeat there is not known to be safe"
            }
            Self::Tried => "it was tried already",
            Self::NoneLeft => "no version is left",
            Self::Refused(Why::Breaker) => "its breaker is open",
            Self::Refused(_) => "it lets nothing through",
            Self::TooLate => "it would come too late",
            Self::UsedUp => "it was parked as often as it may be",
        })
    }
}

//! How a delivery ended, and why.

use std::fmt;

use fanfare_sdk::SendErrorKind;
use serde::{Deserialize, Serialize};

/// How a delivery ended. Exhaustive on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accepted by the target that served.
    Delivered {
        /// The attempt that was accepted.
        attempt: u32,
    },
    /// Ended without success, certain that nothing was applied.
    Failed(Reason),
    /// Ended without success, and at least one attempt may have been applied.
    Indeterminate(Reason),
    /// A canned reply stood in.
    Substituted,
    /// Its time was over before it could be sent.
    Expired,
    /// Ended before it was sent, because somebody wanted it to.
    Cancelled(CancelledBy),
    /// A condition on the route left it out.
    Skipped,
}

/// Why a delivery ended without success. Stable: its code stands in reports and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The API refused it, and would refuse it again.
    Permanent,
    /// There was no request to send: the payload or the settings do not make one.
    Unsendable,
    /// No reply came, and none would: the next attempt would end in the same way.
    Error(SendErrorKind),
    /// All attempts were made.
    AttemptsUsedUp,
    /// It was throttled too often.
    ThrottledTooOften,
    /// Its time was over.
    TimeUsedUp,
    /// The proof of who we are was refused.
    Unauthorized,
    /// No version that the API speaks is left.
    VersionsUsedUp,
    /// The target asked not to be called again.
    TargetDisabled,
    /// Another attempt might have acted a second time.
    NotRepeatable,
    /// The gate let nothing through, and there was no point in waiting.
    Refused(Why),
    /// Somebody wanted it to end.
    Cancelled,
}

/// What a delivery waits for, or is refused for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The pause between two attempts.
    Backoff,
    /// The breaker is open.
    Breaker,
    /// The target asked to be left alone.
    Throttled,
    /// The rate limit.
    RateLimit,
    /// As many attempts as allowed are in flight.
    Concurrency,
    /// Too many attempts were repeats lately.
    RetryBudget,
    /// Another delivery with the same order key comes first.
    Order,
    /// An operator has paused the target.
    Paused,
    /// The target asked not to be called until somebody has looked at it.
    Disabled,
    /// There is no proof of who we are to give for now.
    Auth,
    /// Too many deliveries wait for the target.
    QueueFull,
    /// The target's actor has failed too often, or the target is gone.
    TargetFailed,
}

/// Who wanted it to end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// Whoever sent the broadcast.
    Caller,
    /// The verdict: nothing more can come of it.
    Verdict,
    /// The engine is shutting down.
    Shutdown,
}

// === impl Outcome ===

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Failed(_) => "failed",
            Self::Indeterminate(_) => "indeterminate",
            Self::Substituted => "substituted",
            Self::Expired => "expired",
            Self::Cancelled(_) => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// The code of the reason, or of whoever wanted it to end.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Failed(reason) | Self::Indeterminate(reason) => Some(reason.code()),
            Self::Cancelled(by) => Some(by.code()),
            Self::Delivered { .. } | Self::Substituted | Self::Expired | Self::Skipped => None,
        }
    }

    /// Whether it ended without success in a way that somebody may want to mend: it is kept for replay.
    #[must_use]
    pub const fn is_dead_letter(self) -> bool {
        match self {
            Self::Failed(_) | Self::Indeterminate(_) | Self::Substituted | Self::Expired => true,
            Self::Delivered { .. } | Self::Cancelled(_) | Self::Skipped => false,
        }
    }

    /// What it counts as in the tally: success, failure, or neither. A canned reply is a success where that is accepted.
    #[must_use]
    pub const fn counts(self, accept_substituted: bool) -> Option<bool> {
        match self {
            Self::Delivered { .. } => Some(true),
            Self::Substituted => Some(accept_substituted),
            Self::Skipped => None,
            Self::Failed(_) | Self::Indeterminate(_) | Self::Expired | Self::Cancelled(_) => {
                Some(false)
            }
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) | Self::Indeterminate(reason) => {
                write!(f, "{} ({reason})", self.code())
            }
            Self::Cancelled(by) => write!(f, "cancelled ({})", by.code()),
            Self::Delivered { .. } | Self::Substituted | Self::Expired | Self::Skipped => {
                f.write_str(self.code())
            }
        }
    }
}

// === impl Reason ===

impl Reason {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Unsendable => "unsendable",
            Self::Error(kind) => kind.code(),
            Self::AttemptsUsedUp => "attempts_used_up",
            Self::ThrottledTooOften => "throttled_too_often",
            Self::TimeUsedUp => "time_used_up",
            Self::Unauthorized => "unauthorized",
            Self::VersionsUsedUp => "versions_used_up",
            Self::TargetDisabled => "target_disabled",
            Self::NotRepeatable => "not_repeatable",
            Self::Refused(why) => why.code(),
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "refused by the API",
            Self::Unsendable => "there was nothing to send",
            Self::Error(kind) => return kind.fmt(f),
            Self::AttemptsUsedUp => "all attempts used up",
            Self::ThrottledTooOften => "throttled too often",
            Self::TimeUsedUp => "its time was over",
            Self::Unauthorized => "not authorised",
            Self::VersionsUsedUp => "no version left that the API speaks",
            Self::TargetDisabled => "the target asked not to be called again",
            Self::NotRepeatable => "a repeat is not known to be safe",
            Self::Refused(Why::QueueFull) => "the target's queue is full",
            Self::Refused(Why::Disabled) => "the target is disabled",
            Self::Refused(Why::TargetFailed) => "the target has failed or is gone",
            Self::Refused(Why::Breaker) => "the breaker is open",
            Self::Refused(Why::Auth) => "there was no proof of who we are to give",
            Self::Refused(_) => "the target lets nothing through",
            Self::Cancelled => "cancelled",
        })
    }
}

// === impl Why ===

impl Why {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Breaker => "breaker",
            Self::Throttled => "throttled",
            Self::RateLimit => "rate_limit",
            Self::Concurrency => "concurrency",
            Self::RetryBudget => "retry_budget",
            Self::Order => "order",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Auth => "auth",
            Self::QueueFull => "queue_full",
            Self::TargetFailed => "target_failed",
        }
    }
}

// === impl CancelledBy ===

impl CancelledBy {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Verdict => "verdict",
            Self::Shutdown => "shutdown",
        }
    }
}

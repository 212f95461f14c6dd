//! What the end of an attempt tells the gate.

use std::time::Duration;

use fanfare_sdk::{Meaning, RetryAfter, SendErrorKind, Timestamp};

use super::gate::{Feedback, Health, Pause, Said};
use crate::{
    report::Ended,
    sabotage::{self, Sabotage},
};

/// What the end of an attempt tells the gate: whether the endpoint is there and well, and until when the target
/// wants to be left alone. A pause is never longer than `pause_max`.
#[must_use]
pub fn feedback(ended: &Ended, pause_max: Duration) -> Feedback {
    if let Some(error) = &ended.error {
        return match error.kind {
            SendErrorKind::Prepare
            | SendErrorKind::Address
            | SendErrorKind::Auth
            | SendErrorKind::TooLarge
            | SendErrorKind::Unsupported => Feedback::NotSent,
            SendErrorKind::Aborted => Feedback::Abandoned,
            SendErrorKind::Timeout => Feedback::TimedOut,
            _ => Feedback::NoReply,
        };
    }
    let asks = match ended.meaning {
        _ if sabotage::is(Sabotage::RetryAfterIgnored) => None,
        // A success may have used up the quota.
        Meaning::Throttled | Meaning::Retry | Meaning::Success => ended.retry_after,
        Meaning::Unauthorized
        | Meaning::VersionRejected
        | Meaning::TargetDisabled
        | Meaning::Permanent => None,
    };
    let health = match ended.meaning {
        Meaning::Retry => Health::Ill,
        Meaning::Throttled => Health::Unknown,
        Meaning::Success
        | Meaning::Unauthorized
        | Meaning::VersionRejected
        | Meaning::TargetDisabled
        | Meaning::Permanent => Health::Well,
    };
    let said = match ended.meaning {
        Meaning::Success => Said::VersionAccepted,
        Meaning::VersionRejected => Said::VersionRejected,
        Meaning::TargetDisabled => Said::Disabled,
        Meaning::Retry | Meaning::Throttled | Meaning::Unauthorized | Meaning::Permanent => {
            Said::Nothing
        }
    };
    let pause = match asks {
        Some(asked) => Pause::Until(until(asked, ended.at, pause_max)),
        None if ended.meaning == Meaning::Throttled => Pause::Unsaid,
        None => Pause::None,
    };
    Feedback::Replied { health, pause, said }
}

fn until(asked: RetryAfter, from: Timestamp, pause_max: Duration) -> Timestamp {
    let until = match asked {
        RetryAfter::For(wait) => from.after(wait),
        RetryAfter::At(at) => at,
    };
    until.min(from.after(pause_max))
}

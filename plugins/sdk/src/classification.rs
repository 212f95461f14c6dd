//! What one reply, or one error, means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Call, Reply, Timestamp, quota_used_up, retry_after::retry_after};

/// May the API have acted? The one fact from which `failed` and `indeterminate` are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Certain that it has not.
    None,
    /// Certain that it has.
    Applied,
    /// It may have.
    Unknown,
}

/// What one reply, or one error, means for the delivery. Exhaustive on purpose.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// Accepted.
    Success,
    /// Not this time; another attempt may succeed.
    Retry,
    /// Too much at once: the whole target is to be left alone for a while. Spends no attempt.
    Throttled,
    /// The proof of who we are was refused.
    Unauthorized,
    /// The API does not speak this version (any more).
    VersionRejected,
    /// The target asks not to be called again until somebody has looked at it.
    TargetDisabled,
    /// Another attempt would be answered in the same way.
    Permanent,
}

/// How long the API asks to be left alone. A minimum, which the engine caps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// Counted from the moment the reply came.
    For(Duration),
    /// A point in time, by the API's clock.
    At(Timestamp),
}

/// What one reply, or one error, means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Classification {
    /// What follows for the delivery.
    pub meaning: Meaning,
    /// Whether the API may have acted.
    pub effect: Effect,
    /// How long it asks to be left alone.
    pub retry_after: Option<RetryAfter>,
}

impl Effect {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Applied => "applied",
            Self::Unknown => "unknown",
        }
    }
}

impl Meaning {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Retry => "retry",
            Self::Throttled => "throttled",
            Self::Unauthorized => "unauthorized",
            Self::VersionRejected => "version_rejected",
            Self::TargetDisabled => "target_disabled",
            Self::Permanent => "permanent",
        }
    }
}

impl Classification {
    /// Without a `Retry-After`.
    #[must_use]
    pub const fn new(meaning: Meaning, effect: Effect) -> Self {
        Self { meaning, effect, retry_after: None }
    }

    /// The default table. A reply without a status came from a target that is not HTTP, and meant accepted.
    ///
    /// A 406, 410, 415 or 426 is a rejected version where the call named a version; a 404 only where another one
    /// can still be tried. A 413 is temporary where it says for how long (RFC 9110 section 15.5.14).
    #[must_use]
    pub fn by_status(call: &Call, reply: &Reply) -> Self {
        let headers = &reply.head.headers;
        let (meaning, effect) = match reply.head.status {
            None | Some(200..=299) => (Meaning::Success, Effect::Applied),
            Some(401) => (Meaning::Unauthorized, Effect::None),
            Some(status) if call.version.is_some() && rejects_version(status, call) => {
                (Meaning::VersionRejected, Effect::None)
            }
            Some(429) => (Meaning::Throttled, Effect::None),
            // It points to the result of what was asked (RFC 9110 section 15.4.4).
            Some(303) => (Meaning::Permanent, Effect::Unknown),
            Some(421 | 425 | 503) => (Meaning::Retry, Effect::None),
            Some(413) if retry_after(headers).is_some() => (Meaning::Retry, Effect::None),
            Some(408 | 500 | 502 | 504 | 529) => (Meaning::Retry, Effect::Unknown),
            Some(_) => (Meaning::Permanent, Effect::None),
        };
        let retry_after = match meaning {
            // With an acceptance, `Retry-After` is about its result, and no quota.
            Meaning::Success => quota_used_up(headers),
            _ => retry_after(headers).or_else(|| quota_used_up(headers)),
        };
        Self { meaning, effect, retry_after }
    }
}

/// Whether that status is about the version: always, or as long as it may also be about the resource.
fn rejects_version(status: u16, call: &Call) -> bool {
    match status {
        406 | 410 | 415 | 426 => true,
        404 => call.has_other_version,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;

    use super::Classification;
    use crate::{Call, Reply, Timestamp};

    #[test]
    fn a_version_is_rejected_where_one_was_named() {
        #[track_caller]
        fn check(version: Option<&str>, has_other: bool, status: u16, expected: &str) {
            let mut call =
                Call::new("a".into(), "k".into(), Timestamp::from_secs(0), Duration::ZERO);
            call.version = version.map(Into::into);
            call.has_other_version = has_other;
            let reply = Reply::http(status, HeaderMap::new(), "");
            let meant = Classification::by_status(&call, &reply);
            let meant = format!("{} {}", meant.meaning.code(), meant.effect.code());
            assert_eq!(meant, expected, "{version:?} {status}");
        }
        for status in [406, 410, 415, 426] {
            check(Some("2"), false, status, "version_rejected none");
            check(None, true, status, "permanent none");
        }
        check(Some("2"), true, 404, "version_rejected none");
        check(Some("2"), false, 404, "permanent none");
        check(None, true, 404, "permanent none");
        check(Some("2"), true, 403, "permanent none");
    }
}

//! What an API does with an attempt, and how the attempt ends by that.

use std::time::Duration;

use fanfare_sdk::{
    ApiTarget, Call, Classification, Effect, IdempotencyKey, Learned, Meaning, Reply,
    SendErrorKind, Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    policy::TargetPolicy,
    report::{AttemptError, Ended, Started, Way},
};

/// What the API does with one attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct Scripted {
    /// How it answers.
    pub answer: Answer,
    /// How long it takes.
    pub after: Duration,
}

/// How a scripted API answers.
#[derive(Clone, PartialEq, Debug)]
pub enum Answer {
    /// With that status and those headers.
    Status(u16, HeaderMap),
    /// It takes no connection.
    Refused,
    /// It breaks the connection after it has read the request.
    Reset,
    /// It reads the request and never answers.
    Hang,
}

// === impl Scripted ===

impl Scripted {
    /// It answers at once, with that status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { answer: Answer::Status(status, HeaderMap::new()), after: Duration::ZERO }
    }

    /// It takes no connection.
    #[must_use]
    pub const fn refused() -> Self {
        Self { answer: Answer::Refused, after: Duration::ZERO }
    }

    /// It breaks the connection after it has read the request.
    #[must_use]
    pub const fn reset() -> Self {
        Self { answer: Answer::Reset, after: Duration::ZERO }
    }

    /// It reads the request and never answers.
    #[must_use]
    pub const fn hang() -> Self {
        Self { answer: Answer::Hang, after: Duration::ZERO }
    }

    /// It takes that long.
    #[must_use]
    pub fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// It asks to be left alone for so many seconds, by `Retry-After`; only where it answers with a status.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Answer::Status(_, headers) = &mut self.answer {
            headers.insert(HeaderName::from_static("retry-after"), HeaderValue::from(seconds));
        }
        self
    }
}

/// How an attempt ends whose answer is scripted.
pub(super) fn ended(
    started: &Started,
    scripted: &Scripted,
    (policy, api): (&TargetPolicy, Option<&dyn ApiTarget>),
    timeout: Duration,
) -> Ended {
    let number = started.attempt;
    let hangs = scripted.answer == Answer::Hang || scripted.after >= timeout;
    let (effect, at) = match scripted.answer {
        Answer::Refused => (Effect::None, started.at.after(scripted.after.min(timeout))),
        _ if hangs => (Effect::Unknown, started.at.after(timeout)),
        _ => (Effect::Unknown, started.at.after(scripted.after)),
    };
    match &scripted.answer {
        _ if hangs => failed(number, SendErrorKind::Timeout, effect, at),
        Answer::Refused => failed(number, SendErrorKind::Connect, effect, at),
        Answer::Reset | Answer::Hang => failed(number, SendErrorKind::Reset, effect, at),
        Answer::Status(status, headers) => {
            let reply = Reply::http(*status, headers.clone(), "");
            let Classification { meaning, effect, retry_after } =
                meaning(&call(&started.way, policy, started.at), &reply, api);
            let (learned, status) = (Learned::Nothing, Some(*status));
            Ended {
                attempt: number,
                meaning,
                effect,
                retry_after,
                learned,
                status,
                error: None,
                said: None,
                reply: None,
                notice: None,
                at,
            }
        }
    }
}

/// How an attempt ends that is aborted now, and would have ended otherwise.
pub(super) fn aborted(planned: &Ended, now: Timestamp) -> Ended {
    let effect = if planned.effect == Effect::None { Effect::None } else { Effect::Unknown };
    failed(planned.attempt, SendErrorKind::Aborted, effect, now)
}

fn meaning(call: &Call, reply: &Reply, api: Option<&dyn ApiTarget>) -> Classification {
    api.map_or_else(|| Classification::by_status(call, reply), |api| api.classify(call, reply))
}

fn call(way: &Way, policy: &TargetPolicy, now: Timestamp) -> Call {
    let mut call =
        Call::new(way.target.clone(), IdempotencyKey::from("rehearsal"), now, Duration::ZERO);
    call.version.clone_from(&way.version);
    call.has_other_version = way.version.as_ref().is_some_and(|v| policy.has_other_version(v));
    call.endpoint.clone_from(&way.endpoint);
    call
}

pub(super) fn failed(attempt: u32, kind: SendErrorKind, effect: Effect, at: Timestamp) -> Ended {
    let error = Some(AttemptError { kind, message: kind.to_string().into() });
    let (meaning, learned) = (Meaning::Retry, Learned::Nothing);
    Ended {
        attempt,
        meaning,
        effect,
        retry_after: None,
        learned,
        status: None,
        error,
        said: None,
        reply: None,
        notice: None,
        at,
    }
}

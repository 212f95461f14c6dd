//! What the tables are written in: targets, scripts, and a delivery in one line.

use std::time::Duration;

use fanfare_sdk::{Fallback, Profile, Repeat, TargetName, Timestamp, Version};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    policy::{
        Jitter, TargetPolicy,
        rehearse::{Answer, Rehearsal, Rehearsed, Scripted, rehearse},
    },
    report::Outcome,
};

pub(super) const HANG: i32 = -1;
pub(super) const RESET: i32 = -2;
pub(super) const REFUSED: i32 = -3;

/// A target with pauses of 200 ms, 400 ms, …, attempts of 5 s, three of them, repeatable at its endpoint.
pub(super) fn api() -> TargetPolicy {
    let mut policy = TargetPolicy::new(TargetName::from("api"), &Profile::default());
    policy.retry.backoff = policy.retry.backoff.with_jitter(Jitter::None);
    policy.timeout = secs(5);
    policy.repeat = Repeat::SameEndpoint;
    policy.gate.breaker = None;
    policy
}

pub(super) fn named(name: &str) -> TargetPolicy {
    TargetPolicy { target: TargetName::from(name), ..api() }
}

pub(super) fn versions(list: &[&str]) -> TargetPolicy {
    TargetPolicy { versions: list.iter().map(|v| Version::from(*v)).collect(), ..api() }
}

pub(super) fn endpoints(first: &str, others: &[&str]) -> TargetPolicy {
    let mut policy =
        TargetPolicy { endpoint: Some(first.into()), repeat: Repeat::Anywhere, ..api() };
    policy.fallback = others.iter().map(|e| Fallback::Endpoint((*e).into()).into()).collect();
    policy
}

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn scripted(code: i32) -> Scripted {
    let answer = match code {
        HANG => Answer::Hang,
        RESET => Answer::Reset,
        REFUSED => Answer::Refused,
        status => Answer::Status(u16::try_from(status).unwrap(), HeaderMap::new()),
    };
    Scripted { answer, after: Duration::ZERO }
}

pub(super) fn with(status: u16, headers: &[(&str, &str)]) -> Scripted {
    let pair = |(name, value): &(&str, &str)| {
        (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    Scripted {
        answer: Answer::Status(status, headers.iter().map(pair).collect()),
        after: Duration::ZERO,
    }
}

pub(super) fn play(targets: Vec<TargetPolicy>, script: Vec<Scripted>) -> Rehearsed {
    // 2026-01-01T00:00:00Z
    let start = Timestamp::from_secs(1_767_225_600);
    rehearse(&Rehearsal {
        apis: std::collections::HashMap::new(),
        targets,
        script,
        seed: 1,
        start,
        cancel_after: None,
    })
}

/// `delivered after 2 attempts, 200ms`, and by which way where there is a choice.
#[track_caller]
pub(super) fn check(policy: TargetPolicy, codes: &[i32], expected: &str) {
    check_script(vec![policy], codes.iter().map(|c| scripted(*c)).collect(), expected);
}

#[track_caller]
pub(super) fn check_script(targets: Vec<TargetPolicy>, script: Vec<Scripted>, expected: &str) {
    let choice = targets.len() > 1;
    let played = play(targets, script);
    assert_eq!(format!("{played}{}", way(&played, choice)), expected, "{:#?}", played.moments);
}

pub(super) fn way(played: &Rehearsed, choice: bool) -> String {
    let Some(Outcome::Delivered { attempt }) = played.outcome else { return String::new() };
    let way = &played.history.starts().find(|s| s.attempt == attempt).unwrap().way;
    let mut text = String::new();
    if choice {
        text += &format!(", target {}", way.target);
    }
    text += &way.endpoint.as_ref().map(|e| format!(", endpoint {e}")).unwrap_or_default();
    text + &way.version.as_ref().map(|v| format!(", version {v}")).unwrap_or_default()
}

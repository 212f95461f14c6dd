//! Attempts in words.

use std::time::Duration;

use crate::{
    cli::text::millis,
    report::{AttemptRecord, Because, Delivery, Why},
    wire,
};

/// `attempt 2, version 2`: which one, and on what way.
pub(super) fn attempt(delivery: &Delivery, record: &AttemptRecord) -> String {
    let way = &record.started.way;
    let mut text = format!("attempt {}", record.started.attempt);
    if way.target != delivery.target {
        text += &format!(", by {}", way.target);
    }
    if let Some(version) = &way.version {
        text += &format!(", version {version}");
    }
    let first = delivery.attempts.first().map(|first| &first.started.way);
    let elsewhere =
        first.is_some_and(|first| first.target == way.target && first.endpoint != way.endpoint);
    if let Some(endpoint) = endpoint(record).filter(|_| elsewhere) {
        text += &format!(", at {endpoint}");
    }
    text
}

/// `503`, or why no reply came.
pub(super) fn answer(record: &AttemptRecord) -> String {
    match &record.ended {
        Some(ended) => match (&ended.error, ended.status) {
            (Some(error), _) => error.message.to_string(),
            (None, Some(status)) => status.to_string(),
            (None, None) => "accepted".to_owned(),
        },
        None if record.lost_at.is_some() => "lost with its process".to_owned(),
        None => "no answer yet".to_owned(),
    }
}

/// `503`, or in one of few words why no reply came.
pub(super) fn in_short(record: &AttemptRecord) -> String {
    match record.ended.as_ref().and_then(|ended| ended.error.as_ref()) {
        Some(error) => error.kind.to_string(),
        None => answer(record),
    }
}

/// `version 3 is gone (410)`: what led from the attempt before to this one, where it takes another way.
pub(super) fn turn(before: &AttemptRecord, record: &AttemptRecord) -> Option<String> {
    let (old, answer) = (&before.started.way, in_short(before));
    let version = || {
        old.version.as_ref().map_or_else(|| "the version".to_owned(), |v| format!("version {v}"))
    };
    Some(match record.started.because {
        Because::VersionRejected
            if before.ended.as_ref().is_some_and(|e| e.status == Some(410)) =>
        {
            format!("{} is gone ({answer})", version())
        }
        Because::VersionRejected => format!("{} was rejected ({answer})", version()),
        Because::VersionFailed => format!("{} failed ({answer})", version()),
        Because::EndpointFailed => {
            format!(
                "{} failed ({answer})",
                endpoint(before).unwrap_or_else(|| "the endpoint".to_owned())
            )
        }
        Because::TargetFailed => format!("{} failed ({answer})", old.target),
        Because::FirstWay
        | Because::Failure
        | Because::Throttled
        | Because::Lost
        | Because::Slow
        | Because::Challenge => return None,
    })
}

/// `version 2`: the way that an attempt takes after a turn.
pub(super) fn now_by(record: &AttemptRecord) -> String {
    let way = &record.started.way;
    let version = way.version.as_ref().map(|version| format!("version {version}"));
    match record.started.because {
        Because::EndpointFailed => {
            endpoint(record).unwrap_or_else(|| "another endpoint".to_owned())
        }
        Because::TargetFailed => way.target.to_string(),
        _ => version.unwrap_or_else(|| "another way".to_owned()),
    }
}

/// What the gate holds a delivery back for.
pub(super) fn held(why: Why) -> &'static str {
    match why {
        Why::Backoff => "backoff",
        Why::Breaker => "its breaker is open",
        Why::Throttled => "it asked to be left alone",
        Why::RateLimit => "rate limit",
        Why::Concurrency => "as many as allowed are in flight",
        Why::RetryBudget => "the retry budget is used up",
        Why::Order => "one with the same order key comes first",
        Why::Paused => "paused by an operator",
        Why::Disabled => "it is disabled",
        Why::Auth => "no proof of who we are for now",
        Why::QueueFull => "its queue is full",
        Why::TargetFailed => "it has failed or is gone",
    }
}

/// `1.4 s`, `2m05s`: steady in its length, so that nothing jumps while it changes.
pub(super) fn seconds(duration: Duration) -> String {
    // Rounded up: what is left is never nothing.
    let tenths = duration.as_millis().div_ceil(100);
    if tenths < 600 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let whole = duration.as_millis().div_ceil(1_000);
    match (whole / 3_600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

/// `3.10 ms`: what something took.
pub(super) fn took(duration: Duration) -> String {
    millis(duration.as_secs_f64() * 1_000.0)
}

/// Without its path: that may be a secret.
fn endpoint(record: &AttemptRecord) -> Option<String> {
    wire::Attempt::from(record).endpoint
}

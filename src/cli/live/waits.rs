//! What a delivery waits for, read from its attempts.

use std::time::Duration;

use fanfare_sdk::{Meaning, RetryAfter, Timestamp};

use super::words;
use crate::report::{AttemptRecord, Because, Delivery, DeliveryState};

/// What passes between a decision and its start is no wait.
const SHORTEST: Duration = Duration::from_millis(1);

/// Something that a delivery waited for, or waits for now.
#[derive(Debug)]
pub(in crate::cli) struct Wait {
    /// Stands before this attempt.
    pub(in crate::cli) before: u32,
    /// At the gate, after its own pause was over.
    pub(in crate::cli) held: bool,
    pub(in crate::cli) from: Timestamp,
    pub(in crate::cli) until: Timestamp,
    pub(in crate::cli) why: String,
}

/// All that is known to have been, or to be, waited for, oldest first.
pub(in crate::cli) fn waits(delivery: &Delivery, accepted: Timestamp) -> Vec<Wait> {
    let mut waits = Vec::new();
    let mut before: Option<&AttemptRecord> = None;
    for record in &delivery.attempts {
        let from = before.and_then(AttemptRecord::ended_at).unwrap_or(accepted);
        let begun = &record.started;
        // These begin when something else has ended, not when a pause is over.
        let turns = matches!(begun.because, Because::EndpointFailed | Because::TargetFailed);
        waits.extend(before.filter(|_| !turns).map(|before| pause(before, from, begun.due)));
        if let Some(why) = begun.held {
            let (from, why) = (begun.due.max(from), words::held(why).to_owned());
            waits.push(Wait { before: begun.attempt, held: true, from, until: begun.at, why });
        }
        before = Some(record);
    }
    waits.extend(now(delivery));
    waits.retain(|wait| wait.until.since(wait.from) >= SHORTEST);
    waits
}

/// What it waits for now, where that is known.
pub(super) fn now(delivery: &Delivery) -> Option<Wait> {
    let (last, due) = (delivery.attempts.last()?, delivery.next_attempt_at?);
    let ended = last.ended_at().filter(|_| delivery.state == DeliveryState::Waiting)?;
    Some(pause(last, ended, due)).filter(|wait| wait.until.since(wait.from) >= SHORTEST)
}

fn pause(before: &AttemptRecord, from: Timestamp, until: Timestamp) -> Wait {
    let answer = words::in_short(before);
    let why = match before.meaning() {
        _ if asked_for(before).is_some_and(|asked| until >= asked) => {
            format!("asked to by the API ({answer})")
        }
        Some(Meaning::Retry | Meaning::Throttled) => format!("backoff after {answer}"),
        _ => format!("held back after {answer}"),
    };
    Wait { before: before.started.attempt + 1, held: false, from, until, why }
}

/// Until when the API asked to be left alone.
fn asked_for(record: &AttemptRecord) -> Option<Timestamp> {
    let ended = record.ended.as_ref()?;
    Some(match ended.retry_after? {
        RetryAfter::For(wait) => ended.at.after(wait),
        RetryAfter::At(at) => at,
    })
}

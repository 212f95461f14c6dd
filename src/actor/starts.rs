//! Starts that are not made yet, and starts that were never made.

use fanfare_sdk::{Effect, IdempotencyKey, Learned, Meaning, SendErrorKind, Timestamp};

use super::{Slot, keys::attempt_key, queue::Held};
use crate::{
    report::{AttemptError, Because, Boot, Ended, Kind, Started, Way},
    sabotage::{self, Sabotage},
};

/// A start with what is decided only.
pub(super) fn blank(way: Way, at: Timestamp) -> Started {
    Started {
        attempt: 0,
        way,
        kind: Kind::First,
        because: Because::FirstWay,
        key: IdempotencyKey::from(""),
        span_id: [0; 8],
        boot: Boot(0),
        due: at,
        held: None,
        at,
    }
}

/// With what is not decided but given: number, key, span, boot, and what held it back.
pub(super) fn filled(slot: &Slot, held: &Held, boot: Boot, started: Started) -> Started {
    let history = &held.open.history;
    let attempt = u32::try_from(history.starts().count()).unwrap_or(u32::MAX).saturating_add(1);
    let same =
        |s: &&Started| s.way.target == started.way.target && s.way.version == started.way.version;
    let key = history.starts().find(same).map(|s| s.key.clone());
    let anew = sabotage::is(Sabotage::KeyDrawnAnew);
    let new = || attempt_key(&held.open, &started.way, if anew { attempt.into() } else { 0 });
    let (key, span_id) = (key.filter(|_| !anew).unwrap_or_else(new), slot.entropy.span_id());
    Started { attempt, key, span_id, boot, held: held.refused, ..started }
}

/// A start was written down, and its actor died before the attempt was made.
pub(super) fn never_sent_end(attempt: u32, at: Timestamp) -> Ended {
    let error = AttemptError { kind: SendErrorKind::Aborted, message: "it was never sent".into() };
    Ended {
        attempt,
        meaning: Meaning::Retry,
        effect: Effect::None,
        retry_after: None,
        learned: Learned::Nothing,
        status: None,
        error: Some(error),
        reply: None,
        notice: None,
        at,
    }
}

//! Starts that are not made yet, and starts that were never made.

use fanfare_sdk::{Effect, Learned, Meaning, SendErrorKind, Timestamp};

use super::{Slot, keys::attempt_key, queue::Held};
use crate::{
    report::{AttemptError, Because, Boot, Ended, Kind, Started, Way},
    sabotage::{self, Sabotage},
};

/// What is decided of a start.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) way: Way,
    pub(super) kind: Kind,
    pub(super) because: Because,
    pub(super) due: Timestamp,
    pub(super) at: Timestamp,
}

/// With what is not decided but given: number, key, span, boot, and what held it back.
pub(super) fn filled(slot: &Slot, held: &Held, boot: Boot, draft: Draft) -> Started {
    let Draft { way, kind, because, due, at } = draft;
    let history = &held.open.history;
    let attempt = u32::try_from(history.starts().count()).unwrap_or(u32::MAX).saturating_add(1);
    let same = |s: &&Started| s.way.target == way.target && s.way.version == way.version;
    let key = history.starts().find(same).map(|s| s.key.clone());
    let anew = sabotage::is(Sabotage::KeyDrawnAnew);
    let new = || attempt_key(&held.open, &way, if anew { attempt.into() } else { 0 });
    let (key, span_id) = (key.filter(|_| !anew).unwrap_or_else(new), slot.entropy.span_id());
    let held = held.refused;
    Started { attempt, way, kind, because, key, span_id, boot, due, held, at }
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
        said: None,
        reply: None,
        notice: None,
        at,
    }
}

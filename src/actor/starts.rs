//! Starts that are not made yet, and starts that were never made.

use fanfare_sdk::{Effect, IdempotencyKey, Learned, Meaning, SendErrorKind, Timestamp};

use crate::report::{AttemptError, Because, Boot, Ended, Kind, Started, Way};

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

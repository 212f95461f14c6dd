//! What a delivery does next.

use std::time::Duration;

use fanfare_sdk::{TargetName, Timestamp};

use crate::report::{Because, FellBack, Kind, Outcome, Reason, Way, Why};

/// What a delivery does next.
#[derive(Clone, PartialEq, Debug)]
#[must_use = "a dropped step is a lost delivery"]
pub enum Step {
    /// Start an attempt, if the gate still admits it.
    Attempt {
        /// How the API is reached.
        way: Way,
        /// What it counts as.
        kind: Kind,
        /// Why it is made.
        because: Because,
        /// How long it may take.
        timeout: Duration,
        /// Since when the delivery itself has been ready for it.
        due: Timestamp,
    },
    /// An attempt is in flight: wait for it, and ask again at `until`.
    Listen {
        /// When to ask again if nothing has happened.
        until: Option<Timestamp>,
    },
    /// End an attempt that is in flight.
    Abort {
        /// The attempt.
        attempt: u32,
    },
    /// Ask again at `until`.
    Wait {
        /// When to ask again.
        until: Timestamp,
        /// What is waited for.
        why: Why,
    },
    /// Write down what is passed over, and do the other step.
    FallBack(Box<FellBack>, Box<Self>),
    /// Another target stands in; the history goes along.
    HandOver {
        /// The stand-in.
        to: TargetName,
        /// What this target failed of.
        because: Reason,
    },
    /// The delivery has ended.
    Settle(Outcome),
}

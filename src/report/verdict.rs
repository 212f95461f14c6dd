//! How a broadcast ended.

use fanfare_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What makes a broadcast satisfied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Completion {
    /// Every required recipient.
    #[default]
    All,
    /// This many recipients, required or not.
    Quorum(#[schemars(range(min = 1))] u32),
    /// The first success.
    Any,
    /// At least one success, looked at when everything has settled or at the deadline.
    BestEffort,
}

/// What becomes of unsettled deliveries after the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// They go on.
    #[default]
    Finish,
    /// They are cancelled.
    Cancel,
}

/// By what a broadcast was completed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompletedBy {
    /// Every required recipient, or every recipient there is.
    All,
    /// Enough of them.
    Quorum,
    /// The first success.
    First,
    /// Its deadline.
    Deadline,
    /// It could no longer be satisfied.
    Impossible,
    /// Somebody wanted it to end.
    Cancelled,
}

/// How a broadcast ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Verdict {
    /// Whether its completion policy was fulfilled.
    pub satisfied: bool,
    /// By what it was completed.
    pub by: CompletedBy,
    /// When it fell.
    pub at: Timestamp,
}

impl CompletedBy {
    /// The code in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Quorum => "quorum",
            Self::First => "first",
            Self::Deadline => "deadline",
            Self::Impossible => "impossible",
            Self::Cancelled => "cancelled",
        }
    }
}

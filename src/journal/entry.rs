//! What is written for a target that was claimed, and what became certain by it.

use fanfare_sdk::{TargetName, Timestamp};

use super::Open;
use crate::report::{Boot, BroadcastId, DeliveryId, Event, NoticeOf, Outcome, Verdict};

/// The right to decide for one serving target. A newer claim fences an older one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// The target.
    pub serving: TargetName,
    /// Grows with every claim on it.
    pub epoch: u64,
    /// In which life of the process it was made.
    pub boot: Boot,
}

/// One decision.
#[derive(Clone, PartialEq, Debug)]
pub enum Entry {
    /// Something happened to a delivery. What its history holds already is ignored.
    Event(DeliveryId, Event),
    /// Something is next to be done for it at that time.
    Due(DeliveryId, Timestamp),
    /// It ended. The first end wins; another one is ignored.
    Settled(DeliveryId, Outcome),
}

/// What became certain in a commit. Each item is told once, by the commit that brought it.
#[derive(Clone, PartialEq, Debug, Default)]
#[must_use = "somebody may be waiting for the verdict"]
pub struct Committed {
    /// Verdicts that fell.
    pub verdicts: Vec<(BroadcastId, Verdict)>,
    /// Broadcasts that have a verdict and no open delivery left.
    pub settled: Vec<BroadcastId>,
    /// Open deliveries that somebody wants to end, with the target that serves each of them.
    pub cancelled: Vec<(TargetName, DeliveryId)>,
    /// Notices that are owed from now on.
    pub owed: Vec<NoticeOf>,
}

/// Open deliveries that are due.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The deliveries: first what has been due for longest, then by the order of acceptance. Where not all fit, each
    /// priority has its share, and of those with the same order key there is only the first.
    pub open: Vec<Open>,
    /// When the first one that is not in `open` is due; at or before `until` where the page was too short.
    pub next_due: Option<Timestamp>,
    /// Deliveries may be left out because another one with their order key comes first.
    pub is_keyed: bool,
}

/// A delivery that ended without success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeadLetter {
    /// When it is sent again by itself, where it is parked.
    pub parked_until: Option<Timestamp>,
    /// Which one.
    pub id: DeliveryId,
    /// The route that its broadcast was sent to.
    pub route: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub settled_at: Timestamp,
}

// === impl Entry ===

impl Entry {
    /// The delivery that it is about.
    #[must_use]
    pub fn delivery(&self) -> &DeliveryId {
        match self {
            Self::Event(id, _) | Self::Due(id, _) | Self::Settled(id, _) => id,
        }
    }
}

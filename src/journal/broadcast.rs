//! What goes into the journal with a new broadcast, and what comes out for whoever delivers it.

use std::sync::Arc;

use fanfare_sdk::{IdempotencyKey, Payload, TargetName, Timestamp, Version};
use serde::{Deserialize, Serialize};

use crate::report::{
    BroadcastId, Completion, DeliveryId, History, Metadata, NoticeOf, Notify, Priority, Rest, Trace,
};

/// A broadcast, with all that is pinned when it is accepted. Never changes afterwards.
#[derive(Clone, Debug)]
pub struct NewBroadcast {
    /// Who it is. Given anew for every broadcast; the same id again is the same broadcast again.
    pub id: BroadcastId,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// What is broadcast.
    pub payload: Payload,
    /// To whom; no recipient twice.
    pub recipients: Vec<NewDelivery>,
    /// What makes it satisfied.
    pub completion: Completion,
    /// What becomes of unsettled deliveries after the verdict.
    pub rest: Rest,
    /// Whether a canned reply counts as a success.
    pub accept_substituted: bool,
    /// How urgent it is.
    pub priority: Priority,
    /// When the verdict falls at the latest.
    pub deadline: Option<Timestamp>,
    /// When it was accepted: from then on, its deliveries are due.
    pub accepted_at: Timestamp,
    /// By what the caller knows it again.
    pub caller_key: Option<CallerKey>,
    /// What its sender noted with it.
    pub metadata: Option<Arc<Metadata>>,
    /// The broadcast whose dead letters it repeats.
    pub replay_of: Option<BroadcastId>,
    /// Whom its report is sent to, and when.
    pub notify: Option<Notify>,
    /// The broadcast whose report it carries. A notice is never notified of itself.
    pub notice_of: Option<NoticeOf>,
    /// Where it stands in its trace.
    pub trace: Trace,
}

/// What is pinned for one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewDelivery {
    /// The recipient.
    pub recipient: TargetName,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Draws the jitter of its pauses.
    pub seed: u64,
    /// When it expires.
    pub expires: Timestamp,
    /// Its span.
    pub span_id: [u8; 8],
    /// A condition has left it out: it is settled without being sent.
    pub skipped: bool,
    /// Deliveries to the same recipient with the same key go one after the other.
    pub order_key: Option<Arc<str>>,
    /// The idempotency keys of the delivery that it repeats.
    pub carried: Option<Arc<CarriedKeys>>,
}

/// By what the APIs know a delivery that is repeated in another broadcast.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CarriedKeys {
    /// That of the delivery itself.
    pub delivery: IdempotencyKey,
    /// Those of its attempts: one for each target and version.
    pub attempts: Vec<(TargetName, Option<Version>, IdempotencyKey)>,
    /// How often it was parked before, and sent again by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub parked: u32,
}

/// The caller's own idempotency key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CallerKey {
    /// The key, as the caller wrote it.
    pub key: String,
    /// A digest of all that must be the same when the key comes again.
    pub fingerprint: [u8; 32],
}

/// What became of a broadcast at the door.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// It is written.
    New(Arc<NewBroadcast>),
    /// It was written before, under this id.
    Same(BroadcastId),
}

/// A delivery that has not settled, for whoever serves it.
#[derive(Clone, Debug)]
pub struct Open {
    /// Its broadcast, shared.
    pub broadcast: Arc<NewBroadcast>,
    /// Its place among the recipients.
    pub place: usize,
    /// Who serves it: the recipient, or a stand-in.
    pub serving: TargetName,
    /// All that happened to it.
    pub history: History,
    /// When something is next to be done for it.
    pub due: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

// === impl Open ===

impl Open {
    /// Who it is.
    #[must_use]
    pub fn id(&self) -> DeliveryId {
        let recipient = self.recipient().recipient.clone();
        DeliveryId { broadcast: self.broadcast.id, recipient }
    }

    /// What was pinned for it.
    ///
    /// # Panics
    ///
    /// Where `place` is not a place among the recipients.
    #[must_use]
    pub fn recipient(&self) -> &NewDelivery {
        &self.broadcast.recipients[self.place]
    }
}

impl NewDelivery {
    /// How often it was parked before, and sent again by itself.
    #[must_use]
    pub fn parked(&self) -> u32 {
        self.carried.as_ref().map_or(0, |carried| carried.parked)
    }
}

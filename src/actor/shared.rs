//! What all actors of one engine share.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use fanfare_sdk::{TargetName, Transport};
use tokio::sync::Notify;

use super::{Clock, CoordinatorMsg, Desk, Entropy, Observed, Slot, TargetMsg};
use crate::{
    journal::{Committed, Journal, Open},
    report::{Boot, BroadcastId, CancelledBy},
};

/// What all actors of one engine share. Outlives every one of them.
pub(crate) struct Shared {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) boot: Boot,
    /// In the order of their names, so that the same seed gives the same order of events.
    pub(crate) slots: BTreeMap<TargetName, Arc<Slot>>,
    pub(crate) desks: Vec<Desk>,
    /// Rings whenever a broadcast has settled.
    pub(crate) settled: Notify,
    /// Broadcasts whose end is still to be told, where anybody wants to hear of it.
    pub(crate) observed: Option<Observed>,
    /// No broadcast is accepted any more.
    pub(crate) closing: AtomicBool,
}

impl Shared {
    /// Tells whom it concerns what became certain in a commit.
    pub(crate) fn route(&self, committed: &Committed, by: CancelledBy) {
        let now = self.clock.now();
        for (serving, id) in &committed.cancelled {
            if let Some(slot) = self.slots.get(serving) {
                slot.address.tell(TargetMsg::CancelAsked(id.clone(), by, now));
            }
        }
        for (id, _) in &committed.verdicts {
            self.desk(*id).address.tell(CoordinatorMsg::Changed(*id));
        }
        for id in &committed.settled {
            if !committed.verdicts.iter().any(|(other, _)| other == id) {
                self.desk(*id).address.tell(CoordinatorMsg::Changed(*id));
            }
        }
        if !committed.settled.is_empty() {
            self.settled.notify_waiters();
        }
    }

    /// Hints may have been lost, with an actor or with an answer of the journal: everybody looks for himself.
    pub(crate) fn recheck(&self, but: Option<&TargetName>) {
        for desk in &self.desks {
            desk.address.tell(CoordinatorMsg::Recheck);
        }
        for (name, slot) in &self.slots {
            if but != Some(name) {
                slot.address.tell(TargetMsg::Load);
            }
        }
    }

    /// Tells the target that serves it.
    pub(crate) fn deliver(&self, open: Open) {
        if let Some(slot) = self.slots.get(&open.serving) {
            slot.address.tell(TargetMsg::Deliver(Box::new(open)));
        }
    }

    /// Where callers wait for that broadcast.
    pub(crate) fn desk(&self, id: BroadcastId) -> &Desk {
        // The end of an id is random.
        let place = id.0.as_u128() % self.desks.len() as u128;
        let place = usize::try_from(place).unwrap_or(0);
        &self.desks[place]
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("slots", &self.slots.keys()).finish_non_exhaustive()
    }
}

//! The deliveries that a target's actor holds: which are due when, and which stand before the gate.

use std::{cmp::Reverse, collections::BinaryHeap};

use fanfare_sdk::Timestamp;

use super::{line::Line, messages::Stamps};
use crate::{
    journal::Open,
    policy::Plan,
    report::{DeliveryId, IdMap, Why},
};

/// A delivery, as the actor of its serving target holds it: a copy of what the journal has.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) open: Open,
    pub(super) plan: Plan,
    pub(super) place: Place,
    /// What the authorizers were ready with, for the attempt that is next.
    pub(super) stamps: Option<Stamps>,
    /// What the gate has refused it for since it was last due.
    pub(super) refused: Option<Why>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Waits for a time, or for its attempt to end.
    Waiting,
    /// Its authorizers are asked whether they are ready.
    Preparing,
    /// Before the gate, which has refused it.
    AtGate,
}

/// The deliveries of one target.
#[derive(Debug, Default)]
pub(super) struct Queue {
    held: IdMap<DeliveryId, Held>,
    // Invariant: an entry may be stale (asking again does no harm), but no delivery lacks one that needs it.
    due: BinaryHeap<Reverse<(Timestamp, DeliveryId)>>,
    // Invariant: holds every delivery that is `AtGate`, once; others are stale.
    at_gate: Line,
    /// What was loaded: its actor may still be told of it, perhaps after its end.
    loaded: IdMap<DeliveryId, ()>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn at_gate(&self) -> usize {
        self.at_gate.len()
    }

    pub(super) fn get(&mut self, id: &DeliveryId) -> Option<&mut Held> {
        self.held.get_mut(id)
    }

    /// It comes from the journal, and not from whoever tells of it.
    pub(super) fn note_loaded(&mut self, id: DeliveryId) {
        self.loaded.insert(id, ());
    }

    /// Whether what is told now was loaded before. It is told once.
    pub(super) fn was_loaded(&mut self, id: &DeliveryId) -> bool {
        self.loaded.remove(id).is_some()
    }

    /// Takes a delivery in, unless it is there.
    pub(super) fn insert(&mut self, id: DeliveryId, held: Held) {
        self.held.entry(id).or_insert(held);
    }

    pub(super) fn remove(&mut self, id: &DeliveryId) -> Option<Held> {
        self.held.remove(id)
    }

    /// Asks again at that time.
    pub(super) fn schedule(&mut self, id: DeliveryId, at: Timestamp) {
        self.due.push(Reverse((at, id)));
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one that is due.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<DeliveryId> {
        if self.next_due()? > now {
            return None;
        }
        self.due.pop().map(|Reverse((_, id))| id)
    }

    /// Puts a delivery behind the others that stand before the gate, unless it stands there; it will be asked
    /// again when it expires at the latest.
    pub(super) fn push_to_gate(&mut self, id: &DeliveryId) {
        if let Some(held) = self.held.get_mut(id)
            && held.place != Place::AtGate
        {
            held.place = Place::AtGate;
            let expires = held.plan.expires;
            let priority = held.open.broadcast.priority;
            self.at_gate.push(id.clone(), priority);
            self.schedule(id.clone(), expires);
        }
    }

    /// The delivery that stands first before the gate.
    pub(super) fn first_at_gate(&mut self) -> Option<DeliveryId> {
        while let Some(id) = self.at_gate.first() {
            if self.held.get(id).is_some_and(|held| held.place == Place::AtGate) {
                return Some(id.clone());
            }
            self.at_gate.drop_first();
        }
        None
    }

    /// The first one before the gate has left.
    pub(super) fn pop_gate(&mut self) {
        self.at_gate.pop();
    }

    /// Whether that one may pass, or others stand before it.
    pub(super) fn may_pass(&mut self, id: &DeliveryId) -> bool {
        self.first_at_gate().is_none_or(|first| first == *id)
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.due.clear();
        self.at_gate.clear();
        self.loaded.clear();
    }
}

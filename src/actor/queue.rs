//! The deliveries that a target's actor holds: which are due when, and which stand before the gate.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use fanfare_sdk::Timestamp;

use super::{messages::Stamps, order::Order};
use crate::{
    journal::Open,
    policy::{Line, Plan},
    report::{DeliveryId, IdMap, Why},
};

/// A delivery, as the actor of its serving target holds it: a copy of what the journal has.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) open: Open,
    pub(super) plan: Plan,
    pub(super) place: Place,
    /// What the authorizers were ready with, for the attempt that is next, and when they were.
    pub(super) stamps: Option<(Stamps, Timestamp)>,
    /// Its authorizers are asked whether they are ready. It keeps its place meanwhile.
    pub(super) preparing: bool,
    /// What the gate has refused it for since it was last due.
    pub(super) refused: Option<Why>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Waits for a time, or for its attempt to end.
    Waiting,
    /// Before the gate, which has refused it.
    AtGate,
    /// A repeat for which the retry budget has nothing left.
    ForBudget,
    /// Another one with the same order key comes first.
    InOrder,
}

impl Held {
    /// By what it is ordered; only at its own target.
    fn order_key(&self) -> Option<&Arc<str>> {
        let recipient = self.open.recipient();
        recipient.order_key.as_ref().filter(|_| self.open.serving == recipient.recipient)
    }
}

/// The deliveries of one target.
#[derive(Debug, Default)]
pub(super) struct Queue {
    held: IdMap<DeliveryId, Held>,
    // Invariant: an entry may be stale (asking again does no harm), but no delivery lacks one that needs it.
    due: BinaryHeap<Reverse<(Timestamp, DeliveryId)>>,
    // Invariant: holds every delivery that is `AtGate`, once; others are stale.
    at_gate: Line<DeliveryId>,
    // Invariant: the same for those that are `ForBudget`. They do not stand before the gate, where they would hold up
    // first attempts.
    for_budget: Line<DeliveryId>,
    /// The one that has come from there to stand before the gate: one at a time.
    from_budget: Option<DeliveryId>,
    /// By order key, first come first.
    order: Order,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn at_gate(&self) -> usize {
        self.at_gate.len() + self.for_budget.len()
    }

    pub(super) fn contains(&self, id: &DeliveryId) -> bool {
        self.held.contains_key(id)
    }

    pub(super) fn get(&mut self, id: &DeliveryId) -> Option<&mut Held> {
        self.held.get_mut(id)
    }

    /// Something holds it back; the pause between two attempts is no such thing.
    pub(super) fn hold_back(&mut self, id: &DeliveryId, why: Why) {
        if let Some(held) = self.held.get_mut(id).filter(|_| why != Why::Backoff) {
            held.refused = Some(why);
        }
    }

    /// Takes a delivery in, unless it is there.
    pub(super) fn insert(&mut self, id: DeliveryId, held: Held) {
        if let Some(key) = held.order_key() {
            self.order.join(key, &id);
        }
        self.held.entry(id).or_insert(held);
    }

    /// Lets a delivery go; says, too, whose turn it is now by its order key.
    pub(super) fn remove(&mut self, id: &DeliveryId) -> Option<(Held, Option<DeliveryId>)> {
        let held = self.held.remove(id)?;
        let turn = held.order_key().and_then(|key| self.order.leave(key, id));
        Some((held, turn))
    }

    /// Whether it is its turn by its order key.
    pub(super) fn has_turn(&self, id: &DeliveryId) -> bool {
        if self.order.is_empty() {
            return true;
        }
        let key = self.held.get(id).and_then(Held::order_key);
        key.is_none_or(|key| self.order.is_first(key, id))
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

    /// Puts a delivery behind the others in a line, unless it stands there; it will be asked again when it expires at
    /// the latest.
    pub(super) fn stand(&mut self, id: &DeliveryId, place: Place) {
        let Some(held) = self.held.get_mut(id) else { return };
        let before = std::mem::replace(&mut held.place, place);
        if before == place {
            return;
        }
        if before == Place::ForBudget {
            self.from_budget = Some(id.clone());
        }
        let (expires, priority) = (held.plan.expires, held.open.broadcast.priority);
        if let Some(line) = self.line(place) {
            line.push(id.clone(), priority);
        }
        self.schedule(id.clone(), expires);
    }

    /// The delivery that stands first in a line.
    pub(super) fn first(&mut self, place: Place) -> Option<DeliveryId> {
        loop {
            let id = self.line(place)?.first()?.clone();
            if self.held.get(&id).is_some_and(|held| held.place == place) {
                return Some(id);
            }
            self.line(place)?.drop_first();
        }
    }

    /// The first one of a line has left.
    pub(super) fn pop(&mut self, place: Place) {
        if let Some(line) = self.line(place) {
            line.pop();
        }
    }

    /// Whether one that waited for the budget stands before the gate now.
    pub(super) fn is_from_budget_at_gate(&self) -> bool {
        let held = self.from_budget.as_ref().and_then(|id| self.held.get(id));
        held.is_some_and(|held| held.place == Place::AtGate)
    }

    fn line(&mut self, place: Place) -> Option<&mut Line<DeliveryId>> {
        match place {
            Place::AtGate => Some(&mut self.at_gate),
            Place::ForBudget => Some(&mut self.for_budget),
            Place::Waiting | Place::InOrder => None,
        }
    }

    /// Whether that one may pass, or others stand before it.
    pub(super) fn may_pass(&mut self, id: &DeliveryId) -> bool {
        self.first(Place::AtGate).is_none_or(|first| first == *id)
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.due.clear();
        self.at_gate.clear();
        self.for_budget.clear();
        self.from_budget = None;
        self.order = Order::default();
    }
}

//! What is open for a target and not held by its actor, because there is no room for it or it is not due soon. Only where
//! the journal outlives the process: it has all of it, and is asked again.

use std::time::Duration;

use fanfare_sdk::Timestamp;

use super::{load, target::TargetState};
use crate::{journal::Open, report::DeliveryId};

/// How long before it is due a delivery is fetched, and how far ahead one must be due to be let go.
pub(super) const HORIZON: Duration = Duration::from_secs(60);

/// What the journal has beyond what is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Beyond {
    /// When the first of them is due; none where everything is held.
    due: Option<Timestamp>,
    /// Some of them may wait for another one with their order key.
    is_keyed: bool,
}

impl Beyond {
    pub(super) fn new(due: Option<Timestamp>, is_keyed: bool) -> Self {
        Self { due, is_keyed }
    }

    /// When the journal is to be asked next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.due
    }

    /// Another one, due then.
    pub(super) fn note(&mut self, due: Timestamp, is_keyed: bool) {
        self.due = Some(self.due.map_or(due, |first| first.min(due)));
        self.is_keyed |= is_keyed;
    }

    /// One with an order key has left: the next one with that key may be among them.
    pub(super) fn key_left(&mut self, now: Timestamp) {
        if self.is_keyed {
            self.note(now, true);
        }
    }
}

impl TargetState {
    /// How many deliveries are held at most; what is beyond is left where it is.
    fn held_max(&self) -> usize {
        self.parts.policy.queue_max
    }

    /// Whether a delivery that was just accepted is left where it is.
    pub(super) fn leaves(&mut self, open: &Open) -> bool {
        if !self.shared.journal.waits() || !open.history.events().is_empty() {
            return false;
        }
        let is_keyed = open.recipient().order_key.is_some();
        // Others have been due for longer, or come first.
        let is_behind = self.beyond.due.is_some_and(|at| at <= self.now);
        if self.queue.len() < self.held_max() && !is_behind && !(is_keyed && self.beyond.is_keyed) {
            return false;
        }
        self.beyond.note(open.due, is_keyed);
        true
    }

    /// A delivery has left; whose turn it is then, by its order key.
    pub(super) fn left(&mut self, open: &Open, turn: Option<DeliveryId>) {
        self.turns.extend(turn);
        if open.recipient().order_key.is_some() {
            self.beyond.key_left(self.now);
        }
    }

    /// Lets a delivery go that has long to wait. Says whether it did.
    pub(super) fn releases(&mut self, is_keyed: bool, until: Timestamp) -> bool {
        let far = until > self.now.after(HORIZON);
        let releases = far && !is_keyed && self.shared.journal.waits();
        if releases {
            self.beyond.note(until, false);
        }
        releases
    }

    /// Whether something is due soon that is not held, and there is room for it.
    pub(super) fn wants_more(&self) -> bool {
        let room = self.held_max().saturating_sub(self.queue.len());
        let is_due = self.beyond.due.is_some_and(|at| at <= self.now);
        is_due && room * 2 >= self.held_max() && self.appending.is_none()
    }

    /// Fetches what is due soon. Before that, all that was decided is written down: what is
    /// read is what is so.
    pub(super) async fn fetch(&mut self) {
        let count_max = self.held_max().max(self.queue.len());
        self.commit_now().await;
        let Some(claim) = self.claim.clone() else { return };
        let held = |id: &_| self.queue.contains(id);
        match load::page(&self.shared, &self.slot, &claim, (count_max, held)).await {
            Ok((open, beyond)) => {
                self.beyond = beyond;
                self.now = self.shared.clock.now();
                self.slot.early.note(&open, self.now);
                for open in open {
                    self.hold(open);
                }
            }
            Err(error) => self.load_later(&error),
        }
    }
}

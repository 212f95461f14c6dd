//! What an actor of a target has decided, and not written down yet.

use std::time::Duration;

use fanfare_sdk::Timestamp;

use super::{Slot, attempt::Order, slot::Permit};
use crate::{
    journal::{Entry, Open},
    report::{DeliveryId, Outcome},
    telemetry,
};

/// What was decided and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) entries: Vec<Entry>,
    pub(super) orders: Vec<(Box<Order>, Permit)>,
    pub(super) moved: Vec<Open>,
    pub(super) settled: Vec<Settled>,
}

impl Decided {
    /// Something to write down. Mostly it is alone: a vector would begin with room for four.
    pub(super) fn write(&mut self, entry: Entry) {
        if self.entries.capacity() == 0 {
            self.entries.reserve_exact(1);
        }
        self.entries.push(entry);
    }
}

/// A delivery that ends.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) id: DeliveryId,
    pub(super) outcome: Outcome,
    /// When it was accepted, where that is known here.
    pub(super) accepted: Option<Timestamp>,
}

impl Settled {
    /// Tells that it has ended now.
    pub(super) fn tell(&self, slot: &Slot, now: Timestamp) {
        telemetry::settled(&self.id, self.outcome);
        if let Some(observer) = &slot.observer {
            let took = self.accepted.map_or(Duration::ZERO, |accepted| now.since(accepted));
            observer.delivery_settled(&self.id.recipient, self.outcome, took);
        }
    }
}

//! What an actor of a target has decided, and not written down yet.

use std::{sync::Arc, time::Duration};

use fanfare_sdk::Timestamp;

use super::{Slot, attempt::Order, slot::Permit};
use crate::{
    journal::{Entry, NewBroadcast, Open},
    report::{DeliveryId, Happening, Outcome, What},
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

/// What is known of a delivery that is held.
#[derive(Clone, Debug)]
pub(super) struct Known {
    broadcast: Arc<NewBroadcast>,
    place: usize,
}

/// A delivery that ends.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) id: DeliveryId,
    pub(super) outcome: Outcome,
    /// Its broadcast, where that is known here.
    pub(super) known: Option<Known>,
}

impl Known {
    pub(super) fn of(open: &Open) -> Self {
        Self { broadcast: open.broadcast.clone(), place: open.place }
    }

    /// The ids of its trace and of its span.
    fn span(&self) -> ([u8; 16], [u8; 8]) {
        (self.broadcast.trace.trace_id, self.broadcast.recipients[self.place].span_id)
    }
}

impl Settled {
    /// Tells that it has ended now.
    pub(super) fn tell(&self, slot: &Slot, now: Timestamp) {
        let span = self.known.as_ref().map(Known::span);
        telemetry::settled(&self.id, span.as_ref(), self.outcome);
        let broadcast = self.known.as_ref().map(|known| &known.broadcast);
        let took = || broadcast.map_or(Duration::ZERO, |it| now.since(it.accepted_at));
        if let Some(observer) = &slot.observer {
            observer.delivery_settled(&self.id.recipient, self.outcome, took());
        }
        slot.live.tell(|| Happening {
            at: now,
            broadcast: Some(self.id.broadcast),
            route: broadcast.and_then(|broadcast| broadcast.route.clone()),
            what: What::DeliverySettled {
                recipient: self.id.recipient.clone(),
                outcome: self.outcome,
                took: took(),
            },
        });
    }
}

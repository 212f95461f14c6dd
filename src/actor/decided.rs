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

/// What is known of a delivery that is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) accepted: Timestamp,
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
}

/// A delivery that ends.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) id: DeliveryId,
    pub(super) outcome: Outcome,
    /// When it was accepted, and its trace and span, where that is known here.
    pub(super) known: Option<Known>,
}

impl Known {
    pub(super) fn of(open: &Open) -> Self {
        let (trace_id, accepted) = (open.broadcast.trace.trace_id, open.broadcast.accepted_at);
        Self { accepted, trace_id, span_id: open.recipient().span_id }
    }
}

impl Settled {
    /// Tells that it has ended now.
    pub(super) fn tell(&self, slot: &Slot, now: Timestamp) {
        let span = self.known.map(|it| (it.trace_id, it.span_id));
        telemetry::settled(&self.id, span.as_ref(), self.outcome);
        if let Some(observer) = &slot.observer {
            let took = self.known.map_or(Duration::ZERO, |it| now.since(it.accepted));
            observer.delivery_settled(&self.id.recipient, self.outcome, took);
        }
    }
}

//! Somebody wants deliveries to end.

use fanfare_sdk::Timestamp;

use super::{load, target::TargetState};
use crate::report::{CancelledBy, DeliveryId, Event};

impl TargetState {
    /// Somebody wants a delivery to end. One that is not here has ended, or is on its way: here, or to another one.
    pub(super) async fn cancel(&mut self, id: &DeliveryId, (by, at): (CancelledBy, Timestamp)) {
        if self.queue.contains(id) {
            return self.learn(id, Event::CancelAsked { by, at });
        }
        // It may have ended, or been handed over, in what is being written: it is looked at when that is done.
        if self.is_writing() {
            return self.cancels.push((id.clone(), by, at));
        }
        match load::one(&self.shared, &self.slot, id).await {
            Ok(Some(open)) if open.serving != self.slot.name => {
                self.shared.cancel(&open.serving, id, (by, at));
            }
            // Whoever has no claim will load it.
            Ok(Some(_)) if self.claim.is_none() => {}
            Ok(Some(open)) if self.shared.journal.waits() => {
                self.now = self.shared.clock.now();
                // The hint may still be on its way.
                self.slot.early.note(std::slice::from_ref(&open), self.now);
                self.hold(open);
            }
            Ok(Some(_)) => self.load().await,
            Ok(None) => {}
            Err(error) => self.load_later(&error),
        }
    }
}

//! Deliveries that were found in the journal before their actor was told of them: the hint is still on its way, and may
//! come when they have settled. Outlives the actor.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fanfare_sdk::Timestamp;

use crate::{
    journal::Open,
    report::{DeliveryId, IdMap},
};

/// A hint that has not come by then has died with another actor.
const HINT_MAX: Duration = Duration::from_secs(60);

/// The deliveries, and when they were accepted.
#[derive(Debug, Default)]
pub(super) struct Early(Mutex<IdMap<DeliveryId, Timestamp>>);

impl Early {
    /// They were loaded at that time. Whatever has a history was told of, or is noted already.
    pub(super) fn note(&self, open: &[Open], now: Timestamp) {
        let recent = |accepted: Timestamp| now.since(accepted) < HINT_MAX;
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|_, accepted| recent(*accepted));
        for open in open {
            let accepted = open.broadcast.accepted_at;
            if open.history.events().is_empty() && recent(accepted) {
                noted.insert(open.id(), accepted);
            }
        }
    }

    /// The hint has come; whether the delivery was known before.
    pub(super) fn told(&self, open: &Open) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !noted.is_empty() && noted.remove(&open.id()).is_some()
    }
}

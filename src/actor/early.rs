//! Deliveries that were found in the journal before their actor was told of them: the hint is still on its way, and may
//! come when they have settled. Outlives the actor.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fanfare_sdk::Timestamp;

use crate::{
    journal::Open,
    report::{DeliveryId, Event, IdMap},
};

/// A hint that has not come by then has died with another actor.
const HINT_MAX: Duration = Duration::from_secs(60);

/// The deliveries, and when the hint was sent.
#[derive(Debug, Default)]
pub(super) struct Early(Mutex<IdMap<DeliveryId, Timestamp>>);

impl Early {
    /// They were loaded at that time. A hint follows an acceptance and a hand-over; where an attempt was made since, it
    /// has come, or is noted already.
    pub(super) fn note(&self, open: &[Open], now: Timestamp) {
        let recent = |told_at: Timestamp| now.since(told_at) < HINT_MAX;
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.retain(|_, told_at| recent(*told_at));
        for open in open {
            let wished =
                |event: &&Event| !matches!(event, Event::CancelAsked { .. } | Event::FellBack(_));
            let told_at = match open.history.events().iter().rfind(wished) {
                None => open.broadcast.accepted_at,
                Some(Event::Moved { at, .. }) => *at,
                Some(_) => continue,
            };
            if recent(told_at) {
                noted.insert(open.id(), told_at);
            }
        }
    }

    /// The hint has come; whether the delivery was known before.
    pub(super) fn told(&self, open: &Open) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !noted.is_empty() && noted.remove(&open.id()).is_some()
    }
}

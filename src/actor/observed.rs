//! Broadcasts whose end is still to be told to the observer. Outlives every coordinator, so that each is told once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Until;
use crate::{
    report::{BroadcastId, IdMap, Report},
    telemetry::Observer,
};

/// Broadcasts whose end is still to be told to the observer.
pub(crate) struct Observed {
    observer: Arc<dyn Observer>,
    // Invariant: none once the engine is gone. As many as are open, which the journal bounds.
    open: Mutex<Option<IdMap<BroadcastId, ()>>>,
}

impl Observed {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, open: Mutex::new(Some(IdMap::default())) }
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.observer
    }

    /// The same, to be kept.
    pub(crate) fn shared_observer(&self) -> Arc<dyn Observer> {
        self.observer.clone()
    }

    /// It is open, or about to be accepted.
    pub(crate) fn watch(&self, id: BroadcastId) {
        if let Some(open) = &mut *self.open() {
            open.insert(id, ());
        }
    }

    pub(crate) fn watches(&self, id: BroadcastId) -> bool {
        self.open().as_ref().is_some_and(|open| open.contains_key(&id))
    }

    /// It is not known (any more).
    pub(crate) fn forget(&self, id: BroadcastId) {
        self.take(id);
    }

    /// Tells its end, where it has ended and nobody has told it before.
    pub(crate) fn tell(&self, report: &Report) {
        if Until::Settled.is_over(report) && self.take(report.id) {
            self.observer.broadcast_settled(report);
        }
    }

    /// The broadcasts that are watched.
    pub(crate) fn watched(&self) -> Vec<BroadcastId> {
        let mut ids: Vec<_> = self.open().iter().flat_map(IdMap::keys).copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The engine is gone: nothing more is watched.
    pub(crate) fn close(&self) {
        *self.open() = None;
    }

    /// Whether it was watched; no longer from here on.
    fn take(&self, id: BroadcastId) -> bool {
        self.open().as_mut().is_some_and(|open| open.remove(&id).is_some())
    }

    fn open(&self) -> MutexGuard<'_, Option<IdMap<BroadcastId, ()>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open().as_ref().map(IdMap::len);
        f.debug_struct("Observed").field("open", &open).finish_non_exhaustive()
    }
}

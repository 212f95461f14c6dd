//! Broadcasts whose verdict or end is still to be told to whoever looks on. Outlives every coordinator, so that each is told once.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fanfare_sdk::Timestamp;

use super::Until;
use crate::{
    report::{BroadcastId, Happening, IdMap, Report, What},
    telemetry::{Live, Observer},
};

/// Broadcasts whose verdict or end is still to be told.
pub(crate) struct Observed {
    observer: Option<Arc<dyn Observer>>,
    live: Live,
    /// Verdicts before were told in another life of the process.
    since: Timestamp,
    // Invariant: none once the engine is gone. As many as are open, which the journal bounds.
    // With whether its verdict was told.
    open: Mutex<Option<IdMap<BroadcastId, bool>>>,
}

impl Observed {
    /// None where nobody wants to be told.
    pub(crate) fn new(
        observer: Option<Arc<dyn Observer>>,
        live: Live,
        since: Timestamp,
    ) -> Option<Self> {
        let wanted = observer.is_some() || live.is_there();
        wanted.then(|| Self { observer, live, since, open: Mutex::new(Some(IdMap::default())) })
    }

    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        self.observer.as_deref()
    }

    /// The same, to be kept.
    pub(crate) fn shared_observer(&self) -> Option<Arc<dyn Observer>> {
        self.observer.clone()
    }

    /// It is open, or about to be accepted.
    pub(crate) fn watch(&self, id: BroadcastId) {
        if let Some(open) = &mut *self.open() {
            open.entry(id).or_insert(false);
        }
    }

    pub(crate) fn watches(&self, id: BroadcastId) -> bool {
        self.open().as_ref().is_some_and(|open| open.contains_key(&id))
    }

    /// It is not known (any more).
    pub(crate) fn forget(&self, id: BroadcastId) {
        self.take(id);
    }

    /// Tells its verdict, and its end, where they are there and nobody has told them before.
    pub(crate) fn tell(&self, report: &Report) {
        if self.live.is_there() {
            self.tell_verdict(report);
        }
        if Until::Settled.is_over(report) && self.take(report.id) {
            if let Some(observer) = &self.observer {
                observer.broadcast_settled(report);
            }
            let at = report.settled_at.or(report.verdict.map(|it| it.at)).unwrap_or_default();
            let took = at.since(report.accepted_at);
            self.live.tell(|| happening(report, at, What::BroadcastSettled { took }));
        }
    }

    fn tell_verdict(&self, report: &Report) {
        let Some(verdict) = report.verdict.filter(|verdict| verdict.at >= self.since) else {
            return;
        };
        let told = self
            .open()
            .as_mut()
            .and_then(|open| open.get_mut(&report.id).map(|told| std::mem::replace(told, true)));
        if told == Some(false) {
            self.live.tell(|| happening(report, verdict.at, What::VerdictFallen(verdict)));
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

    fn open(&self) -> MutexGuard<'_, Option<IdMap<BroadcastId, bool>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn happening(report: &Report, at: Timestamp, what: What) -> Happening {
    Happening { at, broadcast: Some(report.id), route: report.route.clone(), what }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.open().as_ref().map(IdMap::len);
        f.debug_struct("Observed").field("open", &open).finish_non_exhaustive()
    }
}

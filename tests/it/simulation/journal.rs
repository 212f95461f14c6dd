//! A journal that fails, hesitates, and tells a test of every call, before and after.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use fanfare::{
    journal::{
        Accepted, Claim, Committed, DeadLetter, Entry, Journal, JournalError, MemoryJournal,
        MemoryLimits, NewBroadcast, Page,
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, Report},
};
use fanfare_sdk::{TargetName, Timestamp, async_trait};

use super::world::hash;

type Hook = Box<dyn Fn(u64) + Send + Sync>;

/// A journal in memory with faults.
pub(super) struct SimJournal {
    inner: MemoryJournal,
    seed: u64,
    /// Out of a hundred calls, how many meet a fault.
    faults: u64,
    calls: AtomicU64,
    hook: Mutex<Option<Hook>>,
    pub(super) accepted: Mutex<Vec<BroadcastId>>,
}

enum Fault {
    None,
    Unavailable,
    /// Written, but the answer was lost.
    UnknownWritten,
    UnknownNotWritten,
}

impl SimJournal {
    pub(super) fn new(seed: u64, faults: u64) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryJournal::new(MemoryLimits::default()),
            seed,
            faults,
            calls: AtomicU64::new(0),
            hook: Mutex::new(None),
            accepted: Mutex::default(),
        })
    }

    /// Calls this with a number before and after every call.
    pub(super) fn set_hook(&self, hook: impl Fn(u64) + Send + Sync + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// The moments before and after calls so far.
    pub(super) fn moments(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn fault(&self, call: u64) -> Fault {
        let drawn = hash(self.seed, "journal", u32::try_from(call).unwrap()) % 100;
        match (drawn < self.faults, drawn % 3) {
            (false, _) => Fault::None,
            (true, 0) => Fault::Unavailable,
            (true, 1) => Fault::UnknownWritten,
            (true, _) => Fault::UnknownNotWritten,
        }
    }

    /// Lets others run, as a disk would, and tells the test.
    async fn moment(&self) -> u64 {
        let moment = self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(hook) = &*self.hook.lock().unwrap() {
            hook(moment);
        }
        tokio::task::yield_now().await;
        moment
    }

    async fn through<T>(
        &self,
        work: impl AsyncFnOnce() -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let fault = self.fault(u64::from(u32::try_from(self.moment().await).unwrap()));
        match fault {
            Fault::Unavailable => return Err(JournalError::Unavailable),
            Fault::UnknownNotWritten => return Err(JournalError::Unknown),
            Fault::UnknownWritten | Fault::None => {}
        }
        let done = work().await;
        self.moment().await;
        match fault {
            Fault::UnknownWritten => Err(JournalError::Unknown),
            Fault::Unavailable | Fault::UnknownNotWritten | Fault::None => done,
        }
    }
}

#[async_trait]
impl Journal for SimJournal {
    /// Never fails here: what was not accepted is not part of the promises.
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        self.accepted.lock().unwrap().push(broadcast.id);
        self.moment().await;
        let accepted = self.inner.accept(broadcast).await;
        self.moment().await;
        accepted
    }

    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError> {
        self.through(async || self.inner.claim(serving, boot, now).await).await
    }

    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        self.through(async || self.inner.due(claim, until, count_max).await).await
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.through(async || self.inner.append(claim, entries, now).await).await
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        self.through(async || self.inner.record(id, fact).await).await
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.moment().await;
        self.inner.ask_cancel(id, by, now).await
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        self.through(async || self.inner.judge(id, now).await).await
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        self.moment().await;
        self.inner.view(id).await
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        self.inner.open_broadcasts().await
    }

    async fn dead_letters(&self, count_max: usize) -> Result<Vec<DeadLetter>, JournalError> {
        self.inner.dead_letters(count_max).await
    }
}

impl fmt::Debug for SimJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimJournal").finish_non_exhaustive()
    }
}

//! A journal that fails, hesitates, tells a test of every call, before and after, and keeps all that was written.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use fanfare::{
    journal::{
        Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, Journal,
        JournalError, Letters, Mark, MemoryJournal, MemoryLimits, NewBroadcast, Open, Page,
        SqliteJournal, SqliteSettings, Summary,
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, NoticeOf, Report, Verdict},
};
use fanfare_sdk::{TargetName, Timestamp, async_trait};
use tempfile::TempDir;

use super::{scenario::Store, world::hash};

/// Moments in which any run is over: some thousands are usual.
const MOMENTS_MAX: u64 = 300_000;

type Hook = Box<dyn Fn(u64) + Send + Sync>;

/// A journal in memory with faults.
pub(super) struct SimJournal {
    inner: Box<dyn Journal>,
    store: Store,
    _folder: Option<TempDir>,
    seed: u64,
    /// Out of a hundred calls, how many meet a fault.
    faults: u64,
    calls: AtomicU64,
    hook: Mutex<Option<Hook>>,
    facts: Mutex<Vec<Fact>>,
}

/// One thing that was written, and when.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum What {
    Accepted(Arc<NewBroadcast>),
    Appended(Entry),
    Recorded(DeliveryId, Event),
    Asked(BroadcastId, CancelledBy),
    /// The wish to end stands in that delivery from here on.
    Cancelled(DeliveryId),
    Verdict(BroadcastId, Verdict),
}

enum Fault {
    None,
    Unavailable,
    /// Written, but the answer was lost.
    UnknownWritten,
    UnknownNotWritten,
}

impl SimJournal {
    pub(super) fn new(seed: u64, faults: u64, store: Store) -> Arc<Self> {
        // In memory where there is such a folder: what is played is not the disk.
        let folder = || TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        let folder = (store == Store::Sqlite).then(folder);
        let inner: Box<dyn Journal> = match &folder {
            Some(folder) => {
                let settings = SqliteSettings::new(folder.path().join("journal.db"));
                Box::new(SqliteJournal::inline(settings).unwrap())
            }
            None => Box::new(MemoryJournal::new(MemoryLimits::default())),
        };
        Arc::new(Self {
            inner,
            store,
            _folder: folder,
            seed,
            faults,
            calls: AtomicU64::new(0),
            hook: Mutex::new(None),
            facts: Mutex::default(),
        })
    }

    /// Calls this with a number before and after every call.
    #[cfg(test)]
    pub(super) fn set_hook(&self, hook: impl Fn(u64) + Send + Sync + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// The moments before and after calls so far.
    #[cfg(test)]
    pub(super) fn moments(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// All that was written so far, in order.
    pub(super) fn facts(&self) -> Vec<Fact> {
        self.facts.lock().unwrap().clone()
    }

    /// What stands in it, without a fault.
    pub(super) async fn written(&self, id: BroadcastId) -> Report {
        self.inner.view(id).await.unwrap().unwrap()
    }

    /// Whether nothing is open, and nothing owed.
    pub(super) async fn is_at_rest(&self) -> bool {
        let (open, owing) = (self.inner.open_broadcasts().await, self.inner.owing().await);
        open.unwrap().is_empty() && owing.unwrap().is_empty()
    }

    fn note(&self, at: Timestamp, what: What) {
        self.facts.lock().unwrap().push(Fact { at, what });
    }

    fn note_committed(&self, at: Timestamp, committed: &Committed) {
        for (id, verdict) in &committed.verdicts {
            self.note(at, What::Verdict(*id, *verdict));
        }
        for (_, id) in &committed.cancelled {
            self.note(at, What::Cancelled(id.clone()));
        }
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
        if moment > MOMENTS_MAX {
            // Whoever never rests is stopped, and has broken a promise.
            std::future::pending::<()>().await;
        }
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
    fn waits(&self) -> bool {
        self.store != Store::Memory
    }

    /// Fails for notices only: what was not accepted of others is not part of the promises.
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        let is_notice = broadcast.notice_of.is_some();
        let accept = async || {
            let accepted = self.inner.accept(broadcast.clone()).await;
            if let Ok(Accepted::New(new)) = &accepted {
                self.note(new.accepted_at, What::Accepted(new.clone()));
            }
            accepted
        };
        if is_notice {
            return self.through(accept).await;
        }
        self.moment().await;
        let accepted = accept().await;
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

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError> {
        self.through(async || self.inner.delivery(id).await).await
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        let append = async || {
            let committed = self.inner.append(claim, entries.clone(), now).await?;
            for entry in entries {
                self.note(now, What::Appended(entry));
            }
            self.note_committed(now, &committed);
            Ok(committed)
        };
        self.through(append).await
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        let record = async || {
            self.inner.record(id, fact.clone()).await?;
            self.note(fact.at(), What::Recorded(id.clone(), fact));
            Ok(())
        };
        self.through(record).await
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.moment().await;
        let committed = self.inner.ask_cancel(id, by, now).await?;
        self.note(now, What::Asked(id, by));
        self.note_committed(now, &committed);
        Ok(committed)
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        let judge = async || {
            let committed = self.inner.judge(id, now).await?;
            self.note_committed(now, &committed);
            Ok(committed)
        };
        self.through(judge).await
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        self.through(async || self.inner.view(id).await).await
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        self.inner.open_broadcasts().await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError> {
        self.inner.dead_letters(filter, from, count_max).await
    }

    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError> {
        self.inner.discard(letters).await
    }

    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError> {
        self.inner.broadcasts(filter, before, count_max).await
    }

    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError> {
        self.inner.sent(id).await
    }

    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.inner.serving().await
    }

    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.through(async || self.inner.owing().await).await
    }

    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError> {
        self.through(async || self.inner.owed(target, count_max).await).await
    }

    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError> {
        self.inner.forgo(target).await
    }
}

impl fmt::Debug for SimJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimJournal").finish_non_exhaustive()
    }
}

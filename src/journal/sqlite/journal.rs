//! The journal itself: calls go to the writer, questions to a reader.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{
    OpenError, SqliteSettings,
    driver::{Driver, Tally, Trouble},
    error::Stop,
    letters, notices,
    open::{self, Lock},
    place,
    queries::{self, Held},
    retention::Keep,
    store::Store,
};
use crate::{
    journal::{
        Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, Journal,
        JournalError, Letters, Mark, NewBroadcast, Open, Page, Parked, Summary,
    },
    policy::gate::GateSnapshot,
    report::{
        Boot, BroadcastId, CancelledBy, DeliveryId, Event, Limit, NoticeOf, Report, Said, Usage,
        Written,
    },
};

/// A journal in a file: what it has accepted survives the process, and a loss of power.
///
/// # Cancel safety
///
/// A call whose future is dropped is carried out all the same, once the writer has it.
pub struct SqliteJournal {
    settings: SqliteSettings,
    /// Before the writer: the last one to close the file writes the log back, and a reader cannot.
    readers: Option<Arc<Readers>>,
    driver: Driver,
    held: Arc<Held>,
    trouble: Trouble,
    written: Tally,
    open: Arc<AtomicU64>,
    /// The last one to be let go.
    _lock: Lock,
}

/// Connections that read. What waits for one waits here, not on a thread.
struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl SqliteJournal {
    /// Opens the file, or makes it, and starts the writer's thread.
    ///
    /// # Errors
    /// Where another process has it, it is none of ours, or the disk does not do what it takes.
    pub fn open(settings: SqliteSettings) -> Result<Self, OpenError> {
        Self::start(settings, |store, settings, told| {
            let sizes = (settings.group_max, settings.waiting_max);
            Driver::thread(store, sizes, told)
        })
    }

    /// The same without a thread: every call is a commit of its own, in the thread of the caller. For simulations,
    /// whose clock stands still.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn inline(settings: SqliteSettings) -> Result<Self, OpenError> {
        let settings = SqliteSettings { readers: 0, ..settings };
        Self::start(settings, |store, _, told| Ok(Driver::inline(store, told)))
    }

    fn start(
        mut settings: SqliteSettings,
        driver: impl FnOnce(Store, &SqliteSettings, (&Trouble, &Tally)) -> std::io::Result<Driver>,
    ) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io { path: settings.path.clone(), source };
        settings.path = place::resolved(&settings.path).map_err(io)?;
        let path: &Path = &settings.path;
        let lock = Lock::take(path)?;
        let store = Store::open(&settings)?;
        let idle = std::iter::repeat_with(|| open::reader(path)).take(settings.readers);
        let idle = idle.collect::<Result<Vec<_>, _>>()?;
        let readers = (!idle.is_empty()).then(|| {
            let permits = Arc::new(Semaphore::new(idle.len()));
            Arc::new(Readers { idle: Mutex::new(idle), permits })
        });
        let held = Arc::new(Held::new(Arc::clone(&store.seals)));
        let (open, trouble) =
            (Arc::new(AtomicU64::new(store.open_deliveries())), Trouble::default());
        let written = Tally::default();
        let io = |source| OpenError::Io { path: path.to_owned(), source };
        let driver = driver(store, &settings, (&trouble, &written)).map_err(io)?;
        Ok(Self { settings, readers, driver, held, trouble, written, open, _lock: lock })
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Store) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, JournalError> {
        let open = Arc::clone(&self.open);
        let what = move |store: &mut Store| {
            let result = what(store);
            open.store(store.open_deliveries(), Ordering::Relaxed);
            result
        };
        self.driver.call(what).await
    }

    /// Asks a reader; without one, the writer.
    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Connection) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, JournalError> {
        let Some(readers) = self.readers.clone() else {
            return self.driver.call(|store| spared(what(&store.connection))).await;
        };
        match spared(readers.ask(what).await) {
            Ok(answer) => Ok(answer),
            Err(Stop::Refused(error)) => Err(error),
            Err(Stop::Failed(failure)) => {
                self.trouble.strike(failure, "the journal cannot be read");
                Err(JournalError::Unavailable)
            }
        }
    }
}

// === impl Readers ===

impl Readers {
    /// Asks on a thread for what blocks, and sees one state of the file throughout.
    async fn ask<T: Send + 'static>(
        self: Arc<Self>,
        what: impl FnOnce(&Connection) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let gone = || Stop::Refused(JournalError::Unavailable);
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone())?;
        let ask = move || {
            let _permit = permit;
            let connection = self.idle().pop().ok_or_else(gone)?;
            let answer = snapshot(&connection, what);
            self.idle().push(connection);
            answer
        };
        tokio::task::spawn_blocking(ask).await.unwrap_or_else(|_| Err(gone()))
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What concerns one broadcast does not stop the writer.
fn spared<T>(answer: Result<T, Stop>) -> Result<T, Stop> {
    match answer {
        Err(Stop::Failed(failure)) if failure.is_of_one() => {
            tracing::error!(target: "fanfare", error = %failure.says, "it cannot be read, and is left");
            Err(JournalError::Unreadable.into())
        }
        answer => answer,
    }
}

fn snapshot<T>(
    connection: &Connection,
    what: impl FnOnce(&Connection) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let reading = connection.unchecked_transaction()?;
    let answer = what(&reading);
    reading.finish()?;
    answer
}

// === impl Journal for SqliteJournal ===

#[async_trait]
impl Journal for SqliteJournal {
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        self.write(|store| store.accept(broadcast)).await
    }

    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError> {
        let serving = serving.clone();
        self.write(move |store| store.claim(&serving, boot, now)).await
    }

    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        let (claim, held) = (claim.clone(), Arc::clone(&self.held));
        self.read(move |file| queries::due(file, &held, &claim, (until, count_max))).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError> {
        let (id, held) = (id.clone(), Arc::clone(&self.held));
        self.read(move |file| Ok(queries::delivery(file, &held, &id)?)).await
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        let claim = claim.clone();
        self.write(move |store| store.append(&claim, entries, now)).await
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        let id = id.clone();
        self.write(move |store| store.record(&id, fact)).await
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.write(move |store| store.ask_cancel(id, by, now)).await
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        self.write(move |store| store.judge(id, now)).await
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        let held = Arc::clone(&self.held);
        self.read(move |file| Ok(queries::view(file, &held.seals, id)?)).await
    }

    async fn said_last(&self, id: &DeliveryId) -> Result<Option<Said>, JournalError> {
        let (held, id) = (Arc::clone(&self.held), id.clone());
        self.read(move |file| Ok(queries::said_last(file, &held.seals, &id)?)).await
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        self.read(|file| Ok(queries::open_broadcasts(file)?)).await
    }

    async fn parked(&self, until: Timestamp, count_max: usize) -> Result<Parked, JournalError> {
        self.read(move |file| Ok(letters::parked(file, until, count_max)?)).await
    }

    async fn unpark(&self, letter: &DeliveryId) -> Result<(), JournalError> {
        let letter = letter.clone();
        self.write(move |store| store.unpark(&letter)).await
    }

    fn parks(&self) -> bool {
        true
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError> {
        let filter = filter.clone();
        self.read(move |file| Ok(queries::dead_letters(file, &filter, (from, count_max))?)).await
    }

    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError> {
        let letters = letters.to_vec();
        self.write(move |store| store.discard(&letters)).await
    }

    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError> {
        let filter = filter.clone();
        self.read(move |file| Ok(queries::broadcasts(file, &filter, (before, count_max))?)).await
    }

    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError> {
        let held = Arc::clone(&self.held);
        self.read(move |file| Ok(queries::sent(file, &held.seals, id)?)).await
    }

    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.read(|file| Ok(queries::serving(file)?)).await
    }

    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.read(|file| Ok(notices::owing(file)?)).await
    }

    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError> {
        let target = target.clone();
        self.read(move |file| Ok(notices::owed(file, &target, count_max)?)).await
    }

    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError> {
        let target = target.clone();
        self.write(move |store| store.forgo(&target)).await
    }

    async fn boot(&self, _: Timestamp) -> Result<Boot, JournalError> {
        self.write(Store::boot).await
    }

    async fn keep_gate(&self, target: &TargetName, kept: GateSnapshot) -> Result<(), JournalError> {
        let target = target.clone();
        self.write(move |store| store.keep_gate(&target, &kept)).await
    }

    async fn gates(&self) -> Result<Vec<(TargetName, GateSnapshot)>, JournalError> {
        self.read(|file| Ok(queries::gates(file)?)).await
    }

    async fn prune(&self, now: Timestamp) -> Result<bool, JournalError> {
        let keep = Keep::of(&self.settings);
        self.write(move |store| store.prune(&keep, now)).await
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.says()
    }

    fn written(&self) -> Written {
        self.written.written(&self.trouble)
    }

    fn usage(&self) -> Vec<Usage> {
        vec![Usage {
            limit: Limit::DeliveriesOpen,
            target: None,
            used: self.open.load(Ordering::Relaxed),
            max: self.settings.deliveries_open_max,
        }]
    }
}

impl fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteJournal").field(&self.settings.path).finish()
    }
}

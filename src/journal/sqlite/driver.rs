//! Who calls the store: a thread that commits in groups, or, for a simulation, the caller itself.

use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::sync::{mpsc, oneshot};

use super::{
    error::{Failure, Stop},
    store::Store,
};
use crate::{journal::JournalError, report::Written};

/// Something to be done in a transaction. What it gives is called when that transaction has ended.
type Task = Box<dyn FnOnce(&mut Store) -> Result<Answer, Failure> + Send>;

/// A commit that is written down and changes nothing.
const RETRY: &str = "UPDATE counter SET value = value WHERE name = 'boot'";

/// Told how the transaction ended.
type Answer = Box<dyn FnOnce(Result<(), JournalError>) + Send>;

/// Why nothing can be written; none while all is well.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<Failure>>>);

#[derive(Debug)]
pub(super) enum Driver {
    Thread { tasks: mpsc::Sender<Task>, thread: Option<thread::JoinHandle<()>> },
    Inline(Box<Mutex<Committer>>),
}

/// The store, and whether it may still be used.
#[derive(Debug)]
pub(super) struct Committer {
    store: Store,
    trouble: Trouble,
    written: Tally,
}

/// What was committed.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<(AtomicU64, AtomicU64)>);

impl Tally {
    fn add(&self, calls: usize) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
        self.0.1.fetch_add(calls as u64, Ordering::Relaxed);
    }

    pub(super) fn written(&self, trouble: &Trouble) -> Written {
        let (commits, calls) = &*self.0;
        let (commits, calls) = (commits.load(Ordering::Relaxed), calls.load(Ordering::Relaxed));
        Written { commits, calls, in_trouble: trouble.says().is_some() }
    }
}

impl Driver {
    /// A thread that ends when the driver is dropped, after all that waits has been committed.
    pub(super) fn thread(
        store: Store,
        (group_max, waiting_max): (usize, usize),
        (trouble, written): (&Trouble, &Tally),
    ) -> io::Result<Self> {
        let (tasks, mut waiting) = mpsc::channel(waiting_max.max(1));
        let mut committer = Committer { store, trouble: trouble.clone(), written: written.clone() };
        let run = move || {
            let mut group = Vec::with_capacity(group_max);
            while waiting.blocking_recv_many(&mut group, group_max.max(1)) > 0 {
                committer.commit(group.drain(..));
            }
        };
        let thread = thread::Builder::new().name("fanfare-journal".to_owned()).spawn(run)?;
        Ok(Self::Thread { tasks, thread: Some(thread) })
    }

    /// In the thread of whoever calls: each call is a commit, and nothing runs beside it.
    pub(super) fn inline(store: Store, (trouble, written): (&Trouble, &Tally)) -> Self {
        let (trouble, written) = (trouble.clone(), written.clone());
        Self::Inline(Box::new(Mutex::new(Committer { store, trouble, written })))
    }

    /// Does it in a transaction, and gives its result when that is committed.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Store) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, JournalError> {
        let (sender, receiver) = oneshot::channel();
        let task: Task = Box::new(move |store| {
            let result = match what(store) {
                Ok(value) => Ok(value),
                Err(Stop::Refused(error)) => Err(error),
                Err(Stop::Failed(failure)) => {
                    // The caller hears of it with all others.
                    drop(sender);
                    return Err(failure);
                }
            };
            Ok(Box::new(move |ended: Result<(), JournalError>| {
                drop(sender.send(ended.and(result)));
            }) as Answer)
        });
        match self {
            Self::Thread { tasks, .. } => {
                tasks.send(task).await.map_err(|_| JournalError::Unavailable)?;
            }
            Self::Inline(committer) => lock(committer).commit(std::iter::once(task)),
        }
        receiver.await.unwrap_or(Err(JournalError::Unavailable))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Self::Thread { tasks, thread } = self {
            // Without a sender the thread ends.
            *tasks = mpsc::channel(1).0;
            if let Some(thread) = thread.take() {
                drop(thread.join());
            }
        }
    }
}

impl Committer {
    /// One transaction for all of them.
    fn commit(&mut self, tasks: impl Iterator<Item = Task>) {
        if self.trouble.is_lasting() {
            // A commit that failed may have left the file behind what we believe: only a restart knows.
            tasks.for_each(drop);
            return;
        }
        if let Err(failure) = self.try_again() {
            // Certainly nothing of it is written.
            tasks.for_each(drop);
            self.roll_back(failure);
            return;
        }
        let mut answers = Vec::new();
        let mut ended = self.begin();
        for task in tasks {
            // After a failure nothing more is tried: the tasks are dropped, and their callers told.
            if ended.is_ok() {
                ended = task(&mut self.store).map(|answer| answers.push(answer));
            }
        }
        let mut told = Ok(());
        if ended.is_ok() {
            ended = self.end();
            told = Err(JournalError::Unknown);
        }
        match ended {
            Ok(()) => {
                told = Ok(());
                self.trouble.heal();
                self.written.add(answers.len());
            }
            Err(failure) => {
                told = told.and(Err(JournalError::Unavailable));
                self.roll_back(failure);
            }
        }
        for answer in answers {
            answer(told);
        }
    }

    fn begin(&self) -> Result<(), Failure> {
        Ok(self.store.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// What is committed into a file that nobody finds again is not written.
    fn end(&mut self) -> Result<(), Failure> {
        self.store.connection.execute_batch("COMMIT")?;
        self.store.place.check()
    }

    /// After a failure that may heal, a commit that changes nothing comes first: whoever is refused because of it knows that
    /// nothing was written, which a commit of his own that fails could not tell.
    fn try_again(&mut self) -> Result<(), Failure> {
        if self.trouble.says().is_none() {
            return Ok(());
        }
        self.begin()?;
        self.store.connection.execute_batch(RETRY)?;
        self.end()
    }

    fn roll_back(&mut self, failure: Failure) {
        // Where SQLite has rolled back by itself, there is nothing to roll back.
        if !self.store.connection.is_autocommit() {
            drop(self.store.connection.execute_batch("ROLLBACK"));
        }
        let recalled = self.store.recall();
        let failure = match recalled {
            Err(worse) if failure.may_heal => worse,
            _ => failure,
        };
        self.trouble.strike(failure, "the journal cannot be written");
    }
}

impl Trouble {
    /// What it is; none while all is well.
    pub(super) fn says(&self) -> Option<String> {
        self.get().as_ref().map(|failure| failure.says.clone())
    }

    fn is_lasting(&self) -> bool {
        self.get().as_ref().is_some_and(|failure| !failure.may_heal)
    }

    /// Something is wrong. What lasts is not forgotten for what may heal, and the same is told once.
    pub(super) fn strike(&self, failure: Failure, what: &'static str) {
        let mut trouble = self.get();
        if trouble.as_ref().is_some_and(|known| *known == failure || !known.may_heal) {
            return;
        }
        let (error, may_heal) = (&failure.says, failure.may_heal);
        tracing::error!(target: "fanfare", %error, may_heal, "{what}");
        *trouble = Some(failure);
    }

    /// All is well again, unless it cannot be.
    fn heal(&self) {
        let mut trouble = self.get();
        if trouble.as_ref().is_some_and(|failure| failure.may_heal) {
            tracing::info!(target: "fanfare", "the journal can be written again");
            *trouble = None;
        }
    }

    fn get(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

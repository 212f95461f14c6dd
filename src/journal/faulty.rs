//! A journal with faults, to prove those who use one.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use fanfare_sdk::{TargetName, Timestamp};
use futures_util::future::BoxFuture;

use super::{
    Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, Journal, JournalError,
    Letters, Mark, NewBroadcast, Open, Page, Parked, Summary,
};
use crate::{
    policy::gate::GateSnapshot,
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, NoticeOf, Report, Usage, Written},
};

/// Passes every call on to another journal, except where its plan says otherwise.
///
/// The plan is asked once for each call, in the order of the calls: the same calls and the same plan give the
/// same faults.
pub struct FaultyJournal<J: ?Sized> {
    inner: Arc<J>,
    plan: Mutex<Plan>,
}

type Plan = Box<dyn FnMut(Call) -> Fault + Send>;

/// Which method is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Call {
    /// [`Journal::accept`].
    Accept,
    /// [`Journal::claim`].
    Claim,
    /// [`Journal::due`] and [`Journal::delivery`].
    Due,
    /// [`Journal::append`].
    Append,
    /// [`Journal::record`].
    Record,
    /// [`Journal::ask_cancel`].
    AskCancel,
    /// [`Journal::judge`].
    Judge,
    /// [`Journal::view`].
    View,
    /// [`Journal::open_broadcasts`].
    OpenBroadcasts,
    /// [`Journal::dead_letters`].
    DeadLetters,
    /// [`Journal::discard`].
    Discard,
    /// [`Journal::broadcasts`].
    Broadcasts,
    /// [`Journal::sent`].
    Sent,
    /// [`Journal::serving`].
    Serving,
    /// [`Journal::owing`] and [`Journal::owed`].
    Owed,
    /// [`Journal::forgo`].
    Forgo,
    /// [`Journal::keep_gate`].
    KeepGate,
}

/// What becomes of one call.
pub struct Fault {
    applied: bool,
    error: Option<JournalError>,
    before: Option<BoxFuture<'static, ()>>,
    after: Option<BoxFuture<'static, ()>>,
}

impl<J: Journal + ?Sized> FaultyJournal<J> {
    /// Puts the plan in front of a journal.
    pub fn new(inner: Arc<J>, plan: impl FnMut(Call) -> Fault + Send + 'static) -> Self {
        Self { inner, plan: Mutex::new(Box::new(plan)) }
    }

    async fn call<T: Send>(
        &self,
        call: Call,
        inner: impl Future<Output = Result<T, JournalError>> + Send,
    ) -> Result<T, JournalError> {
        let fault = (self.plan.lock().unwrap_or_else(PoisonError::into_inner))(call);
        if let Some(before) = fault.before {
            before.await;
        }
        let answer = if fault.applied { Some(inner.await) } else { None };
        if let Some(after) = fault.after {
            after.await;
        }
        match (fault.error, answer) {
            (None, Some(answer)) => answer,
            // A refusal is not in doubt: it would have been the same without the fault.
            (Some(JournalError::Unknown), Some(Err(refused))) => Err(refused),
            (Some(error), _) => Err(error),
            (None, None) => Err(JournalError::Unavailable),
        }
    }
}

impl<J: fmt::Debug + ?Sized> fmt::Debug for FaultyJournal<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FaultyJournal").field(&&*self.inner).finish()
    }
}

// === impl Fault ===

impl Fault {
    /// None: the call is passed on.
    #[must_use]
    pub const fn none() -> Self {
        Self { applied: true, error: None, before: None, after: None }
    }

    /// Nothing is written, and the caller gets this error.
    #[must_use]
    pub const fn refused(error: JournalError) -> Self {
        Self { applied: false, error: Some(error), before: None, after: None }
    }

    /// Nothing is written, and the caller knows: [`JournalError::Unavailable`].
    #[must_use]
    pub const fn unavailable() -> Self {
        Self::refused(JournalError::Unavailable)
    }

    /// It is written, but the caller cannot know: [`JournalError::Unknown`].
    #[must_use]
    pub const fn unknown_but_written() -> Self {
        let error = Some(JournalError::Unknown);
        Self { applied: true, error, before: None, after: None }
    }

    /// Nothing is written, but the caller cannot know: [`JournalError::Unknown`].
    #[must_use]
    pub const fn unknown_and_not_written() -> Self {
        Self::refused(JournalError::Unknown)
    }

    /// Waits before the call is passed on, for instance for `tokio::task::yield_now()`.
    #[must_use]
    pub fn before(mut self, wait: impl Future<Output = ()> + Send + 'static) -> Self {
        self.before = Some(Box::pin(wait));
        self
    }

    /// Waits before the call is answered.
    #[must_use]
    pub fn after(mut self, wait: impl Future<Output = ()> + Send + 'static) -> Self {
        self.after = Some(Box::pin(wait));
        self
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { applied, error, .. } = self;
        write!(f, "Fault(applied: {applied}, error: {error:?})")
    }
}

#[async_trait]
impl<J: Journal + ?Sized> Journal for FaultyJournal<J> {
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        self.call(Call::Accept, self.inner.accept(broadcast)).await
    }

    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError> {
        self.call(Call::Claim, self.inner.claim(serving, boot, now)).await
    }

    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        self.call(Call::Due, self.inner.due(claim, until, count_max)).await
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError> {
        self.call(Call::Due, self.inner.delivery(id)).await
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.call(Call::Append, self.inner.append(claim, entries, now)).await
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        self.call(Call::Record, self.inner.record(id, fact)).await
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.call(Call::AskCancel, self.inner.ask_cancel(id, by, now)).await
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        self.call(Call::Judge, self.inner.judge(id, now)).await
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        self.call(Call::View, self.inner.view(id)).await
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        self.call(Call::OpenBroadcasts, self.inner.open_broadcasts()).await
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError> {
        self.call(Call::DeadLetters, self.inner.dead_letters(filter, from, count_max)).await
    }

    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError> {
        self.call(Call::Discard, self.inner.discard(letters)).await
    }

    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError> {
        self.call(Call::Broadcasts, self.inner.broadcasts(filter, before, count_max)).await
    }

    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError> {
        self.call(Call::Sent, self.inner.sent(id)).await
    }

    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.call(Call::Serving, self.inner.serving()).await
    }

    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.call(Call::Owed, self.inner.owing()).await
    }

    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError> {
        self.call(Call::Owed, self.inner.owed(target, count_max)).await
    }

    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError> {
        self.call(Call::Forgo, self.inner.forgo(target)).await
    }

    async fn boot(&self, now: Timestamp) -> Result<Boot, JournalError> {
        self.inner.boot(now).await
    }

    async fn keep_gate(&self, target: &TargetName, kept: GateSnapshot) -> Result<(), JournalError> {
        self.call(Call::KeepGate, self.inner.keep_gate(target, kept)).await
    }

    async fn parked(&self, until: Timestamp, count_max: usize) -> Result<Parked, JournalError> {
        self.inner.parked(until, count_max).await
    }

    async fn unpark(&self, letter: &DeliveryId) -> Result<(), JournalError> {
        self.inner.unpark(letter).await
    }

    fn parks(&self) -> bool {
        self.inner.parks()
    }

    async fn gates(&self) -> Result<Vec<(TargetName, GateSnapshot)>, JournalError> {
        self.inner.gates().await
    }

    async fn prune(&self, now: Timestamp) -> Result<bool, JournalError> {
        self.inner.prune(now).await
    }

    fn trouble(&self) -> Option<String> {
        self.inner.trouble()
    }

    fn written(&self) -> Written {
        self.inner.written()
    }

    fn waits(&self) -> bool {
        self.inner.waits()
    }

    fn usage(&self) -> Vec<Usage> {
        self.inner.usage()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_sdk::Timestamp;

    use super::{Call, Fault, FaultyJournal};
    use crate::{
        journal::{Journal, JournalError, MemoryJournal, conformance},
        report::Boot,
    };

    #[tokio::test]
    async fn without_faults_it_is_a_journal() {
        let waits = || Fault::none().before(tokio::task::yield_now());
        let make = async || {
            let inner = Arc::new(MemoryJournal::default());
            FaultyJournal::new(inner, move |_| waits().after(tokio::task::yield_now()))
        };
        let broken = conformance::run(make).await;
        assert!(broken.is_empty(), "{broken:#?}");
    }

    /// Claims with each fault, and says by the next epoch whether that was written.
    #[tokio::test]
    async fn the_plan_decides_call_by_call() {
        let cases = [
            (Fault::none as fn() -> Fault, Ok(1), 2),
            (Fault::unavailable, Err(JournalError::Unavailable), 1),
            (Fault::unknown_but_written, Err(JournalError::Unknown), 2),
            (Fault::unknown_and_not_written, Err(JournalError::Unknown), 1),
            (|| Fault::refused(JournalError::Full), Err(JournalError::Full), 1),
        ];
        for (fault, answer, next) in cases {
            let mut calls = 0;
            let plan = move |call| {
                calls += 1;
                if (call, calls) == (Call::Claim, 1) { fault() } else { Fault::none() }
            };
            let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::default());
            let faulty = FaultyJournal::new(journal, plan);
            let claim = async || faulty.claim(&"a".into(), Boot(1), Timestamp::default()).await;
            let epochs = [claim().await, claim().await].map(|claim| claim.map(|claim| claim.epoch));
            assert_eq!(epochs, [answer, Ok(next)], "{:?}", fault());
        }
    }
}

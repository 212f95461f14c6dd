//! A coordinator serves those who wait for broadcasts, and lets verdicts fall at their deadlines.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fanfare_sdk::Timestamp;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use super::{CoordinatorMsg, Shared, address::Address, alarm::Alarm};
use crate::{
    journal::JournalError,
    report::{BroadcastId, CancelledBy, DeliveryState, IdMap, Report},
    sabotage::{self, Sabotage},
    telemetry,
};

/// The pause before the journal is asked again after it has failed.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// What somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// The verdict.
    Verdict,
    /// The end of every delivery.
    Settled,
}

/// Somebody who waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) until: Until,
    pub(crate) answer: oneshot::Sender<Report>,
    /// The journal knows what is waited for, or has forgotten it. Before that, nothing follows from its not knowing it.
    pub(crate) is_accepted: bool,
}

/// Where callers wait. Outlives its coordinators.
pub(crate) struct Desk {
    pub(crate) address: Address<CoordinatorMsg>,
    // Invariant: none once the engine is gone.
    waiters: Mutex<Option<IdMap<BroadcastId, Vec<Waiter>>>>,
}

/// A coordinator.
#[derive(Debug)]
pub(super) struct Coordinator;

/// What a coordinator starts from.
#[derive(Clone, Debug)]
pub(super) struct CoordinatorArgs {
    pub(super) shared: Arc<Shared>,
    pub(super) place: usize,
}

/// What a coordinator owns. All of it can be found again in the journal and at its desk.
#[derive(Debug)]
pub(super) struct CoordinatorState {
    myself: ActorRef<CoordinatorMsg>,
    shared: Arc<Shared>,
    place: usize,
    deadlines: BinaryHeap<Reverse<(Timestamp, BroadcastId)>>,
    alarm: Alarm,
    /// Something may have been written of which nobody was told.
    unsure: bool,
    /// What could not be read, since the journal has failed: read again when it next rings.
    unread: BTreeSet<BroadcastId>,
    /// Hints may have been lost.
    blind: bool,
    /// The journal has failed: it is asked again when it next rings.
    failed: bool,
}

impl Actor for Coordinator {
    type Msg = CoordinatorMsg;
    type State = CoordinatorState;
    type Arguments = CoordinatorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<CoordinatorMsg>,
        CoordinatorArgs { shared, place }: CoordinatorArgs,
    ) -> Result<CoordinatorState, ActorProcessingErr> {
        shared.desks[place].address.set(myself.clone());
        myself.send_message(CoordinatorMsg::Recheck)?;
        let (deadlines, alarm) = (BinaryHeap::new(), Alarm::default());
        Ok(CoordinatorState {
            myself,
            shared,
            place,
            deadlines,
            alarm,
            unsure: false,
            unread: BTreeSet::new(),
            blind: false,
            failed: false,
        })
    }

    async fn handle(
        &self,
        _: ActorRef<CoordinatorMsg>,
        message: CoordinatorMsg,
        state: &mut CoordinatorState,
    ) -> Result<(), ActorProcessingErr> {
        let done = match message {
            // What is rare is boxed: the future of each message would make room for it.
            CoordinatorMsg::Wake => Box::pin(state.wake()).await,
            // Those who are told of each other's failures must not drive each other: after one, all waits.
            message if state.failed => {
                state.keep(&message);
                return Ok(());
            }
            CoordinatorMsg::Changed(id) | CoordinatorMsg::Watch(id) => state.read([id]).await,
            CoordinatorMsg::Deadline(id, at) => {
                state.deadlines.push(Reverse((at, id)));
                Ok(())
            }
            CoordinatorMsg::Recheck => {
                state.blind = true;
                Box::pin(state.wake()).await
            }
        };
        if let Err(error) = done {
            telemetry::journal_failed("view", &error);
            let (clock, myself) = (state.shared.clock, state.myself.clone());
            let again = clock.now().after(ASK_AGAIN);
            state.failed = true;
            state.alarm.clear();
            state.alarm.set(clock, again, move || drop(myself.send_message(CoordinatorMsg::Wake)));
        } else {
            state.set_alarm();
        }
        Ok(())
    }
}

impl CoordinatorState {
    fn desk(&self) -> &Desk {
        &self.shared.desks[self.place]
    }

    /// Answers those whose waiting is over.
    async fn look_at(&self, id: BroadcastId) -> Result<(), JournalError> {
        let observed = self.shared.observed.as_ref().filter(|observed| observed.watches(id));
        if observed.is_none() && !self.desk().has_waiters(id) {
            return Ok(());
        }
        match self.shared.journal.view(id).await {
            Ok(Some(report)) => {
                // First: whoever waits for the end may end the program after it.
                observed.inspect(|observed| observed.tell(&report));
                if !sabotage::is(Sabotage::AnswerLost) {
                    self.desk().answer(report);
                }
            }
            // Nobody can be told of what cannot be read, and nobody else is to wait for it.
            Ok(None) | Err(JournalError::Unreadable) => {
                observed.inspect(|observed| observed.forget(id));
                self.desk().forget(id);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What is asked for is done later.
    fn keep(&mut self, message: &CoordinatorMsg) {
        match *message {
            CoordinatorMsg::Changed(id) | CoordinatorMsg::Watch(id) => {
                self.unread.insert(id);
            }
            CoordinatorMsg::Deadline(id, at) => self.deadlines.push(Reverse((at, id))),
            CoordinatorMsg::Recheck => self.blind = true,
            CoordinatorMsg::Wake => {}
        }
    }

    /// Looks at these. Those that cannot be read are kept: one of them must not hold back the others.
    async fn read(
        &mut self,
        ids: impl IntoIterator<Item = BroadcastId>,
    ) -> Result<(), JournalError> {
        let mut done = Ok(());
        for id in ids {
            if let Err(error) = self.look_at(id).await {
                self.unread.insert(id);
                done = Err(error);
            }
        }
        done
    }

    /// Does what is due: looks for what may have been missed, lets verdicts fall, reads what could not be read.
    async fn wake(&mut self) -> Result<(), JournalError> {
        self.alarm.clear();
        self.failed = false;
        if self.blind {
            self.recheck().await?;
        }
        self.judge().await?;
        let unread = mem::take(&mut self.unread);
        self.read(unread).await
    }

    /// Lets verdicts fall whose deadline has come.
    async fn judge(&mut self) -> Result<(), JournalError> {
        let now = self.shared.clock.now();
        while let Some(Reverse((at, id))) = self.deadlines.peek().copied()
            && at <= now
        {
            self.unsure = true;
            let committed = self.shared.journal.judge(id, now).await?;
            self.unsure = false;
            self.deadlines.pop();
            self.shared.route(&committed, CancelledBy::Verdict);
        }
        Ok(())
    }

    /// Hints may have been lost: looks for everything that somebody waits for, and for every deadline.
    async fn recheck(&mut self) -> Result<(), JournalError> {
        let open = self.shared.journal.open_broadcasts().await?;
        let mine = |id: &BroadcastId| std::ptr::eq(self.shared.desk(*id), self.desk());
        let mut looked_for = self.desk().waited_for();
        if let Some(observed) = &self.shared.observed {
            open.iter().filter(|(id, _)| mine(id)).for_each(|(id, _)| observed.watch(*id));
            looked_for.extend(observed.watched().into_iter().filter(mine));
        }
        let deadlines = open.into_iter().filter(|(id, _)| mine(id));
        self.deadlines = deadlines.filter_map(|(id, at)| Some(Reverse((at?, id)))).collect();
        self.unread.extend(looked_for);
        self.blind = false;
        if mem::take(&mut self.unsure) {
            self.shared.recheck(None);
        }
        Ok(())
    }

    fn set_alarm(&mut self) {
        if let Some(Reverse((at, _))) = self.deadlines.peek() {
            let myself = self.myself.clone();
            self.alarm.set(self.shared.clock, *at, move || {
                drop(myself.send_message(CoordinatorMsg::Wake));
            });
        }
    }
}

// === impl Until ===

impl Until {
    /// Whether that report is what was waited for.
    pub(crate) fn is_over(self, report: &Report) -> bool {
        match self {
            Self::Verdict => report.verdict.is_some(),
            Self::Settled => report.verdict.is_some() && report.state() == DeliveryState::Settled,
        }
    }
}

// === impl Desk ===

impl Default for Desk {
    fn default() -> Self {
        Self { address: Address::default(), waiters: Mutex::new(Some(IdMap::default())) }
    }
}

impl Desk {
    /// Lets somebody wait; in vain, where the engine is gone.
    pub(crate) fn wait(&self, id: BroadcastId, waiter: Waiter) {
        if let Some(waiters) = &mut *self.waiters() {
            waiters.entry(id).or_default().push(waiter);
        }
    }

    /// It is written: from here on the journal knows of it.
    pub(crate) fn is_accepted(&self, id: BroadcastId) {
        if let Some(waiters) = &mut *self.waiters()
            && let Some(waiting) = waiters.get_mut(&id)
        {
            waiting.iter_mut().for_each(|waiter| waiter.is_accepted = true);
        }
    }

    /// It is not written: those who wait for it are given back.
    pub(crate) fn give_back(&self, id: BroadcastId) -> Vec<Waiter> {
        self.take(id, |waiter| !waiter.is_accepted)
    }

    /// Answers those who wait for what is reported.
    pub(crate) fn answer(&self, report: Report) {
        let mut over = self.take(report.id, |waiter| waiter.until.is_over(&report));
        let last = over.pop();
        // Whoever does not wait any more is not told.
        for waiter in over {
            drop(waiter.answer.send(report.clone()));
        }
        if let Some(waiter) = last {
            drop(waiter.answer.send(report));
        }
    }

    /// The broadcasts that somebody waits for.
    pub(crate) fn waited_for(&self) -> Vec<BroadcastId> {
        let mut guard = self.waiters();
        let Some(waiters) = &mut *guard else { return Vec::new() };
        for waiting in waiters.values_mut() {
            waiting.retain(|waiter| !waiter.answer.is_closed());
        }
        waiters.retain(|_, waiting| !waiting.is_empty());
        let mut ids: Vec<_> = waiters.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The engine is gone: nobody needs to wait any more.
    pub(crate) fn close(&self) {
        *self.waiters() = None;
    }

    fn has_waiters(&self, id: BroadcastId) -> bool {
        self.waiters().as_ref().is_some_and(|waiters| waiters.contains_key(&id))
    }

    /// The journal does not know that broadcast (any more): nobody needs to wait for it.
    fn forget(&self, id: BroadcastId) {
        drop(self.take(id, |waiter| waiter.is_accepted));
    }

    /// Takes those whose waiting is over.
    fn take(&self, id: BroadcastId, over: impl FnMut(&Waiter) -> bool) -> Vec<Waiter> {
        let mut guard = self.waiters();
        let Some(waiters) = &mut *guard else { return Vec::new() };
        let Some(waiting) = waiters.remove(&id) else { return Vec::new() };
        let (over, left): (Vec<_>, Vec<_>) = waiting.into_iter().partition(over);
        if !left.is_empty() {
            waiters.insert(id, left);
        }
        over
    }

    fn waiters(&self) -> MutexGuard<'_, Option<IdMap<BroadcastId, Vec<Waiter>>>> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.waiters().as_ref().map(IdMap::len);
        f.debug_struct("Desk").field("waiting", &waiting).finish_non_exhaustive()
    }
}

//! What of a target outlives its actor: its plugin, its gate, and its attempts in flight.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_sdk::{
    ApiTarget, Authorizer, Background, Capture, Mapper, Meaning, TargetName, Timestamp, Transport,
};
use ractor::rpc::CallResult;
use tokio::{sync::Notify, task::AbortHandle};

use super::{
    Clock, Entropy, Inspection, Shared, TargetMsg,
    address::Address,
    announced::Announced,
    attempt::{self, Order},
    background::Beside,
    early::Early,
    keeping::Keeping,
    mapping::Mapping,
    proof::Proof,
    pulse::Pulse,
    task,
};
use crate::{
    policy::{
        Door, Hedge, Latencies, Sight, TargetPolicy,
        gate::{BreakerMode, Feedback, Gate, GateSnapshot, Said, Ticket, Transition},
    },
    report::{DeliveryId, Ended, Happening, IdMap, Kind, Started, Way, What, Why},
    sabotage::{self, Sabotage},
    telemetry::{Live, Observer},
};

/// How long an actor may take to say how it stands.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause before an attempt asks again for which all targets together have no room.
const ROOM_AGAIN: Duration = Duration::from_millis(5);

/// What of a target outlives its actor.
pub(crate) struct Slot {
    pub(crate) name: TargetName,
    /// Is told what happens, for spans and metrics.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// What happens, for whoever looks on.
    pub(crate) live: Live,
    /// How attempts went lately; where somebody may look on.
    pulse: Option<Pulse>,
    parts: RwLock<Arc<SlotParts>>,
    /// It is about to be removed: no new broadcast names it.
    pub(crate) leaving: AtomicBool,
    pub(crate) address: Address<TargetMsg>,
    pub(super) early: Early,
    /// Deliveries that its actor holds.
    pub(crate) open: AtomicUsize,
    /// Its own: what is drawn for one target changes nothing for another.
    pub(super) entropy: Entropy,
    /// Its actor has ended too often: deliveries find other ways, or fail.
    pub(crate) failed: AtomicBool,
    pub(super) mapping: Mapping,
    pub(super) proof: Proof,
    /// Made when an authorizer is asked first.
    background: OnceLock<Arc<dyn Background>>,
    gate: Mutex<Gate>,
    latencies: Mutex<Latencies>,
    /// Deliveries that an attempt has brought to an end of which their actor may not know yet: a hedge comes too late.
    succeeded: Mutex<IdMap<DeliveryId, ()>>,
    pub(super) announced: Announced,
    in_flight: Mutex<IdMap<(DeliveryId, u32), Flight>>,
    pub(super) keeping: Keeping,
}

/// What a slot is made of. Replaced as a whole: an attempt keeps those that it began with.
#[derive(Debug)]
pub(crate) struct SlotParts {
    pub(crate) api: Arc<dyn ApiTarget>,
    pub(crate) policy: Arc<TargetPolicy>,
    pub(crate) authorizers: Arc<[Arc<dyn Authorizer>]>,
    /// Its way out.
    pub(crate) transport: Arc<dyn Transport>,
    /// The way out to those whom its authorizers ask.
    pub(crate) token_endpoint: Arc<dyn Transport>,
    /// The way out to another origin, which is told nothing of who we are, and whose connections are not kept.
    pub(crate) strangers: Arc<dyn Transport>,
    pub(crate) capture: Capture,
    /// Whether `traceparent` is sent.
    pub(crate) propagate: bool,
    /// Whether `baggage` is sent.
    pub(crate) propagate_baggage: bool,
    /// What makes its payloads; none takes them as they are.
    pub(crate) mapper: Option<Arc<dyn Mapper>>,
}

/// An attempt in flight.
#[derive(Debug)]
struct Flight {
    task: AbortHandle,
    abort: Arc<Notify>,
    /// How it began, as long as that is not known to be written.
    unwritten: Option<Started>,
}

/// A ticket of the gate that comes back, whatever happens to its holder.
#[derive(Debug)]
pub(super) struct Permit {
    slot: Arc<Slot>,
    shared: Arc<Shared>,
    // Invariant: there until it is given back.
    ticket: Option<Ticket>,
}

impl Slot {
    pub(crate) fn new(
        parts: SlotParts,
        (observer, live): (Option<Arc<dyn Observer>>, Live),
        entropy: Entropy,
        kept: Option<GateSnapshot>,
    ) -> Self {
        let policy = parts.policy.gate.clone();
        let gate = match kept {
            Some(kept) => Gate::restore(policy, kept),
            None => Gate::new(policy),
        };
        let (address, in_flight) = (Address::default(), Mutex::default());
        Self {
            name: parts.policy.target.clone(),
            observer,
            pulse: live.is_there().then(Pulse::default),
            live,
            parts: RwLock::new(Arc::new(parts)),
            leaving: AtomicBool::new(false),
            address,
            early: Early::default(),
            open: AtomicUsize::new(0),
            entropy,
            failed: AtomicBool::new(false),
            mapping: Mapping::default(),
            proof: Proof::default(),
            background: OnceLock::new(),
            gate: Mutex::new(gate),
            latencies: Mutex::default(),
            succeeded: Mutex::default(),
            announced: Announced::default(),
            in_flight,
            keeping: Keeping::default(),
        }
    }

    /// What it is made of now.
    pub(crate) fn parts(&self) -> Arc<SlotParts> {
        self.parts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Made of this from here on. What its gate knows stays, as far as it fits the new policy.
    pub(crate) fn replace(&self, parts: SlotParts) {
        self.gate().set_policy(parts.policy.gate.clone());
        *self.parts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(parts);
        self.address.tell(TargetMsg::Load);
    }

    /// Is about to go: no new broadcast names it.
    pub(crate) fn leave(&self, shared: &Shared) {
        self.leaving.store(true, Ordering::Release);
        shared.has_departures.store(true, Ordering::Release);
    }

    /// Lets nothing through any more: its deliveries find other ways, or fail.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
        self.address.tell(TargetMsg::Load);
    }

    /// Is not to go any more, nor to fail since it was.
    pub(crate) fn stay(&self) {
        if self.leaving.swap(false, Ordering::AcqRel) {
            self.failed.store(false, Ordering::Release);
        }
    }

    /// Where its authorizers go on with what they have begun.
    pub(super) fn background(&self, shared: &Shared) -> Arc<dyn Background> {
        let made = || -> Arc<dyn Background> {
            let (clock, detached) = (shared.clock, shared.detached.clone());
            Arc::new(Beside { target: self.name.clone(), clock, detached })
        };
        self.background.get_or_init(made).clone()
    }

    /// What the target knows at this moment.
    pub(crate) fn sight(&self, policy: &TargetPolicy, now: Timestamp) -> Sight {
        let gate = self.gate();
        let mut sight = gate.sight(now);
        sight.version_first = gate.version_first(&policy.versions, now);
        drop(gate);
        if policy.hedge == Some(Hedge::Percentile95) {
            sight.percentile95 = self.latencies().percentile95();
        }
        sight.target = sight.target.stricter(self.proof.door(now));
        if self.failed.load(Ordering::Acquire) {
            sight.target = Door::Shut(Why::TargetFailed);
        }
        sight
    }

    /// Lets an attempt through, or says why not.
    pub(super) fn admit(
        self: &Arc<Self>,
        way: &Way,
        kind: Kind,
        (shared, now): (&Arc<Shared>, Timestamp),
    ) -> Result<Permit, Door> {
        if shared.draining.load(Ordering::Acquire) {
            return Err(Door::Busy(Why::Paused));
        }
        let in_flight_max = shared.in_flight_max.load(Ordering::Relaxed);
        if shared.in_flight.load(Ordering::Relaxed) >= in_flight_max {
            // Whoever makes room does not know who waits for it.
            return Err(Door::NotBefore(now.after(ROOM_AGAIN), Why::Concurrency));
        }
        let mut gate = self.gate();
        let mut all = shared.retry_budget.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = match &mut *all {
            (Some(policy), budget) => {
                gate.admit_within(way, kind, Some((&*policy, budget)), now)?
            }
            (None, _) => gate.admit(way, kind, now)?,
        };
        drop(all);
        drop(gate);
        shared.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Permit { slot: self.clone(), shared: shared.clone(), ticket: Some(ticket) })
    }

    /// Starts an attempt. It ends by itself, records its end, and then tells whatever actor the target has.
    pub(super) fn launch(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        (order, permit): (Box<Order>, Permit),
        is_written: bool,
    ) {
        let key = (order.id.clone(), order.started.attempt);
        let abort = Arc::new(Notify::new());
        let unwritten = (!is_written).then(|| order.started.clone());
        let (slot, shared) = (self.clone(), shared.clone());
        // In its own place from the beginning: it is large, and a task is moved some times before it runs.
        let work = Box::pin(attempt::run(shared, slot, order, (permit, is_written), abort.clone()));
        // It may end at once, on another thread, and then takes itself off: not before it is noted.
        let mut flights = self.flights();
        flights.insert(key, Flight { task: task::spawn(work), abort, unwritten });
    }

    /// Asks an attempt to end now.
    pub(super) fn abort(&self, id: &DeliveryId, attempt: u32) {
        if let Some(flight) = self.flights().get(&(id.clone(), attempt)) {
            flight.abort.notify_one();
        }
    }

    /// How an attempt began, where that is not known to be written.
    pub(super) fn unwritten(&self, id: &DeliveryId, attempt: u32) -> Option<Started> {
        self.flights().get(&(id.clone(), attempt))?.unwritten.clone()
    }

    /// How the attempts in flight began of which that is not known to be written.
    pub(super) fn all_unwritten(&self) -> Vec<(DeliveryId, Started)> {
        let flights = self.flights();
        let unwritten = flights.iter().map(|((id, _), flight)| (id, &flight.unwritten));
        let mut unwritten: Vec<_> =
            unwritten.filter_map(|(id, started)| Some((id.clone(), started.clone()?))).collect();
        // In an order that does not depend on how they are kept.
        unwritten.sort_by(|(a, x), (b, y)| (a, x.attempt).cmp(&(b, y.attempt)));
        unwritten
    }

    /// The start of an attempt is written.
    pub(super) fn is_written(&self, id: &DeliveryId, attempt: u32) {
        if let Some(flight) = self.flights().get_mut(&(id.clone(), attempt)) {
            flight.unwritten = None;
        }
    }

    /// Asks all attempts to end now.
    pub(crate) fn abort_all(&self) {
        self.flights().values().for_each(|flight| flight.abort.notify_one());
    }

    /// An attempt has ended, and that is recorded.
    pub(super) fn landed(&self, id: &DeliveryId, attempt: u32) {
        self.flights().remove(&(id.clone(), attempt));
    }

    /// An attempt has succeeded, and is about to be recorded.
    pub(super) fn note_success(&self, id: &DeliveryId) {
        self.succeeded().insert(id.clone(), ());
    }

    /// Whether an attempt of that delivery has succeeded already.
    pub(super) fn has_succeeded(&self, id: &DeliveryId) -> bool {
        self.succeeded().contains_key(id)
    }

    /// Its actor knows.
    pub(super) fn forget_success(&self, id: &DeliveryId) {
        self.succeeded().remove(id);
    }

    /// Forgets those that are not open any more.
    pub(super) fn keep_successes(&self, is_open: impl Fn(&DeliveryId) -> bool) {
        self.succeeded().retain(|id, ()| is_open(id));
    }

    fn succeeded(&self) -> MutexGuard<'_, IdMap<DeliveryId, ()>> {
        self.succeeded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An attempt has ended.
    pub(super) fn answered(&self, policy: &TargetPolicy, started: &Started, ended: &Ended) {
        let took = ended.status.map(|_| ended.at.since(started.at));
        if let (Some(took), Some(Hedge::Percentile95)) = (took, policy.hedge) {
            self.latencies().add(took);
        }
        if let Some(pulse) = &self.pulse {
            pulse.ended(ended.meaning == Meaning::Success, took);
        }
    }

    /// How attempts went lately, where that is kept.
    pub(crate) fn pulse(&self) -> Option<&Pulse> {
        self.pulse.as_ref()
    }

    fn latencies(&self) -> MutexGuard<'_, Latencies> {
        self.latencies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets attempts through again after the target asked not to be called, or after it had failed. Says whether it
    /// had.
    pub(crate) fn revive(&self, clock: Clock) -> bool {
        let failed = self.failed.swap(false, Ordering::AcqRel);
        let mut gate = self.gate();
        let disabled = gate.is_disabled();
        gate.revive();
        drop(gate);
        if failed || disabled {
            self.tell_live(clock.now(), What::TargetRevived);
        }
        self.address.tell(TargetMsg::Wake);
        failed || disabled
    }

    /// Holds attempts back, or lets them through again.
    pub(crate) fn pause(&self, paused: bool, clock: Clock) {
        let mut gate = self.gate();
        let changes = gate.is_paused() != paused;
        if paused {
            gate.pause();
        } else {
            gate.resume();
        }
        drop(gate);
        if changes {
            let what = if paused { What::TargetPaused } else { What::TargetResumed };
            self.tell_live(clock.now(), what);
        }
        self.address.tell(TargetMsg::Wake);
    }

    /// Its actor has ended too often.
    pub(super) fn ended_too_often(&self, now: Timestamp) {
        if !self.failed.swap(true, Ordering::AcqRel) {
            self.tell_live(now, What::TargetFailed);
        }
    }

    fn tell_live(&self, at: Timestamp, what: impl FnOnce(TargetName) -> What) {
        self.live.tell(|| Happening::of_target(at, what(self.name.clone())));
    }

    /// What an operator wants of its breakers.
    pub(crate) fn set_breaker_mode(&self, mode: BreakerMode, clock: Clock) {
        let now = clock.now();
        let transition = self.gate().set_breaker_mode(mode, now);
        self.breaker_changed(transition, now);
        self.address.tell(TargetMsg::Wake);
    }

    fn breaker_changed(&self, transition: Option<Transition>, now: Timestamp) {
        let Some(transition) = transition else { return };
        crate::telemetry::breaker_changed(&self.name, &transition);
        if let Some(observer) = &self.observer {
            observer.breaker_changed(&self.name, transition.to.code());
        }
        let (from, to) = (transition.from.code(), transition.to.code());
        self.tell_live(now, |target| What::BreakerChanged { target, from, to });
    }

    /// The attempts in flight.
    pub(super) fn in_flight(&self) -> Vec<(DeliveryId, u32)> {
        self.flights().keys().cloned().collect()
    }

    /// How many attempts are in flight.
    pub(crate) fn in_flight_count(&self) -> usize {
        self.flights().len()
    }

    /// Asks the actor how it stands; none where there is none to answer.
    pub(crate) async fn inspect(&self) -> Option<Inspection> {
        let actor = self.address.get()?;
        match actor.call(TargetMsg::Inspect, Some(INSPECT_TIMEOUT)).await {
            Ok(CallResult::Success(inspection)) => Some(inspection),
            Ok(CallResult::Timeout | CallResult::SenderError) | Err(_) => None,
        }
    }

    /// Drops all attempts in flight: the engine is gone.
    pub(crate) fn drop_attempts(&self) {
        for (_, flight) in self.flights().drain() {
            flight.task.abort();
        }
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> MutexGuard<'_, IdMap<(DeliveryId, u32), Flight>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("target", &self.name).finish_non_exhaustive()
    }
}

// === impl Permit ===

impl Permit {
    /// So many exchanges were made of those that it is for.
    pub(super) fn made(&mut self, exchanges: u16) {
        if let Some(ticket) = &mut self.ticket {
            ticket.made(exchanges);
        }
    }

    /// Tells the gate how it went, and when it ended.
    pub(super) fn give_back(mut self, feedback: Feedback, at: Timestamp) {
        self.put_back(feedback, at);
    }

    fn put_back(&mut self, feedback: Feedback, at: Timestamp) {
        let Some(ticket) = self.ticket.take().filter(|_| !sabotage::is(Sabotage::PermitLost))
        else {
            return;
        };
        if matches!(feedback, Feedback::Replied { said: Said::Disabled, .. }) {
            crate::telemetry::target_disabled(&self.slot.name);
            if !self.slot.gate().is_disabled() {
                self.slot.tell_live(at, What::TargetDisabled);
            }
        }
        let transition = self.slot.gate().give_back(ticket, feedback, at);
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.slot.breaker_changed(transition, at);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.put_back(Feedback::NotSent, self.shared.clock.now());
        }
    }
}

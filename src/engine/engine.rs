//! The engine: accepts broadcasts, and ends when it is told to.

use std::sync::{Arc, PoisonError, RwLock, atomic::Ordering};

use fanfare_sdk::TargetName;
use tokio::sync::oneshot;

use super::{
    AcceptError, AcceptProblem, Broadcast, BroadcastHandle, EngineBuilder, Limits, Probe,
    broadcast::Recipient,
    ids::Ids,
    notices, parked,
    pinned::{find, fingerprint, is_named, order_keys, problems},
};
use crate::{
    actor::{CoordinatorMsg, Observed, Shared, Slot, Supervision, ToTheEnd, Until, Waiter, probe},
    journal::{Accepted, CallerKey, Journal, JournalError, NewBroadcast, NewDelivery, Open},
    policy::gate::{BreakerMode, RetryBudget},
    report::{BroadcastId, Happening, History, Limit, Report, Rest, Trace, Usage, What},
    telemetry::{self, Live},
};

/// Flags of a trace that begins here: sampled, with a random id (W3C Trace Context, level 2).
const TRACE_FLAGS: u8 = 0x03;

/// Sends broadcasts to its targets. Cloning it copies a pointer; it ends with its last clone.
#[derive(Clone, Debug)]
pub struct Engine(pub(super) Arc<Running>);

#[derive(Debug)]
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) actors: Supervision,
    pub(super) ids: Ids,
    limits: RwLock<Limits>,
}

impl Engine {
    /// An engine before it starts.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    pub(super) fn new(shared: Arc<Shared>, actors: Supervision, limits: Limits) -> Self {
        let limits = RwLock::new(limits);
        let engine = Self(Arc::new(Running { shared, actors, ids: Ids::default(), limits }));
        notices::start(&engine);
        parked::start(&engine);
        engine
    }

    /// Accepts a broadcast: from here on every delivery ends in exactly one outcome.
    ///
    /// # Errors
    /// When it is not right (all that is wrong is said at once), or the journal does not take it.
    ///
    /// # Cancel safety
    /// Once it was polled, it is accepted or refused all the same.
    pub async fn send(&self, broadcast: Broadcast) -> Result<BroadcastHandle, AcceptError> {
        let new = self.pin(broadcast)?;
        let id = self.accept(new, None).await?;
        Ok(self.handle(id))
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> fanfare_sdk::Timestamp {
        self.0.shared.clock.now()
    }

    /// What owns the histories: for lists, and for dead letters.
    #[must_use]
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.0.shared.journal
    }

    /// What happens, for whoever looks on; nothing, unless the engine was [told](EngineBuilder::live) to keep it.
    #[must_use]
    pub fn live(&self) -> &Live {
        &self.0.shared.live
    }

    /// A broadcast that was accepted before, also by an earlier engine with the same journal. Whether it is known is seen
    /// when it is asked.
    #[must_use]
    pub fn handle(&self, id: BroadcastId) -> BroadcastHandle {
        BroadcastHandle { shared: self.0.shared.clone(), id }
    }

    /// Accepts a broadcast and waits until every delivery has ended.
    ///
    /// # Errors
    /// When it is not accepted, or the engine ends before it.
    pub async fn broadcast(&self, broadcast: Broadcast) -> Result<Report, AcceptError> {
        let (answer, report) = oneshot::channel();
        let new = self.pin(broadcast)?;
        self.accept(new, Some(Waiter { until: Until::Settled, answer, is_accepted: false }))
            .await?;
        report.await.map_err(|_| AcceptError::Closing)
    }

    /// Another configuration was to be taken over so many times: counts how that went.
    #[cfg(feature = "daemon")]
    pub(crate) fn reloaded(&self, result: &'static str, times: u64) {
        if let Some(observer) = self.0.shared.observed.as_ref().and_then(Observed::observer) {
            observer.reloaded(result, times);
        }
    }

    /// How near the limits are, of the engine, its journal and its targets.
    #[must_use]
    pub fn usage(&self) -> Vec<Usage> {
        self.0.shared.usage()
    }

    /// Ends the actor of a target at once, whatever it is doing, and starts another one: for a target that is
    /// stuck. Attempts in flight go on; nothing is lost and nothing is sent twice. Says whether there is such a
    /// target.
    pub fn restart_target(&self, name: &str) -> bool {
        let slot = self.0.shared.slots.get(&TargetName::from(name));
        slot.is_some_and(|slot| slot.address.kill())
    }

    /// Holds attempts at a target back until it is resumed: its deliveries wait. Says whether there is such a target.
    ///
    /// # Errors
    /// When it is held back, but the journal could not write that down: after a restart it would not be.
    pub async fn pause_target(&self, name: &str) -> Result<bool, JournalError> {
        let clock = self.0.shared.clock;
        self.lever(name, |slot| slot.pause(true, clock)).await.map(|done| done.is_some())
    }

    /// Lets attempts at a target through again. Says whether there is such a target.
    ///
    /// # Errors
    /// As [`pause_target`](Self::pause_target).
    pub async fn resume_target(&self, name: &str) -> Result<bool, JournalError> {
        let clock = self.0.shared.clock;
        self.lever(name, |slot| slot.pause(false, clock)).await.map(|done| done.is_some())
    }

    /// Opens the breakers of a target, holds them closed, or takes them away, until this is set to automatic again.
    /// Says whether there is such a target.
    ///
    /// # Errors
    /// As [`pause_target`](Self::pause_target).
    pub async fn set_breaker_mode(
        &self,
        name: &str,
        mode: BreakerMode,
    ) -> Result<bool, JournalError> {
        let clock = self.0.shared.clock;
        let set = |slot: &Slot| slot.set_breaker_mode(mode, clock);
        self.lever(name, set).await.map(|done| done.is_some())
    }

    /// Lets attempts through to a target again that asked not to be called, or whose actor had ended too often. Says
    /// whether one of them was so.
    ///
    /// # Errors
    /// As [`pause_target`](Self::pause_target).
    pub async fn revive_target(&self, name: &str) -> Result<bool, JournalError> {
        let clock = self.0.shared.clock;
        self.lever(name, |slot| slot.revive(clock)).await.map(|revived| revived == Some(true))
    }

    /// Does it now, and answers when it is written down.
    async fn lever<T>(
        &self,
        name: &str,
        pull: impl FnOnce(&Slot) -> T,
    ) -> Result<Option<T>, JournalError> {
        let shared = &self.0.shared;
        let Some(slot) = shared.slots.get(&TargetName::from(name)) else { return Ok(None) };
        let done = pull(&slot);
        slot.keep_gate(shared).await?;
        Ok(Some(done))
    }

    /// The same for all coordinators: whoever waits for a broadcast goes on waiting.
    pub fn restart_coordinators(&self) {
        for desk in &self.0.shared.desks {
            desk.address.kill();
        }
    }

    /// Asks a target whether it is there and lets us in, without effect; none where there is no such target. It
    /// counts for no breaker and no limit.
    pub async fn probe(&self, name: &str) -> Option<Probe> {
        let shared = &self.0.shared;
        let slot = shared.slots.get(&TargetName::from(name))?;
        let begun = shared.clock.now();
        let answered = probe(shared, &slot).await;
        let took = shared.clock.now().since(begun);
        Some(match answered {
            Ok(status) => Probe { status, error: None, error_kind: None, took },
            Err(error) => {
                let error_kind = Some(error.kind);
                Probe { status: None, error: Some(error.message.to_string()), error_kind, took }
            }
        })
    }

    /// Writes the broadcast down, and tells those whom it concerns: both, also where nobody waits for it any more.
    pub(super) async fn accept(
        &self,
        new: NewBroadcast,
        waiter: Option<Waiter>,
    ) -> Result<BroadcastId, AcceptError> {
        if !self.0.shared.journal.waits() {
            return self.take(new, waiter).await;
        }
        let engine = self.clone();
        ToTheEnd::of(async move { engine.take(new, waiter).await }).await
    }

    async fn take(
        &self,
        new: NewBroadcast,
        waiter: Option<Waiter>,
    ) -> Result<BroadcastId, AcceptError> {
        let shared = &self.0.shared;
        let _accepting = Accepting::new(shared);
        if shared.closing.load(Ordering::SeqCst) {
            return Err(AcceptError::Closing);
        }
        let _naming = shared.naming.read().await;
        self.still_there(&new)?;
        let (id, deadline) = (new.id, new.deadline);
        let desk = shared.desk(id);
        // Before it is written: it may have settled when that is known.
        shared.observed.as_ref().inspect(|observed| observed.watch(id));
        if let Some(waiter) = waiter {
            desk.wait(id, waiter);
        }
        let accepted = shared.journal.accept(new).await;
        match &accepted {
            Ok(Accepted::New(_)) => desk.is_accepted(id),
            Ok(Accepted::Same(other)) => {
                let desk = shared.desk(*other);
                for waiter in shared.desk(id).give_back(id) {
                    desk.wait(*other, Waiter { is_accepted: true, ..waiter });
                    desk.address.tell(CoordinatorMsg::Watch(*other));
                }
            }
            Err(_) => drop(desk.give_back(id)),
        }
        if shared.observed.is_some() && !matches!(accepted, Ok(Accepted::New(_))) {
            desk.address.tell(CoordinatorMsg::Changed(id));
        }
        if matches!(accepted, Err(JournalError::Full)) {
            shared.reached(Limit::DeliveriesOpen, None);
        }
        match accepted? {
            Accepted::New(broadcast) => {
                if let Some(at) = deadline {
                    desk.address.tell(CoordinatorMsg::Deadline(id, at));
                }
                telemetry::accepted(id, &broadcast.trace, broadcast.recipients.len());
                shared.live.tell(|| accepted_now(&broadcast));
                for (place, recipient) in broadcast.recipients.iter().enumerate() {
                    shared.deliver(Open {
                        broadcast: broadcast.clone(),
                        place,
                        serving: recipient.recipient.clone(),
                        history: History::default(),
                        due: broadcast.accepted_at,
                    });
                }
                Ok(id)
            }
            Accepted::Same(id) => Ok(id),
        }
    }

    /// Whoever was there when it was pinned may have gone since.
    fn still_there(&self, new: &NewBroadcast) -> Result<(), AcceptError> {
        if !self.0.shared.has_departures.load(Ordering::Acquire) {
            return Ok(());
        }
        let named = new.recipients.iter().map(|it| &it.recipient);
        let named = named.chain(new.notify.iter().map(|it| &it.target));
        let gone = named.filter(|name| !self.is_there(name));
        let problems: Vec<_> = gone.cloned().map(AcceptProblem::UnknownTarget).collect();
        if problems.is_empty() { Ok(()) } else { Err(AcceptError::Invalid { problems }) }
    }

    /// Whether new broadcasts may name it.
    pub(super) fn is_there(&self, name: &TargetName) -> bool {
        self.0.shared.slots.get(name).is_some_and(|slot| is_named(&slot))
    }

    /// What is fixed when a broadcast is accepted.
    fn pin(&self, broadcast: Broadcast) -> Result<NewBroadcast, AcceptError> {
        let shared = &self.0.shared;
        let slots = shared.slots.all();
        let found = find(&broadcast, &slots);
        let mut problems = problems(&broadcast, (&found, &slots), &self.0.limits());
        for limit in problems.iter().filter_map(AcceptProblem::limit) {
            shared.reached(limit, None);
        }
        let order_keys = order_keys(&broadcast, &found, &mut problems);
        if !problems.is_empty() {
            return Err(AcceptError::Invalid { problems });
        }
        let now = shared.clock.now();
        let deadline = broadcast.deadline.map(|wait| now.after(wait));
        // What is cancelled at the deadline need not be begun if it cannot end by then.
        let latest = deadline.filter(|_| broadcast.rest == Rest::Cancel);
        let expires = |slot: &Arc<Slot>| {
            let expires = now.after(slot.parts().policy.give_up_after);
            latest.map_or(expires, |latest| latest.min(expires))
        };
        let pin = |((Recipient { target, required, skipped }, slot), order_key)| NewDelivery {
            // All of them were found.
            expires: Option::map_or(slot, now, expires),
            recipient: target,
            required,
            skipped,
            seed: shared.entropy.number(),
            span_id: shared.entropy.span_id(),
            order_key,
            carried: None,
        };
        let fingerprint = broadcast
            .idempotency_key
            .is_some()
            .then(|| fingerprint(&broadcast.payload, &broadcast));
        let caller_key = broadcast.idempotency_key.zip(fingerprint);
        let recipients = broadcast.recipients.into_iter().zip(found).zip(order_keys);
        Ok(NewBroadcast {
            id: self.0.ids.next(&shared.entropy, now),
            route: broadcast.route,
            payload: broadcast.payload,
            recipients: recipients.map(pin).collect(),
            completion: broadcast.completion,
            rest: broadcast.rest,
            accept_substituted: broadcast.accept_substituted,
            priority: broadcast.priority,
            deadline,
            accepted_at: now,
            caller_key: caller_key.map(|(key, fingerprint)| CallerKey { key, fingerprint }),
            metadata: broadcast.metadata.map(Arc::new),
            replay_of: None,
            notify: broadcast.notify,
            notice_of: None,
            trace: self.trace(broadcast.caller, broadcast.baggage.into_header()),
        })
    }

    pub(super) fn trace(
        &self,
        caller: Option<telemetry::RemoteContext>,
        baggage: Option<Arc<str>>,
    ) -> Trace {
        let entropy = &self.0.shared.entropy;
        let span_id = entropy.span_id();
        let parent_is_remote = caller.is_some();
        let mut trace = match caller.or_else(telemetry::current) {
            Some(caller) => Trace {
                trace_id: caller.trace_id,
                span_id,
                parent_id: Some(caller.parent_id),
                parent_is_remote,
                flags: caller.flags,
                state: caller.state,
                link: None,
                baggage,
            },
            None => Trace {
                trace_id: entropy.bytes(),
                span_id,
                parent_id: None,
                parent_is_remote: false,
                flags: TRACE_FLAGS,
                state: None,
                link: None,
                baggage,
            },
        };
        if let Some(observer) = self.0.shared.observed.as_ref().and_then(Observed::observer) {
            trace.flags = observer.flags(&trace);
        }
        trace
    }
}

fn accepted_now(broadcast: &NewBroadcast) -> Happening {
    let (recipients, replay_of) = (broadcast.recipients.len(), broadcast.replay_of);
    let what = What::BroadcastAccepted { recipients, replay_of };
    let (at, route) = (broadcast.accepted_at, broadcast.route.clone());
    Happening { at, broadcast: Some(broadcast.id), route, what }
}

/// A broadcast is being accepted: until it is told to its targets, a shutdown would not reach it.
struct Accepting<'a>(&'a Shared);

impl<'a> Accepting<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.accepting.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Accepting<'_> {
    fn drop(&mut self) {
        self.0.accepting.fetch_sub(1, Ordering::SeqCst);
        if self.0.closing.load(Ordering::SeqCst) {
            self.0.settled.notify_waiters();
        }
    }
}

impl Running {
    /// What it may hold and do at once, from here on.
    pub(super) fn limits(&self) -> Limits {
        *self.limits.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
        self.shared.in_flight_max.store(limits.in_flight_max.max(1), Ordering::Relaxed);
        self.shared.targets_max.store(limits.targets_max, Ordering::Relaxed);
    }

    pub(super) fn retry_within(&self, budget: Option<RetryBudget>) {
        let mut shared = self.shared.retry_budget.lock().unwrap_or_else(PoisonError::into_inner);
        shared.0 = budget;
    }

    pub(super) fn end(&self) {
        self.actors.stop();
        self.shared.live.end();
        for slot in self.shared.slots.all().values() {
            slot.drop_attempts();
        }
        for desk in &self.shared.desks {
            desk.close();
        }
        // Whoever waits for something to be owed ends.
        self.shared.owing.notify_one();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

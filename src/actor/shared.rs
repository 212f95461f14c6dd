//! What all actors of one engine share.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_sdk::{Profile, TargetName, Timestamp};
use tokio::sync::{Notify, RwLock};

use super::{Clock, CoordinatorMsg, Desk, Detached, Entropy, Observed, Slots, TargetMsg, task};
use crate::{
    journal::{Committed, Entry, Journal, JournalError, NewDelivery, Open},
    policy::{
        Door, Plan, Sight, Step, TargetPolicy,
        gate::{Budget, RetryBudget},
        next,
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Limit, Usage, Why},
    sabotage::{self, Sabotage},
    telemetry::{self, Live},
    transport::Clients,
};

/// The pause before the deliveries of a target that has gone are settled again.
const GIVE_UP_AGAIN: Duration = Duration::from_millis(20);

/// Deliveries that are settled together then.
const GIVE_UP_PAGE: usize = 1_000;

/// What all actors of one engine share. Outlives every one of them.
pub(crate) struct Shared {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clients: Clients,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) boot: Boot,
    pub(crate) slots: Slots,
    pub(crate) desks: Vec<Desk>,
    /// Rings whenever a broadcast has settled.
    pub(crate) settled: Notify,
    /// Rings when a notice may be owed.
    pub(crate) owing: Arc<Notify>,
    /// Broadcasts whose end is still to be told, where anybody wants to hear of it.
    pub(crate) observed: Option<Observed>,
    /// What happens, for whoever looks on.
    pub(crate) live: Live,
    /// Of all repeats of all targets; none is no limit.
    pub(crate) retry_budget: Mutex<(Option<RetryBudget>, Budget)>,
    /// Attempts of all targets in flight, and how many there may be.
    pub(crate) in_flight: AtomicUsize,
    pub(crate) in_flight_max: AtomicUsize,
    pub(crate) targets_max: AtomicUsize,
    /// Held for reading from the last look at the recipients of a broadcast until they are told; for writing while targets
    /// change. So nobody is accepted for a target that has just gone.
    pub(crate) naming: RwLock<()>,
    /// Some target has gone, or is about to.
    pub(crate) has_departures: AtomicBool,
    /// No broadcast is accepted any more.
    pub(crate) closing: AtomicBool,
    /// Nothing begins any more: what is open is left for another engine.
    pub(crate) draining: AtomicBool,
    /// Broadcasts that are being accepted: a shutdown waits for them.
    pub(crate) accepting: AtomicUsize,
    /// What authorizers go on with: a shutdown waits for it a little.
    pub(crate) detached: Detached,
}

impl Shared {
    /// Tells whom it concerns what became certain in a commit.
    pub(crate) fn route(&self, committed: &Committed, by: CancelledBy) {
        if !committed.cancelled.is_empty() {
            let now = self.clock.now();
            for (serving, id) in &committed.cancelled {
                self.cancel(serving, id, (by, now));
            }
        }
        if self.live.watches() {
            let verdicts = committed.verdicts.iter().map(|(id, _)| id);
            verdicts.chain(&committed.settled).for_each(|id| self.live.changed(*id));
        }
        for (id, _) in &committed.verdicts {
            self.desk(*id).address.tell(CoordinatorMsg::Changed(*id));
        }
        for id in &committed.settled {
            if !committed.verdicts.iter().any(|(other, _)| other == id) {
                self.desk(*id).address.tell(CoordinatorMsg::Changed(*id));
            }
        }
        if !committed.settled.is_empty() {
            self.settled.notify_waiters();
        }
        if !committed.owed.is_empty() && !sabotage::is(Sabotage::OwedNotTold) {
            self.owing.notify_one();
        }
    }

    /// Tells a target that somebody wants a delivery to end.
    pub(super) fn cancel(
        &self,
        serving: &TargetName,
        id: &DeliveryId,
        (by, at): (CancelledBy, Timestamp),
    ) {
        let slot = self.slots.get(serving).filter(|_| !sabotage::is(Sabotage::CancelNotTold));
        if let Some(slot) = slot {
            slot.address.tell(TargetMsg::CancelAsked(id.clone(), by, at));
        }
    }

    /// Hints may have been lost, with an actor or with an answer of the journal: everybody looks for himself.
    pub(crate) fn recheck(&self, but: Option<&TargetName>) {
        self.owing.notify_one();
        for desk in &self.desks {
            desk.address.tell(CoordinatorMsg::Recheck);
        }
        for (name, slot) in &*self.slots.all() {
            if but != Some(name) {
                slot.address.tell(TargetMsg::Load);
            }
        }
    }

    /// Tells the target that serves it.
    pub(crate) fn deliver(self: &Arc<Self>, open: Open) {
        if let Some(slot) = self.slots.get(&open.serving) {
            slot.address.tell(TargetMsg::Deliver(open));
            return;
        }
        // It went after it was named, and before it was told.
        let shared = self.clone();
        task::spawn(async move { shared.give_up(&open.serving).await });
    }

    /// Settles all that is still open for a target that has gone.
    pub(crate) async fn give_up(&self, name: &TargetName) {
        while let Err(error) = self.try_give_up(name).await {
            telemetry::journal_failed("give up", &error);
            self.clock.sleep(GIVE_UP_AGAIN).await;
        }
    }

    /// The same; whoever asks tries again where the journal fails.
    pub(crate) async fn try_give_up(&self, name: &TargetName) -> Result<(), JournalError> {
        let now = self.clock.now();
        let claim = self.journal.claim(name, self.boot, now).await?;
        let policy = TargetPolicy {
            fallback: Vec::new(),
            ..TargetPolicy::new(name.clone(), &Profile::default())
        };
        let policy = Arc::new(policy);
        let gone = Sight { target: Door::Shut(Why::TargetFailed), ..Sight::default() };
        let end_of_time = Timestamp::from_micros(i64::MAX);
        let settled = |open: &Open| {
            let NewDelivery { seed, expires, skipped, .. } = *open.recipient();
            let accepted = open.broadcast.accepted_at;
            let plan = Plan {
                policy: policy.clone(),
                recipient: None,
                seed,
                accepted,
                expires,
                skipped,
                parked: 0,
            };
            match next(&plan, &open.history, &gone, now) {
                Step::Settle(outcome) => Some(Entry::Settled(open.id(), outcome)),
                _ => None,
            }
        };
        loop {
            let page = self.journal.due(&claim, end_of_time, GIVE_UP_PAGE).await?;
            let entries: Vec<_> = page.open.iter().filter_map(settled).collect();
            if entries.is_empty() {
                return Ok(());
            }
            let committed = self.journal.append(&claim, entries, now).await?;
            self.route(&committed, CancelledBy::Verdict);
        }
    }

    /// Something was refused or cut short because of a limit.
    pub(crate) fn reached(&self, limit: Limit, target: Option<&TargetName>) {
        telemetry::limit_reached(limit, target);
        if let Some(observer) = self.observed.as_ref().and_then(Observed::observer) {
            observer.limit_reached(limit, target);
        }
    }

    /// How near the limits are: those of the journal, of the engine, and of every target.
    pub(crate) fn usage(&self) -> Vec<Usage> {
        let usage = |limit, target: Option<&TargetName>, used: usize, max: usize| {
            let target = target.cloned();
            Usage { limit, target, used: used as u64, max: max as u64 }
        };
        let max = |limit: &AtomicUsize| limit.load(Ordering::Relaxed);
        let mut all = self.journal.usage();
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        let slots = self.slots.all();
        all.push(usage(Limit::InFlight, None, in_flight, max(&self.in_flight_max)));
        all.push(usage(Limit::Targets, None, slots.len(), max(&self.targets_max)));
        for (name, slot) in &*slots {
            let open = slot.open.load(Ordering::Relaxed);
            let (in_flight, limit) = {
                let gate = slot.gate();
                (gate.in_flight() as usize, gate.limit() as usize)
            };
            all.push(usage(Limit::Queue, Some(name), open, slot.parts().policy.queue_max));
            all.push(usage(Limit::Concurrency, Some(name), in_flight, limit));
        }
        all
    }

    /// Where callers wait for that broadcast.
    pub(crate) fn desk(&self, id: BroadcastId) -> &Desk {
        // The end of an id is random.
        let place = id.0.as_u128() % self.desks.len() as u128;
        let place = usize::try_from(place).unwrap_or(0);
        &self.desks[place]
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("slots", &self.slots).finish_non_exhaustive()
    }
}

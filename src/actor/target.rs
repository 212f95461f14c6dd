//! The actor of a target: asks what its deliveries do next, writes it down, and does it.

use std::{
    mem,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fanfare_sdk::{TargetName, Timestamp};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use super::{
    Inspection, Shared, Slot, SlotParts, TargetMsg,
    alarm::Alarm,
    attempt::{self, Order},
    beyond::Beyond,
    decided::{Decided, Known, Settled},
    keys::delivery_key,
    load::read,
    queue::{Held, Place, Queue},
    slot::Permit,
    starts::{Draft, filled},
};
use crate::{
    journal::{Claim, Entry, JournalError, Open},
    policy::{Door, Plan, Step, next},
    report::{CancelledBy, DeliveryId, Event, FellBack, Kind, Limit, Outcome, Reason, Why},
    sabotage::{self, Sabotage},
    telemetry,
};

/// The pause before the journal is asked again after it has failed; doubled up to the other one.
const LOAD_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// The actor of a target.
#[derive(Debug)]
pub(super) struct Target;

/// What an actor of a target starts from.
#[derive(Clone, Debug)]
pub(super) struct TargetArgs {
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
}

/// What the actor of a target owns. All of it can be found again in the journal and in the slot.
#[derive(Debug)]
pub(super) struct TargetState {
    myself: ActorRef<TargetMsg>,
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    /// What the slot was made of when it was loaded.
    pub(super) parts: Arc<SlotParts>,
    /// The right to write; none until the journal has given it.
    pub(super) claim: Option<Claim>,
    pub(super) queue: Queue,
    /// When the gate may let the first of those before it through.
    gate_opens: Option<Timestamp>,
    alarm: Alarm,
    /// When it began to do what it was told last, or knew of all that it has loaded since.
    pub(super) now: Timestamp,
    load_pause: Duration,
    /// Whose turn it is now by their order keys, and who were not asked yet.
    pub(super) turns: Vec<DeliveryId>,
    /// When it loads again, after the journal has failed.
    load_at: Option<Timestamp>,
    /// Something may have been written of which nobody was told.
    pub(super) unsure: bool,
    pub(super) decided: Decided,
    /// By which claim something is being written down.
    pub(super) appending: Option<u64>,
    pub(super) beyond: Beyond,
    /// Wishes to cancel that are looked at when that is written.
    pub(super) cancels: Vec<(DeliveryId, CancelledBy, Timestamp)>,
}

impl Actor for Target {
    type Msg = TargetMsg;
    type State = TargetState;
    type Arguments = TargetArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<TargetMsg>,
        TargetArgs { shared, slot }: TargetArgs,
    ) -> Result<TargetState, ActorProcessingErr> {
        slot.address.set(myself.clone());
        myself.send_message(TargetMsg::Load)?;
        Ok(TargetState {
            parts: slot.parts(),
            myself,
            now: shared.clock.now(),
            shared,
            slot,
            claim: None,
            queue: Queue::default(),
            gate_opens: None,
            alarm: Alarm::default(),
            load_pause: LOAD_AGAIN.0,
            turns: Vec::new(),
            load_at: None,
            unsure: false,
            decided: Decided::default(),
            appending: None,
            beyond: Beyond::default(),
            cancels: Vec::new(),
        })
    }

    async fn handle(
        &self,
        _: ActorRef<TargetMsg>,
        message: TargetMsg,
        state: &mut TargetState,
    ) -> Result<(), ActorProcessingErr> {
        state.now = state.shared.clock.now();
        // What is rare and waits is boxed: the future of each message would make room for it.
        match message {
            TargetMsg::Load => Box::pin(state.reload()).await,
            TargetMsg::Deliver(open) if state.slot.early.told(&open) => {}
            TargetMsg::Deliver(open) => state.take_in(open),
            TargetMsg::Prepared(id, ready) => state.prepared(&id, ready),
            TargetMsg::Attempted(id, ended) => state.learn(&id, Event::Ended(ended)),
            TargetMsg::CancelAsked(id, by, at) => Box::pin(state.cancel(&id, (by, at))).await,
            TargetMsg::Appended(epoch, appended) => {
                state.appended(epoch, appended);
                for (id, by, at) in mem::take(&mut state.cancels) {
                    Box::pin(state.cancel(&id, (by, at))).await;
                }
            }
            TargetMsg::Wake if state.load_at.is_some() => Box::pin(state.reload()).await,
            TargetMsg::Wake => state.wake(),
            TargetMsg::Inspect(reply) => drop(reply.send(state.inspect())),
        }
        state.advance().await;
        Ok(())
    }
}

impl TargetState {
    /// Somebody may know more than this actor. After a failure of the journal it loads when its pause is over: those
    /// who are told of each other's failures must not drive each other.
    async fn reload(&mut self) {
        if self.load_at.is_none_or(|at| at <= self.now) {
            self.load().await;
        }
    }

    /// Claims the target and loads what is open: at the start, after a death, and when the journal has failed.
    pub(super) async fn load(&mut self) {
        self.load_at = None;
        self.claim = None;
        self.parts = self.slot.parts();
        self.queue.clear();
        self.alarm.clear();
        self.gate_opens = None;
        self.turns.clear();
        self.decided = Decided::default();
        self.appending = None;
        self.beyond = Beyond::default();
        match read(&self.shared, &self.slot, self.parts.policy.queue_max).await {
            Ok((claim, open, beyond)) => {
                self.beyond = beyond;
                self.load_pause = LOAD_AGAIN.0;
                self.claim = Some(claim);
                self.now = self.shared.clock.now();
                self.slot.early.note(&open, self.now);
                if beyond == Beyond::default() {
                    self.slot.keep_successes(|id| open.iter().any(|open| open.id() == *id));
                }
                for open in open.into_iter().skip(sabotage::is(Sabotage::DroppedOnLoad).into()) {
                    self.admit(open);
                }
                if mem::take(&mut self.unsure) {
                    self.shared.recheck(Some(&self.slot.name));
                }
            }
            Err(error) => self.load_later(&error),
        }
    }

    /// The journal has failed: what this actor holds may not be what was written. Asks again after a pause.
    pub(super) fn load_later(&mut self, error: &JournalError) {
        telemetry::journal_failed("load", error);
        self.claim = None;
        self.queue.clear();
        self.decided = Decided::default();
        self.appending = None;
        let (clock, myself) = (self.shared.clock, self.myself.clone());
        let at = clock.now().after(self.load_pause);
        self.load_at = Some(at);
        self.alarm.clear();
        self.alarm.set(clock, at, move || drop(myself.send_message(TargetMsg::Wake)));
        self.load_pause = (self.load_pause * 2).min(LOAD_AGAIN.1);
    }

    /// Takes a delivery in. Without a claim it is left where it is: it will be loaded.
    fn take_in(&mut self, open: Open) {
        if self.claim.is_none() {
            return;
        }
        if !self.queue.contains(&open.id()) && !self.leaves(&open) {
            self.admit(open);
        }
    }

    /// Holds a delivery. Where nothing else could keep it, a new one needs room.
    fn admit(&mut self, open: Open) {
        let new = open.history.events().is_empty();
        let is_full = self.queue.len() >= self.parts.policy.queue_max;
        if new && is_full && !self.shared.journal.waits() {
            self.shared.reached(Limit::Queue, Some(&self.slot.name));
            return self.settle(open.id(), Outcome::Failed(Reason::Refused(Why::QueueFull)));
        }
        self.hold(open);
    }

    /// Holds a delivery, whether or not there is room.
    pub(super) fn hold(&mut self, open: Open) {
        let (id, policy) = (open.id(), &self.parts.policy);
        let stands_in = open.serving != open.recipient().recipient;
        let recipient = if stands_in { self.shared.slots.get(&id.recipient) } else { None };
        let plan = Plan {
            policy: policy.clone(),
            recipient: recipient.map(|slot| slot.parts().policy.clone()),
            seed: open.recipient().seed,
            accepted: open.broadcast.accepted_at,
            expires: open.recipient().expires,
            skipped: open.recipient().skipped,
            parked: open.recipient().parked(),
        };
        let held = Held {
            open,
            plan,
            place: Place::Waiting,
            stamps: None,
            preparing: false,
            refused: None,
        };
        self.queue.insert(id.clone(), held);
        self.decide(&id);
    }

    /// Something that is recorded already.
    pub(super) fn learn(&mut self, id: &DeliveryId, event: Event) {
        if let Some(held) = self.queue.get(id) {
            held.open.history.push(event);
            self.decide(id);
        } else if self.beyond != Beyond::default() {
            self.beyond.note(event.at(), false);
        }
    }

    fn wake(&mut self) {
        self.alarm.clear();
        while let Some(id) = self.queue.pop_due(self.now) {
            self.decide(&id);
        }
    }

    fn inspect(&self) -> Inspection {
        Inspection {
            open: self.queue.len(),
            at_gate: self.queue.at_gate(),
            in_flight: self.slot.in_flight_count(),
        }
    }

    /// Asks what a delivery does next, and prepares it.
    pub(super) fn decide(&mut self, id: &DeliveryId) {
        let sight = self.slot.sight(&self.parts.policy, self.now);
        let Some(held) = self.queue.get(id) else { return };
        let step = next(&held.plan, &held.open.history, &sight, self.now);
        self.act(id, step);
    }

    pub(super) fn act(&mut self, id: &DeliveryId, step: Step) {
        // What all of them wait for is waited for in line: whoever stands first asks for the others.
        let in_line = matches!(step, Step::Wait { why, .. } if self.parts.policy.holds_all(why));
        if !in_line
            && !matches!(step, Step::Attempt { .. })
            && let Some(held) = self.queue.get(id)
        {
            held.place = Place::Waiting;
        }
        match step {
            Step::Attempt { way, kind, because, timeout, due } => {
                self.attempt(id, Draft { way, kind, because, due, at: self.now }, timeout);
            }
            Step::Listen { until: Some(at) } => self.queue.schedule(id.clone(), at),
            Step::Listen { until: None } => {}
            Step::Abort { attempt } => self.slot.abort(id, attempt),
            Step::Wait { until, why } if in_line => {
                self.opens_at(until);
                self.queue.hold_back(id, why);
                self.queue.stand(id, Place::AtGate);
            }
            Step::Wait { until, why } => self.wait(id, until, why),
            Step::FallBack(note, step) => self.fall_back(id, *note, *step),
            Step::HandOver { to, because } => self.hand_over(id, to, because),
            Step::Settle(Outcome::Expired) if self.is_unproved(id) => self.tell_unproved(id),
            Step::Settle(outcome) => self.settle(id.clone(), outcome),
        }
    }

    pub(super) fn opens_at(&mut self, at: Timestamp) {
        self.gate_opens = Some(self.gate_opens.map_or(at, |opens| opens.min(at)));
    }

    /// Starts an attempt, if the authorizers are ready and the gate admits it.
    fn attempt(&mut self, id: &DeliveryId, draft: Draft, timeout: Duration) {
        if !self.queue.has_turn(id) {
            self.queue.hold_back(id, Why::Order);
            return self.queue.stand(id, Place::InOrder);
        }
        if !self.is_proved(id) {
            return self.prepare(id);
        }
        let may_pass = self.queue.may_pass(id);
        let refusal = if may_pass {
            match self.slot.admit(&draft.way, draft.kind, (&self.shared, self.now)) {
                Ok(permit) => return self.start(id, draft, (timeout, permit)),
                Err(door) => door,
            }
        } else {
            Door::Busy(Why::Concurrency)
        };
        let why = match refusal {
            Door::NotBefore(at, why) => {
                self.opens_at(at);
                why
            }
            Door::Busy(why) | Door::Shut(why) => why,
            Door::Open => Why::Concurrency,
        };
        // A hedge is not worth waiting for.
        if draft.kind != Kind::Hedge {
            self.queue.hold_back(id, why);
            let budget = why == Why::RetryBudget;
            self.queue.stand(id, if budget { Place::ForBudget } else { Place::AtGate });
        }
    }

    fn start(&mut self, id: &DeliveryId, draft: Draft, (timeout, permit): (Duration, Permit)) {
        let Some(held) = self.queue.get(id) else { return };
        let started = filled(&self.slot, held, self.shared.boot, draft);
        held.place = Place::Waiting;
        held.refused = None;
        let before = held.open.history.clone();
        held.open.history.push(Event::Started(started.clone()));
        let order = Box::new(Order {
            id: id.clone(),
            before,
            plan: held.plan.clone(),
            delivery_key: delivery_key(&held.open.broadcast, held.open.place),
            broadcast: held.open.broadcast.clone(),
            delivery_span: held.open.recipient().span_id,
            resends: attempt::resends(&self.slot, &held.open.history, &started),
            timeout,
            stamps: held.stamps.take().unwrap_or_default().0,
            started: started.clone(),
        });
        self.decided.write(Entry::Event(id.clone(), Event::Started(started)));
        self.decided.orders.push((order, permit));
    }

    pub(super) fn wait(&mut self, id: &DeliveryId, until: Timestamp, why: Why) {
        self.queue.hold_back(id, why);
        self.decided.write(Entry::Due(id.clone(), until));
        let held = self.queue.get(id);
        let is_keyed = held.is_some_and(|held| held.open.recipient().order_key.is_some());
        if self.releases(is_keyed, until) {
            drop(self.queue.remove(id));
        } else {
            self.queue.schedule(id.clone(), until);
        }
    }

    /// Writes down what is passed over, and does what is done instead.
    fn fall_back(&mut self, id: &DeliveryId, note: FellBack, step: Step) {
        let event = Event::FellBack(note);
        self.decided.write(Entry::Event(id.clone(), event.clone()));
        if let Some(held) = self.queue.get(id) {
            held.open.history.push(event);
        }
        self.act(id, step);
    }

    fn hand_over(&mut self, id: &DeliveryId, to: TargetName, because: Reason) {
        if self.shared.slots.get(&to).is_none() {
            return self.settle(id.clone(), Outcome::Failed(Reason::Refused(Why::TargetFailed)));
        }
        let Some((Held { mut open, .. }, turn)) = self.queue.remove(id) else { return };
        self.left(&open, turn);
        let moved = Event::Moved { to: to.clone(), because, at: self.now };
        open.history.push(moved.clone());
        open.serving = to;
        self.decided.write(Entry::Event(id.clone(), moved));
        self.decided.moved.push(open);
    }

    fn settle(&mut self, id: DeliveryId, outcome: Outcome) {
        let known = self.queue.remove(&id).map(|(held, turn)| {
            self.left(&held.open, turn);
            Known::of(&held.open)
        });
        self.decided.write(Entry::Settled(id.clone(), outcome));
        let twice = sabotage::is(Sabotage::SettledTwice).then_some(Outcome::Expired);
        self.decided.entries.extend(twice.map(|again| Entry::Settled(id.clone(), again)));
        self.decided.settled.push(Settled { id, outcome, known });
    }

    /// Lets through who stands before the gate, writes down what was decided, and does it.
    async fn advance(&mut self) {
        if self.wants_more() {
            Box::pin(self.fetch()).await;
        }
        self.open_gate();
        while let Some(id) = self.turns.pop() {
            self.decide(&id);
        }
        self.commit().await;
        self.slot.keep_gate_soon(&self.shared);
        self.slot.open.store(self.queue.len(), Ordering::Relaxed);
        self.set_alarm();
    }

    fn open_gate(&mut self) {
        self.gate_opens = None;
        for line in [Place::AtGate, Place::ForBudget] {
            while let Some(id) = self.queue.first(line) {
                if line == Place::ForBudget && self.queue.is_from_budget_at_gate() {
                    return;
                }
                self.decide(&id);
                if self.queue.get(&id).is_some_and(|held| held.place == line) {
                    break;
                }
                self.queue.pop(line);
            }
        }
    }

    fn set_alarm(&mut self) {
        let at_gate = self.gate_opens.filter(|_| self.queue.at_gate() > 0);
        let beyond = self.beyond.next().filter(|at| *at > self.now);
        let due = [self.queue.next_due(), at_gate, beyond];
        let Some(at) = due.into_iter().flatten().min() else { return };
        let myself = self.myself.clone();
        self.alarm.set(self.shared.clock, at, move || drop(myself.send_message(TargetMsg::Wake)));
    }
}

//! Many deliveries in virtual time: what is due next happens next, and the engine's own functions decide.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, VecDeque},
    time::Duration,
};

use fanfare_sdk::{IdempotencyKey, TargetName, Timestamp};
use smallvec::SmallVec;

use super::{
    RouteRehearsal, RouteRehearsed, SettledDelivery,
    queue::Place,
    rounds::Rounds,
    scripted::{aborted, ended},
    serving::{LINES, Serving},
};
use crate::{
    policy::{
        Door, Plan, Step,
        gate::{Budget, Ticket},
        next,
    },
    report::{
        Boot, CancelledBy, Ended, Event, History, IdMap, Kind, Outcome, Reason, Rest, Started, Why,
    },
};

/// Things that happen in one rehearsal. A million deliveries of a few attempts each take fewer.
const CUES_MAX: u64 = 50_000_000;

/// Recipients of one rehearsal, as many as those of a broadcast.
const RECIPIENTS_MAX: usize = 1_000;

/// Something that happens at its time. In the same instant, ends come first, and older deliveries before younger ones,
/// as in the engine's queues.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Cue {
    /// That attempt of that delivery ends.
    End(u32, u32),
    /// That delivery is asked again.
    Ask(u32),
    /// The gate of that target may open.
    Gate(usize),
    /// That broadcast is sent.
    Accept(u32),
    /// The verdict of that broadcast falls.
    Deadline(u32),
}

/// A delivery that is open.
#[derive(Debug)]
struct Held {
    broadcast: u32,
    /// Which of the recipients.
    recipient: usize,
    /// Who serves it.
    serving: usize,
    history: History,
    in_flight: SmallVec<[Flight; 1]>,
    place: Place,
    /// What the gate has refused it for since it was last due.
    refused: Option<Why>,
    /// Since when it waits, and for what.
    waits: Option<(Timestamp, Why)>,
    seed: u64,
    accepted: Timestamp,
    expires: Timestamp,
}

/// An attempt in flight: how it will end unless it is aborted.
#[derive(Debug)]
struct Flight {
    ended: Ended,
    ticket: Ticket,
    begun: Timestamp,
}

/// All that takes part.
pub(super) struct Stage<'a> {
    route: &'a RouteRehearsal,
    tell: &'a mut dyn FnMut(&SettledDelivery<'_>),
    /// The recipients, in their order, and the stand-ins.
    servings: Vec<Serving>,
    places: HashMap<TargetName, usize>,
    budget: Budget,
    rounds: Rounds,
    held: IdMap<u32, Held>,
    key: IdempotencyKey,
    rng: fastrand::Rng,
    now: Timestamp,
    agenda: BinaryHeap<Reverse<(Timestamp, Cue)>>,
    /// Deliveries that are to be asked now.
    asked: VecDeque<u32>,
    /// Targets at which something has changed.
    stirred: Vec<usize>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        route: &'a RouteRehearsal,
        tell: &'a mut dyn FnMut(&SettledDelivery<'_>),
    ) -> Self {
        let recipients = route.recipients.len();
        assert!(
            (1..=RECIPIENTS_MAX).contains(&recipients),
            "a rehearsal has 1 to 1,000 recipients"
        );
        let policies = route.recipients.iter().map(|(policy, _)| policy).chain(&route.stand_ins);
        let servings: Vec<_> = policies
            .map(|policy| {
                let api = route.apis.get(&policy.target).cloned();
                let mine = route.outages.iter().filter(|it| it.target == policy.target);
                Serving::new(policy, api, mine.cloned().collect(), route.start)
            })
            .collect();
        let places: HashMap<_, _> =
            servings.iter().map(|s| &s.policy.target).cloned().zip(0..).collect();
        assert_eq!(places.len(), servings.len(), "no target is named twice");
        Self {
            tell,
            servings,
            places,
            budget: Budget::default(),
            rounds: Rounds::new(route),
            held: IdMap::default(),
            key: IdempotencyKey::from("rehearsal"),
            rng: fastrand::Rng::with_seed(route.seed),
            now: route.start,
            agenda: BinaryHeap::new(),
            asked: VecDeque::new(),
            stirred: Vec::new(),
            route,
        }
    }

    /// Plays it to its end.
    pub(super) fn play(mut self) -> RouteRehearsed {
        self.cue(self.route.start, Cue::Accept(0));
        let mut steps = 0;
        while let Some(Reverse((at, _))) = self.agenda.peek().copied()
            && steps < CUES_MAX
        {
            self.now = at;
            while let Some(Reverse((_, cue))) = self.pop(at) {
                steps += 1;
                self.happen(cue);
                self.answer();
            }
            self.advance();
        }
        let mut played = self.rounds.summary();
        played.unsettled = self.held.len() as u64;
        played.apis = self.servings.into_iter().map(Serving::summary).collect();
        played
    }

    fn cue(&mut self, at: Timestamp, cue: Cue) {
        self.agenda.push(Reverse((at.max(self.now), cue)));
    }

    /// The next thing that happens at that time.
    fn pop(&mut self, at: Timestamp) -> Option<Reverse<(Timestamp, Cue)>> {
        let Reverse((next, _)) = self.agenda.peek()?;
        if *next > at { None } else { self.agenda.pop() }
    }

    fn happen(&mut self, cue: Cue) {
        match cue {
            Cue::Accept(number) => self.accept(number),
            Cue::End(id, attempt) => self.end(id, attempt, None),
            Cue::Ask(id) => {
                let held = self.held.get(&id);
                self.stirred.extend(held.map(|held| held.serving));
                self.asked.push_back(id);
            }
            Cue::Gate(place) => {
                let alarm = &mut self.servings[place].alarm;
                *alarm = alarm.filter(|alarm| *alarm > self.now);
                self.stirred.push(place);
            }
            Cue::Deadline(number) => self.judge(number),
        }
    }

    fn accept(&mut self, number: u32) {
        let (route, now) = (self.route, self.now);
        let deadline = self.rounds.begin(number, now);
        if let Some(at) = deadline {
            self.cue(at, Cue::Deadline(number));
        }
        // As the engine pins it: what is cancelled at the deadline need not be begun if it cannot end by then.
        let latest = deadline.filter(|_| route.rest == Rest::Cancel);
        for recipient in 0..route.recipients.len() {
            let expires = now.after(self.servings[recipient].policy.give_up_after);
            let held = Held {
                broadcast: number,
                recipient,
                serving: recipient,
                history: History::default(),
                in_flight: SmallVec::new(),
                place: Place::Waiting,
                refused: None,
                waits: None,
                seed: self.rng.u64(..),
                accepted: now,
                expires: latest.map_or(expires, |latest| latest.min(expires)),
            };
            self.take_in(self.id(number, recipient), held);
        }
        if number + 1 < route.load.count() {
            self.cue(route.start.after(route.load.at(number + 1)), Cue::Accept(number + 1));
        }
    }

    fn id(&self, broadcast: u32, recipient: usize) -> u32 {
        let count = self.route.recipients.len();
        // A million times a thousand at the most.
        u32::try_from(broadcast as usize * count + recipient).unwrap_or(u32::MAX)
    }

    fn take_in(&mut self, id: u32, held: Held) {
        let serving = &mut self.servings[held.serving];
        let (new, full) =
            (held.history.events().is_empty(), serving.open as usize >= serving.policy.queue_max);
        self.stirred.push(held.serving);
        self.held.insert(id, held);
        if new && full {
            serving.open += 1;
            return self.settle(id, Outcome::Failed(Reason::Refused(Why::QueueFull)));
        }
        serving.take_in(self.now);
        self.asked.push_back(id);
    }

    /// Asks whoever is to be asked, and whom that concerns.
    fn answer(&mut self) {
        while let Some(id) = self.asked.pop_front() {
            self.decide(id);
        }
    }

    /// Lets through who stands before the gates.
    fn advance(&mut self) {
        while let Some(place) = self.stirred.pop() {
            self.open_gate(place);
            self.answer();
            if let Some(at) = self.servings[place].next_alarm() {
                self.cue(at, Cue::Gate(place));
            }
        }
    }

    fn open_gate(&mut self, serving: usize) {
        self.servings[serving].opens = None;
        for line in LINES {
            while let Some(id) = self.first(serving, line) {
                let places = |id| self.held.get(&id).map(|held| held.place);
                if line == Place::ForBudget
                    && self.servings[serving].queue.is_from_budget_at_gate(places)
                {
                    return;
                }
                self.decide(id);
                if self.held.get(&id).is_some_and(|h| h.serving == serving && h.place == line) {
                    break;
                }
                self.servings[serving].queue.pop(line);
            }
        }
    }

    fn first(&mut self, serving: usize, line: Place) -> Option<u32> {
        let here = |id| self.held.get(&id).filter(|h| h.serving == serving).map(|h| h.place);
        self.servings[serving].queue.first(line, here)
    }

    /// Asks what a delivery does next, and does it.
    fn decide(&mut self, id: u32) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let serving = &self.servings[held.serving];
        let stands_in = held.serving != held.recipient;
        let plan = Plan {
            policy: serving.policy.clone(),
            recipient: stands_in.then(|| self.servings[held.recipient].policy.clone()),
            seed: held.seed,
            accepted: held.accepted,
            expires: held.expires,
            skipped: false,
            parked: 0,
        };
        let step = match next(&plan, &held.history, &serving.sight(self.now), self.now) {
            Step::FallBack(note, step) => {
                held.history.push(Event::FellBack(*note));
                *step
            }
            step => step,
        };
        // As the engine does: what all of them wait for is waited for in line.
        let in_line = matches!(step, Step::Wait { why, .. } if plan.policy.holds_all(why));
        if !in_line && !matches!(step, Step::Attempt { .. }) {
            held.place = Place::Waiting;
        }
        match step {
            Step::Attempt { way, kind, because, timeout, due } => {
                let attempt = u32::try_from(held.history.starts().count()).unwrap_or(u32::MAX);
                let (key, at) = (self.key.clone(), self.now);
                let (attempt, span_id, boot, held) = (attempt + 1, [0; 8], Boot(0), held.refused);
                let started =
                    Started { attempt, way, kind, because, key, span_id, boot, due, held, at };
                self.attempt(id, started, timeout);
            }
            Step::Listen { until: Some(at) } => self.cue(at, Cue::Ask(id)),
            Step::Listen { until: None } => {}
            Step::Abort { attempt } => {
                let planned = held.in_flight.iter().find(|it| it.ended.attempt == attempt);
                let ended = planned.map(|it| aborted(&it.ended, self.now));
                self.end(id, attempt, ended);
            }
            Step::Wait { until, why } if in_line => self.wait_in_line(id, until, why),
            Step::Wait { until, why } => {
                if why != Why::Backoff {
                    held.refused = Some(why);
                }
                self.waits(id, Some(why));
                self.cue(until, Cue::Ask(id));
            }
            // It was unwrapped.
            Step::FallBack(..) => {}
            Step::HandOver { to, because } => self.hand_over(id, to, because),
            Step::Settle(outcome) => self.settle(id, outcome),
        }
    }

    /// Waits before the gate for what all of them wait for.
    fn wait_in_line(&mut self, id: u32, until: Timestamp, why: Why) {
        let Some(place) = self.held.get(&id).map(|held| held.serving) else { return };
        let serving = &mut self.servings[place];
        serving.refused(Door::NotBefore(until, why));
        serving.queue.refuse(why);
        self.stand(id, (why, Place::AtGate));
        self.waits(id, Some(why));
    }

    /// Starts an attempt, if the gate admits it.
    fn attempt(&mut self, id: u32, started: Started, timeout: Duration) {
        let Some(place) = self.held.get(&id).map(|held| held.serving) else { return };
        let may_pass = self.first(place, Place::AtGate).is_none_or(|first| first == id);
        let serving = &mut self.servings[place];
        let refusal = if may_pass {
            let shared = self.route.retry_budget.as_ref().map(|it| (it, &mut self.budget));
            match serving.admit((&started.way, started.kind), shared, self.now) {
                Ok(ticket) => return self.start(id, started, (timeout, ticket)),
                Err(door) => door,
            }
        } else {
            Door::Busy(Why::Concurrency)
        };
        let why = serving.refused(refusal);
        // A hedge is not worth waiting for.
        if started.kind == Kind::Hedge {
            return;
        }
        let stands = if why == Why::RetryBudget { Place::ForBudget } else { Place::AtGate };
        if may_pass && stands == Place::AtGate {
            serving.queue.refuse(why);
        }
        let behind = if may_pass { why } else { serving.queue.held_for() };
        self.stand(id, (why, stands));
        self.waits(id, Some(behind));
    }

    /// Puts a delivery behind the others in a line, unless it stands there.
    fn stand(&mut self, id: u32, (why, place): (Why, Place)) {
        let Some(held) = self.held.get_mut(&id) else { return };
        held.refused = Some(why);
        let before = std::mem::replace(&mut held.place, place);
        let (serving, expires) = (held.serving, held.expires);
        if before != place {
            self.servings[serving].queue.push(id, (before, place), self.route.priority);
            self.cue(expires, Cue::Ask(id));
        }
    }

    fn start(&mut self, id: u32, started: Started, (timeout, ticket): (Duration, Ticket)) {
        self.waits(id, None);
        let Some(held) = self.held.get_mut(&id) else { return };
        let serving = &self.servings[held.serving];
        let mixed = held.seed ^ u64::from(started.attempt).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let chance = fastrand::Rng::with_seed(mixed).u8(0..100);
        let (at, endpoint) = (self.now.since(self.route.start), started.way.endpoint.as_ref());
        let outage = serving.outages.iter().rfind(|it| it.concerns(endpoint, at, chance));
        let does = outage.map_or(&self.route.does, |outage| &outage.does);
        let ended = ended(&started, does, (&serving.policy, serving.api.as_deref()), timeout);
        (held.place, held.refused) = (Place::Waiting, None);
        let (ends, attempt, begun) = (ended.at, started.attempt, self.now);
        let hedges = serving.policy.hedge.is_some();
        held.history.push(Event::Started(started));
        held.in_flight.push(Flight { ended, ticket, begun });
        self.cue(ends, Cue::End(id, attempt));
        if hedges {
            // It may be due before the attempt ends.
            self.asked.push_back(id);
        }
    }

    /// An attempt ends: as it was to, or as it is made to.
    fn end(&mut self, id: u32, attempt: u32, aborted: Option<Ended>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let place = held.in_flight.iter().position(|it| it.ended.attempt == attempt);
        let Some(place) = place else { return };
        let Flight { ended, ticket, begun } = held.in_flight.remove(place);
        let ended = aborted.unwrap_or(ended);
        self.servings[held.serving].end(&ended, ticket, begun);
        held.history.push(Event::Ended(ended));
        self.stirred.push(held.serving);
        self.asked.push_back(id);
    }

    fn hand_over(&mut self, id: u32, to: TargetName, because: Reason) {
        let Some(place) = self.places.get(&to).copied() else {
            return self.settle(id, Outcome::Failed(Reason::Refused(Why::TargetFailed)));
        };
        self.waits(id, None);
        let Some(mut held) = self.held.remove(&id) else { return };
        self.servings[held.serving].open -= 1;
        held.history.push(Event::Moved { to, because, at: self.now });
        held.serving = place;
        self.take_in(id, held);
    }

    fn settle(&mut self, id: u32, outcome: Outcome) {
        self.waits(id, None);
        let Some(held) = self.held.remove(&id) else { return };
        self.servings[held.serving].open -= 1;
        let Held { broadcast, recipient, ref history, accepted, .. } = held;
        let name = &self.route.recipients[recipient].0.target;
        let at = self.now;
        (self.tell)(&SettledDelivery {
            broadcast,
            recipient: name,
            history,
            accepted,
            at,
            outcome,
        });
        self.rounds.settle((broadcast, recipient), outcome, self.now);
        self.judge(broadcast);
    }

    /// Lets the verdict fall where it is certain, and cancels what is then left where that is wanted.
    fn judge(&mut self, number: u32) {
        if !self.rounds.judge(number, self.now) || self.route.rest != Rest::Cancel {
            return;
        }
        for recipient in 0..self.route.recipients.len() {
            let id = self.id(number, recipient);
            let Some(held) = self.held.get_mut(&id) else { continue };
            held.history.push(Event::CancelAsked { by: CancelledBy::Verdict, at: self.now });
            self.stirred.push(held.serving);
            self.asked.push_back(id);
        }
    }

    /// From now on a delivery waits for that, or for nothing.
    fn waits(&mut self, id: u32, why: Option<Why>) {
        let Some(held) = self.held.get_mut(&id) else { return };
        let before = held.waits;
        if before.map(|(_, why)| why) == why {
            return;
        }
        held.waits = why.map(|why| (self.now, why));
        if let Some((since, why)) = before {
            self.servings[held.serving].waited(why, self.now.since(since));
        }
    }
}

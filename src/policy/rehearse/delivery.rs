//! A delivery in virtual time: the same decisions as in the engine, against replies from a script.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use fanfare_sdk::{ApiTarget, IdempotencyKey, TargetName, Timestamp};
use http::HeaderMap;

use super::scripted::{Answer, Scripted, aborted, ended};
use crate::{
    policy::{
        Door, Plan, Sight, Step, TargetPolicy, feedback,
        gate::{Gate, Ticket},
        next,
    },
    report::{
        Boot, CancelledBy, Ended, Event, FellBack, History, Kind, Outcome, Reason, Started, Why,
    },
};

/// Steps of one rehearsal. More than any policy within its limits takes.
const STEPS_MAX: usize = 100_000;

/// A delivery to rehearse.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The target and its stand-ins; the first one is the recipient.
    pub targets: Vec<TargetPolicy>,
    /// Their plugins, to say what an answer means; where there is none, its status says it.
    pub apis: HashMap<TargetName, Arc<dyn ApiTarget>>,
    /// The answers, one an attempt; the last one stands for all that follow.
    pub script: Vec<Scripted>,
    /// Draws the jitter.
    pub seed: u64,
    /// When virtual time begins.
    pub start: Timestamp,
    /// When the caller cancels it.
    pub cancel_after: Option<Duration>,
}

/// What happened, in order, and how it ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rehearsed {
    /// What was decided or happened, and when, counted from the acceptance.
    pub moments: Vec<(Duration, Moment)>,
    /// How it ended; none where it would never end.
    pub outcome: Option<Outcome>,
    /// All that happened.
    pub history: History,
}

/// Something that was decided, or that happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Moment {
    /// A step was decided.
    Decided(Step),
    /// Fallbacks were passed over.
    PassedOver(FellBack),
    /// An attempt ended.
    Ended(Ended),
    /// The caller cancelled.
    Cancelled,
}

struct Stage<'a> {
    rehearsal: &'a Rehearsal,
    policies: HashMap<TargetName, Arc<TargetPolicy>>,
    gates: HashMap<TargetName, Gate>,
    serving: TargetName,
    history: History,
    in_flight: Vec<(Ended, Ticket)>,
    now: Timestamp,
    moments: Vec<(Duration, Moment)>,
}

/// Plays the script to its end.
///
/// # Panics
/// When there is no target.
#[must_use]
pub fn rehearse(rehearsal: &Rehearsal) -> Rehearsed {
    let recipient = rehearsal.targets.first().expect("a rehearsal has a target").target.clone();
    let gate = |p: &TargetPolicy| (p.target.clone(), Gate::new(p.gate.clone()));
    let mut stage = Stage {
        rehearsal,
        policies: rehearsal
            .targets
            .iter()
            .map(|p| (p.target.clone(), Arc::new(p.clone())))
            .collect(),
        gates: rehearsal.targets.iter().map(gate).collect(),
        serving: recipient,
        history: History::default(),
        in_flight: Vec::new(),
        now: rehearsal.start,
        moments: Vec::new(),
    };
    let outcome = (0..STEPS_MAX).find_map(|_| stage.step()).flatten();
    Rehearsed { moments: stage.moments, outcome, history: stage.history }
}

// === impl Stage ===

impl Stage<'_> {
    /// One step; says how it ended once it has, with none where nothing would ever happen again.
    fn step(&mut self) -> Option<Option<Outcome>> {
        self.cancel_if_due();
        let versions = &self.policies[&self.serving].versions;
        let sight = self.gates.get(&self.serving).map_or_else(Sight::default, |gate| Sight {
            version_first: gate.version_first(versions, self.now),
            ..gate.sight(self.now)
        });
        let step = next(&self.plan(), &self.history, &sight, self.now);
        self.act(step)
    }

    fn act(&mut self, step: Step) -> Option<Option<Outcome>> {
        match &step {
            Step::Listen { .. } | Step::FallBack(..) => {}
            decided => self.note(Moment::Decided(decided.clone())),
        }
        match step {
            Step::FallBack(note, step) => {
                self.note(Moment::PassedOver((*note).clone()));
                self.history.push(Event::FellBack(*note));
                return self.act(*step);
            }
            Step::Attempt { way, kind, because, timeout, due } => {
                let attempt = u32::try_from(self.history.starts().count()).unwrap_or(u32::MAX) + 1;
                let (key, at) = (IdempotencyKey::from("rehearsal"), self.now);
                let (span_id, boot, held) = ([0; 8], Boot(0), None);
                let started =
                    Started { attempt, way, kind, because, key, span_id, boot, due, held, at };
                return self.start(started, timeout);
            }
            Step::Listen { until } => self.listen(until),
            Step::Abort { attempt } => {
                let planned = self.in_flight.iter().find(|(end, _)| end.attempt == attempt);
                if let Some((planned, _)) = planned {
                    self.end(aborted(planned, self.now));
                }
            }
            Step::Wait { until, .. } => self.now = self.earliest([Some(until), self.cancel_at()]),
            Step::HandOver { to, because } => {
                self.history.push(Event::Moved { to: to.clone(), because, at: self.now });
                if !self.policies.contains_key(&to) {
                    return Some(Some(Outcome::Failed(Reason::Refused(Why::TargetFailed))));
                }
                self.serving = to;
            }
            Step::Settle(outcome) => return Some(Some(outcome)),
        }
        None
    }

    fn plan(&self) -> Plan {
        let (start, recipient) = (self.rehearsal.start, &self.rehearsal.targets[0]);
        let stands_in = self.serving != recipient.target;
        Plan {
            policy: self.policies[&self.serving].clone(),
            recipient: stands_in.then(|| self.policies[&recipient.target].clone()),
            seed: self.rehearsal.seed,
            accepted: start,
            expires: start.after(recipient.give_up_after),
            skipped: false,
            parked: 0,
        }
    }

    /// Starts an attempt, unless the gate refuses it.
    fn start(&mut self, started: Started, timeout: Duration) -> Option<Option<Outcome>> {
        let gate = self.gates.get_mut(&self.serving)?;
        let ticket = match gate.admit(&started.way, started.kind, self.now) {
            Ok(ticket) => ticket,
            Err(_) if started.kind == Kind::Hedge => {
                self.listen(None);
                return None;
            }
            Err(Door::NotBefore(at, _)) => {
                self.now = self.earliest([Some(at), self.cancel_at()]);
                return None;
            }
            Err(_) => return Some(None),
        };
        let place = (started.attempt as usize).min(self.rehearsal.script.len());
        let ok = Scripted { answer: Answer::Status(200, HeaderMap::new()), after: Duration::ZERO };
        let scripted =
            place.checked_sub(1).and_then(|p| self.rehearsal.script.get(p)).unwrap_or(&ok);
        let policy = &*self.policies[&self.serving];
        let api = self.rehearsal.apis.get(&self.serving);
        let ended = ended(&started, scripted, (policy, api.map(|api| &**api)), timeout);
        self.history.push(Event::Started(started));
        self.in_flight.push((ended, ticket));
        None
    }

    fn listen(&mut self, until: Option<Timestamp>) {
        let first = self.in_flight.iter().map(|(ended, _)| ended).min_by_key(|ended| ended.at);
        let first = first.cloned();
        let ends = first.as_ref().map(|ended| ended.at);
        self.now = self.earliest([ends, until, self.cancel_at()]);
        if let Some(ended) = first.filter(|ended| ended.at <= self.now) {
            self.end(ended);
        }
    }

    fn end(&mut self, ended: Ended) {
        let place = self.in_flight.iter().position(|(end, _)| end.attempt == ended.attempt);
        let Some(place) = place else { return };
        let (_, ticket) = self.in_flight.remove(place);
        let pause_max = self.policies[&self.serving].retry.retry_after_max;
        if let Some(gate) = self.gates.get_mut(&self.serving) {
            // A transition of the breaker shows in what is decided next.
            drop(gate.give_back(ticket, feedback(&ended, pause_max), self.now));
        }
        self.note(Moment::Ended(ended.clone()));
        self.history.push(Event::Ended(ended));
    }

    fn cancel_if_due(&mut self) {
        if self.cancel_at().is_some_and(|at| at <= self.now) {
            self.history.push(Event::CancelAsked { by: CancelledBy::Caller, at: self.now });
            self.note(Moment::Cancelled);
        }
    }

    /// When the caller will cancel; none once he has.
    fn cancel_at(&self) -> Option<Timestamp> {
        let asked =
            self.history.events().iter().any(|event| matches!(event, Event::CancelAsked { .. }));
        let after = self.rehearsal.cancel_after.filter(|_| !asked)?;
        Some(self.rehearsal.start.after(after))
    }

    fn earliest<const N: usize>(&self, times: [Option<Timestamp>; N]) -> Timestamp {
        times.into_iter().flatten().min().unwrap_or(self.now).max(self.now)
    }

    fn note(&mut self, moment: Moment) {
        self.moments.push((self.now.since(self.rehearsal.start), moment));
    }
}

// === impl Rehearsed ===

impl fmt::Display for Rehearsed {
    /// One line: `delivered after 2 attempts, 200ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempts = self.history.starts().count();
        let took = self.moments.last().map_or(Duration::ZERO, |(at, _)| *at);
        match self.outcome {
            Some(outcome) => write!(f, "{outcome}")?,
            None => f.write_str("never ends")?,
        }
        write!(f, " after {attempts} attempt{}, {took:?}", if attempts == 1 { "" } else { "s" })
    }
}

//! A target that is rehearsed: its gate, who stands before it, and what is counted of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanfare_sdk::{ApiTarget, Meaning, Timestamp};

use super::{
    ApiSummary, Change, Outage, Peak, WaitSummary,
    queue::{Place, Queue},
};
use crate::{
    policy::{
        Door, Hedge, Latencies, Sight, TargetPolicy, feedback,
        gate::{BreakerState, Budget, Gate, RetryBudget, Ticket},
    },
    report::{Ended, Kind, Way, Why},
};

/// Changes of breakers that are kept.
const CHANGES_MAX: usize = 1_000;

/// A target on the stage.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) policy: Arc<TargetPolicy>,
    pub(super) api: Option<Arc<dyn ApiTarget>>,
    /// The last one counts.
    pub(super) outages: Vec<Outage>,
    pub(super) queue: Queue,
    /// When the gate may let the first of those before it through.
    pub(super) opens: Option<Timestamp>,
    /// When it is looked at again for that.
    pub(super) alarm: Option<Timestamp>,
    /// Deliveries that are open here.
    pub(super) open: u32,
    gate: Gate,
    latencies: Latencies,
    start: Timestamp,
    /// The second that is counted, and how many requests came in it.
    second: (u64, u32),
    waits: BTreeMap<&'static str, WaitSummary>,
    seen: ApiSummary,
}

impl Serving {
    pub(super) fn new(
        policy: &TargetPolicy,
        api: Option<Arc<dyn ApiTarget>>,
        outages: Vec<Outage>,
        start: Timestamp,
    ) -> Self {
        let seen = ApiSummary {
            target: policy.target.clone(),
            attempts: 0,
            retries: 0,
            hedges: 0,
            accepted: 0,
            busiest: Peak::default(),
            in_flight: Peak::default(),
            open: Peak::default(),
            waits: Vec::new(),
            breaker: Vec::new(),
            opened: 0,
        };
        Self {
            policy: Arc::new(policy.clone()),
            api,
            outages,
            queue: Queue::default(),
            opens: None,
            alarm: None,
            open: 0,
            gate: Gate::new(policy.gate.clone()),
            latencies: Latencies::default(),
            start,
            second: (0, 0),
            waits: BTreeMap::new(),
            seen,
        }
    }

    /// What the target knows at this moment.
    pub(super) fn sight(&self, now: Timestamp) -> Sight {
        let mut sight = self.gate.sight(now);
        sight.version_first = self.gate.version_first(&self.policy.versions, now);
        if self.policy.hedge == Some(Hedge::Percentile95) {
            sight.percentile95 = self.latencies.percentile95();
        }
        sight
    }

    /// A delivery has come here.
    pub(super) fn take_in(&mut self, now: Timestamp) {
        self.open += 1;
        self.seen.open.note(self.open, now.since(self.start));
    }

    /// Lets an attempt through, or says why not.
    pub(super) fn admit(
        &mut self,
        (way, kind): (&Way, Kind),
        shared: Option<(&RetryBudget, &mut Budget)>,
        now: Timestamp,
    ) -> Result<Ticket, Door> {
        let ticket = self.gate.admit_within(way, kind, shared, now)?;
        let at = now.since(self.start);
        if self.second.0 != at.as_secs() {
            self.second = (at.as_secs(), 0);
        }
        self.second.1 += 1;
        self.seen.busiest.note(self.second.1, Duration::from_secs(self.second.0));
        self.seen.in_flight.note(self.gate.in_flight(), at);
        self.seen.attempts += 1;
        match kind {
            Kind::Retry => self.seen.retries += 1,
            Kind::Hedge => self.seen.hedges += 1,
            Kind::First | Kind::Challenge => {}
        }
        Ok(ticket)
    }

    /// An attempt has ended that began at `begun`.
    pub(super) fn end(&mut self, ended: &Ended, ticket: Ticket, begun: Timestamp) {
        let feedback = feedback(ended, self.policy.retry.retry_after_max);
        let changed = self.gate.give_back(ticket, feedback, ended.at);
        if let Some(change) = changed {
            self.seen.opened += u32::from(change.to == BreakerState::Open);
            if self.seen.breaker.len() < CHANGES_MAX {
                let at = ended.at.since(self.start);
                let (endpoint, from, to) = (change.endpoint, change.from, change.to);
                self.seen.breaker.push(Change { at, endpoint, from, to });
            }
        }
        if ended.status.is_some() && self.policy.hedge == Some(Hedge::Percentile95) {
            self.latencies.add(ended.at.since(begun));
        }
        self.seen.accepted += u32::from(ended.meaning == Meaning::Success);
    }

    /// Something was refused at the gate; says what for.
    pub(super) fn refused(&mut self, door: Door) -> Why {
        match door {
            Door::NotBefore(at, why) => {
                self.opens = Some(self.opens.map_or(at, |opens| opens.min(at)));
                why
            }
            Door::Busy(why) | Door::Shut(why) => why,
            Door::Open => Why::Concurrency,
        }
    }

    /// A delivery has waited here.
    pub(super) fn waited(&mut self, why: Why, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        let none = WaitSummary { why, count: 0, total: Duration::ZERO, longest: Duration::ZERO };
        let entry = self.waits.entry(why.code()).or_insert(none);
        entry.count += 1;
        entry.total += wait;
        entry.longest = entry.longest.max(wait);
    }

    /// When to look at the gate again, unless that is known already.
    pub(super) fn next_alarm(&mut self) -> Option<Timestamp> {
        let at = self.opens.filter(|_| !self.queue.is_empty())?;
        if self.alarm.is_some_and(|alarm| alarm <= at) {
            return None;
        }
        self.alarm = Some(at);
        Some(at)
    }

    /// What was counted.
    pub(super) fn summary(mut self) -> ApiSummary {
        self.seen.waits = self.waits.into_values().collect();
        self.seen.waits.sort_by(|a, b| b.total.cmp(&a.total).then(a.why.code().cmp(b.why.code())));
        self.seen
    }
}

/// The lines of a gate, in the order in which they are let through.
pub(super) const LINES: [Place; 2] = [Place::AtGate, Place::ForBudget];

//! The gate itself: everything together, all or nothing.

use fanfare_sdk::{Endpoint, Timestamp, Version};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{
    BreakerMode, BreakerPolicy, BreakerState, Budget, GatePolicy, RetryBudget, Transition,
    announced::Announced,
    breaker::{self, Breaker},
    concurrency::{Limiter, Load},
    rate_limit::Bucket,
    throttle::Pauses,
};
use crate::{
    policy::{Door, Sight},
    report::{Kind, Way, Why},
    sabotage::{self, Sabotage},
};

/// Endpoints of one target whose breakers are kept. Those beyond are let through.
const ENDPOINTS_MAX: usize = 64;

/// Versions of one target that are remembered as rejected.
const VERSIONS_MAX: usize = 64;

/// The gate of one target.
#[derive(Debug)]
pub struct Gate {
    policy: GatePolicy,
    /// Tickets that are out.
    in_flight: u32,
    pub(super) kept: GateSnapshot,
    /// Counts changes that must not be forgotten.
    pub(super) revision: u64,
}

/// What must not be forgotten when the gate is made anew.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GateSnapshot {
    bucket: Bucket,
    budget: Budget,
    limiter: Limiter,
    pauses: Pauses,
    /// An operator lets nothing through.
    paused: bool,
    /// The target asked not to be called again.
    disabled: bool,
    breaker_mode: BreakerMode,
    breakers: SmallVec<[(Option<Endpoint>, Breaker); 1]>,
    /// Versions that were rejected, and when they may be asked for again.
    pub(super) rejected: SmallVec<[(Version, Timestamp); 1]>,
    #[serde(skip_serializing_if = "SmallVec::is_empty")]
    pub(super) announced: Announced,
}

/// Leave to make one attempt. Comes back with what became of it.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a dropped ticket is a lost permit"]
pub struct Ticket {
    endpoint: Option<Endpoint>,
    version: Option<Version>,
    era: u64,
    tokens: u16,
    /// Those of them that were not needed.
    unused: u16,
    begun: Timestamp,
    /// Those that were in flight then, with this one.
    in_flight: u32,
}

impl Ticket {
    /// So many exchanges were made of those that it is for: the others' tokens come back with it.
    pub fn made(&mut self, exchanges: u16) {
        self.unused = self.tokens.saturating_sub(exchanges.max(1));
    }
}

/// What became of an attempt, as far as the gate is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feedback {
    /// A reply came.
    Replied {
        /// How the endpoint is.
        health: Health,
        /// Whether the target asked to be left alone.
        pause: Pause,
        /// What else it said of itself.
        said: Said,
    },
    /// None came.
    NoReply,
    /// None came in time.
    TimedOut,
    /// Nothing was sent: it says nothing about the endpoint, and its tokens are given back.
    NotSent,
    /// It was ended from outside: it says nothing about the endpoint.
    Abandoned,
}

/// What an attempt says about its endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Health {
    /// It is well; also where it has refused one request.
    Well,
    /// It has failed.
    Ill,
    /// Nothing: it was throttled.
    Unknown,
}

/// Whether a target asked to be left alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pause {
    /// It did not.
    None,
    /// It did, and did not say for how long.
    Unsaid,
    /// It did, until then.
    Until(Timestamp),
}

/// What a reply says of its target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Said {
    /// Nothing that is to be remembered.
    #[default]
    Nothing,
    /// It speaks the version.
    VersionAccepted,
    /// It does not speak the version (any more).
    VersionRejected,
    /// It is not to be called again.
    Disabled,
}

impl Gate {
    /// A gate that knows nothing yet.
    #[must_use]
    pub fn new(policy: GatePolicy) -> Self {
        Self { policy, in_flight: 0, kept: GateSnapshot::default(), revision: 0 }
    }

    /// The version to begin with, of those that are configured; none for the preferred one.
    #[must_use]
    pub fn version_first(&self, versions: &[Version], now: Timestamp) -> Option<Version> {
        let rejected = &self.kept.rejected;
        let left =
            |version: &&Version| !rejected.iter().any(|(v, until)| v == *version && now < *until);
        if rejected.is_empty() {
            return None;
        }
        versions.iter().find(left).filter(|version| versions.first() != Some(version)).cloned()
    }

    /// What bears on the next step of a delivery. Changes nothing.
    #[must_use]
    pub fn sight(&self, now: Timestamp) -> Sight {
        let mut sight = Sight { target: self.door(now), ..Sight::default() };
        if let (Some(policy), BreakerMode::Automatic) =
            (&self.policy.breaker, self.kept.breaker_mode)
        {
            let doors = self
                .kept
                .breakers
                .iter()
                .map(|(e, breaker)| (e.clone(), breaker.door(policy, now)));
            sight.endpoints.extend(doors.filter(|(_, door)| *door != Door::Open));
        }
        sight
    }

    /// Lets an attempt through, or says what stands in the way: all or nothing.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn admit(&mut self, way: &Way, kind: Kind, now: Timestamp) -> Result<Ticket, Door> {
        self.admit_within(way, kind, None, now)
    }

    /// The same, where repeats take from a second budget, too, which is shared with others.
    ///
    /// # Errors
    /// What stands in the way.
    pub fn admit_within(
        &mut self,
        way: &Way,
        kind: Kind,
        mut shared: Option<(&RetryBudget, &mut Budget)>,
        now: Timestamp,
    ) -> Result<Ticket, Door> {
        let tokens = self.policy.exchanges_max.max(1);
        let place = self.kept.breakers.iter().position(|(e, _)| *e == way.endpoint);
        let door = self.door_of(place, tokens, now).stricter(self.budgets(kind, &mut shared, now));
        if door != Door::Open {
            return Err(door);
        }
        let limit = self.policy.rate_limit.as_ref();
        if let Some(limit) = limit.filter(|_| !sabotage::is(Sabotage::TokenNotTaken)) {
            self.kept.bucket.take(limit, tokens, now);
        }
        let own = self.policy.retry_budget.as_ref().map(|policy| (policy, &mut self.kept.budget));
        for (policy, budget) in own.into_iter().chain(shared) {
            match kind {
                Kind::First => budget.earn(policy, now),
                Kind::Retry | Kind::Hedge => budget.take(policy, now),
                Kind::Challenge => {}
            }
        }
        self.in_flight += 1;
        self.ask_again(way.version.as_ref(), now);
        let breaker = place.map(|place| &mut self.kept.breakers[place].1);
        let era = breaker.map_or(0, |breaker| {
            breaker.begin();
            breaker.era()
        });
        let (endpoint, version) = (way.endpoint.clone(), way.version.clone());
        let in_flight = self.in_flight;
        Ok(Ticket { endpoint, version, era, tokens, unused: 0, begun: now, in_flight })
    }

    /// Takes a ticket back, and says whether a breaker has changed its state.
    pub fn give_back(
        &mut self,
        ticket: Ticket,
        feedback: Feedback,
        now: Timestamp,
    ) -> Option<Transition> {
        let Ticket { endpoint, version, era, tokens, unused, begun, in_flight } = ticket;
        let unused = if feedback == Feedback::NotSent { tokens } else { unused };
        if let Some(limit) = &self.policy.rate_limit {
            self.kept.bucket.put_back(limit, unused);
        }
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut asked = None;
        let (said, load) = match feedback {
            Feedback::Replied { health, pause, said } => {
                self.learn(said, version, now);
                asked = self.pause_for(pause, begun, now);
                let load = if asked.is_some() { Load::Throttled } else { Load::Carried };
                match health {
                    Health::Well => (breaker::Said::Well(now.since(begun)), load),
                    Health::Ill if asked.is_none() => (breaker::Said::Ill(None), Load::Unknown),
                    Health::Ill => (breaker::Said::Ill(asked), load),
                    Health::Unknown => (breaker::Said::Unknown, load),
                }
            }
            Feedback::NoReply => (breaker::Said::Ill(None), Load::Unknown),
            Feedback::TimedOut => (breaker::Said::Ill(None), Load::TimedOut),
            Feedback::Abandoned | Feedback::NotSent => (breaker::Said::Unknown, Load::Unknown),
        };
        if load == Load::Carried && asked.is_none() {
            self.kept.pauses.end(begun);
        }
        self.kept.limiter.end(&self.policy, (load, in_flight), (begun, now));
        self.tell_breaker(endpoint, (era, said), now)
    }

    fn tell_breaker(
        &mut self,
        endpoint: Option<Endpoint>,
        (era, said): (u64, breaker::Said),
        now: Timestamp,
    ) -> Option<Transition> {
        let mode = self.kept.breaker_mode;
        if mode == BreakerMode::Disabled {
            return None;
        }
        let policy = self.policy.breaker.clone()?;
        let breaker = self.breaker(&endpoint, (&policy, said))?;
        let (from, to) = breaker.end(&policy, (era, said), now)?;
        self.revision += 1;
        if to == BreakerState::Closed {
            // Those who waited do not come back all at once.
            self.kept.limiter.pause(now);
        }
        let (from, to) = (mode.shows(from), mode.shows(to));
        (from != to).then_some(Transition { endpoint, from, to })
    }

    /// What an operator wants of its breakers; says what changes by that, if anything does.
    pub fn set_breaker_mode(&mut self, mode: BreakerMode, now: Timestamp) -> Option<Transition> {
        self.revision += 1;
        let first = self.kept.breakers.first().map(|(_, breaker)| breaker.state(now));
        let state = first.unwrap_or(BreakerState::Closed);
        let from = std::mem::replace(&mut self.kept.breaker_mode, mode).shows(state);
        let to = mode.shows(state);
        (from != to).then_some(Transition { endpoint: None, from, to })
    }

    /// The state of its breakers: of those of several endpoints, the one that lets least through.
    #[must_use]
    pub fn breaker_state(&self, now: Timestamp) -> BreakerState {
        let states = self.kept.breakers.iter().map(|(_, breaker)| breaker.state(now));
        let rank = |state: &BreakerState| match state {
            BreakerState::Open | BreakerState::ForcedOpen => 2,
            BreakerState::HalfOpen => 1,
            BreakerState::Closed | BreakerState::ForcedClosed | BreakerState::Disabled => 0,
        };
        let state = states.max_by_key(rank).unwrap_or(BreakerState::Closed);
        self.kept.breaker_mode.shows(state)
    }

    /// How many attempts may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.kept.limiter.limit(&self.policy)
    }

    /// From here on it lets through what this policy allows; what it knows stays.
    pub fn set_policy(&mut self, policy: GatePolicy) {
        self.policy = policy;
    }

    /// The operator lets nothing through.
    pub fn pause(&mut self) {
        self.revision += 1;
        self.kept.paused = true;
    }

    /// The operator lets through again what else is let through.
    pub fn resume(&mut self) {
        self.revision += 1;
        self.kept.paused = false;
    }

    /// The target asked not to be called again.
    pub fn disable(&mut self) {
        self.revision += 1;
        self.kept.disabled = true;
    }

    /// Somebody has looked at it.
    pub fn revive(&mut self) {
        self.revision += 1;
        self.kept.disabled = false;
    }

    /// Whether the operator lets nothing through.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.kept.paused
    }

    /// Whether the target asked not to be called again.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.kept.disabled
    }

    /// Tickets that are out.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Grows with every change that must not be forgotten. What changes with every attempt does not count: the tokens of
    /// its limits, and what it learns of the load.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What must not be forgotten when the gate is made anew.
    #[must_use]
    pub fn snapshot(&self) -> GateSnapshot {
        self.kept.clone()
    }

    /// The gate as it was; no ticket is out.
    #[must_use]
    pub fn restore(policy: GatePolicy, mut kept: GateSnapshot) -> Self {
        for (_, breaker) in &mut kept.breakers {
            breaker.forget_probes();
        }
        Self { policy, in_flight: 0, kept, revision: 0 }
    }

    /// One attempt may ask for a version whose time is over; the others go on without it until that is answered.
    fn ask_again(&mut self, version: Option<&Version>, now: Timestamp) {
        let entry = self.kept.rejected.iter_mut().find(|(v, _)| Some(v) == version);
        if let Some((_, until)) = entry.filter(|(_, until)| *until <= now) {
            *until = now.after(self.policy.version_memory);
        }
    }

    fn learn(&mut self, said: Said, version: Option<Version>, now: Timestamp) {
        let rejected = &mut self.kept.rejected;
        match (said, version) {
            (Said::Disabled, _) => {
                self.revision += 1;
                self.kept.disabled = true;
            }
            (Said::VersionAccepted, Some(version)) if !rejected.is_empty() => {
                self.revision += 1;
                rejected.retain(|(v, _)| *v != version);
            }
            (Said::VersionRejected, Some(version)) => {
                self.revision += 1;
                let until = now.after(self.policy.version_memory);
                match rejected.iter().position(|(v, _)| *v == version) {
                    Some(place) => rejected[place].1 = until,
                    None if rejected.len() < VERSIONS_MAX => rejected.push((version, until)),
                    None => {}
                }
            }
            (Said::Nothing | Said::VersionAccepted | Said::VersionRejected, _) => {}
        }
    }

    /// Leaves the target alone, where it asked for that; until when.
    fn pause_for(&mut self, pause: Pause, begun: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let asked = match pause {
            Pause::None => return None,
            Pause::Unsaid => None,
            Pause::Until(until) => Some(until),
        };
        let until = self.kept.pauses.begin(&self.policy.throttle, asked, begun, now);
        self.kept.limiter.pause(until);
        self.revision += 1;
        Some(asked.unwrap_or(until))
    }

    fn door(&self, now: Timestamp) -> Door {
        if self.kept.disabled {
            return Door::Shut(Why::Disabled);
        }
        match self.kept.pauses.until() {
            Some(until) if now < until => Door::NotBefore(until, Why::Throttled),
            _ if self.kept.paused && !sabotage::is(Sabotage::PauseIgnored) => {
                Door::Busy(Why::Paused)
            }
            _ if self.kept.breaker_mode == BreakerMode::ForcedOpen => Door::Busy(Why::Breaker),
            _ => Door::Open,
        }
    }

    /// What holds for an attempt at the endpoint whose breaker stands there, but for its budgets.
    fn door_of(&self, breaker: Option<usize>, tokens: u16, now: Timestamp) -> Door {
        let mut door = self.door(now);
        if let (Some(policy), Some(place), BreakerMode::Automatic) =
            (&self.policy.breaker, breaker, self.kept.breaker_mode)
        {
            door = door.stricter(self.kept.breakers[place].1.door(policy, now));
        }
        let one_more = u32::from(sabotage::is(Sabotage::ConcurrencyExceeded));
        if self.in_flight >= self.limit() + one_more {
            door = door.stricter(Door::Busy(Why::Concurrency));
        }
        let limit = self.policy.rate_limit.as_ref();
        match limit.and_then(|limit| self.kept.bucket.not_before(limit, tokens, now)) {
            Some(at) => door.stricter(Door::NotBefore(at, Why::RateLimit)),
            None => door,
        }
    }

    /// What the budgets say to a repeat.
    fn budgets(
        &mut self,
        kind: Kind,
        shared: &mut Option<(&RetryBudget, &mut Budget)>,
        now: Timestamp,
    ) -> Door {
        if matches!(kind, Kind::First | Kind::Challenge) {
            return Door::Open;
        }
        let own = self.policy.retry_budget.as_ref().map(|policy| (policy, &mut self.kept.budget));
        let own = own.and_then(|(policy, budget)| budget.not_before(policy, now));
        let shared = shared.as_mut().and_then(|(policy, budget)| budget.not_before(policy, now));
        own.max(shared).map_or(Door::Open, |at| Door::NotBefore(at, Why::RetryBudget))
    }

    /// The breaker of that endpoint; made when there is something to count for the first time.
    fn breaker(
        &mut self,
        endpoint: &Option<Endpoint>,
        (policy, said): (&BreakerPolicy, breaker::Said),
    ) -> Option<&mut Breaker> {
        let breakers = &mut self.kept.breakers;
        let place = breakers.iter().position(|(e, _)| e == endpoint);
        let counts = match said {
            breaker::Said::Ill(_) => true,
            breaker::Said::Well(took) => policy.is_slow(took),
            breaker::Said::Unknown => false,
        };
        if place.is_none() && counts && breakers.len() < ENDPOINTS_MAX {
            breakers.push((endpoint.clone(), Breaker::default()));
            return breakers.last_mut().map(|(_, breaker)| breaker);
        }
        place.map(|place| &mut breakers[place].1)
    }
}

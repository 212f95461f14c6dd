//! The gate itself: everything together, all or nothing.

use fanfare_sdk::{Endpoint, Timestamp, Version};
use smallvec::SmallVec;

use super::{
    GatePolicy, Transition,
    breaker::{Breaker, Health},
    rate_limit::Bucket,
};
use crate::{
    policy::{Door, Sight},
    report::{Way, Why},
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
    kept: GateSnapshot,
}

/// What must not be forgotten when the gate is made anew.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GateSnapshot {
    bucket: Bucket,
    /// Until when the target asked to be left alone.
    throttled_until: Option<Timestamp>,
    /// An operator lets nothing through.
    paused: bool,
    /// The target asked not to be called again.
    disabled: bool,
    breakers: SmallVec<[(Option<Endpoint>, Breaker); 1]>,
    /// Versions that were rejected, and when they may be asked for again.
    rejected: SmallVec<[(Version, Timestamp); 1]>,
}

/// Leave to make one attempt. Comes back with what became of it.
#[derive(PartialEq, Eq, Debug)]
#[must_use = "a dropped ticket is a lost permit"]
pub struct Ticket {
    endpoint: Option<Endpoint>,
    version: Option<Version>,
    era: u64,
    tokens: u16,
}

/// What became of an attempt, as far as the gate is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feedback {
    /// A reply came.
    Replied {
        /// Whether the endpoint is well; a refusal of one request is.
        healthy: bool,
        /// Until when the target asked to be left alone.
        throttled: Option<Timestamp>,
        /// What else it said of itself.
        said: Said,
    },
    /// None came.
    NoReply,
    /// Nothing was sent: it says nothing about the endpoint, and its tokens are given back.
    NotSent,
    /// It was ended from outside: it says nothing about the endpoint.
    Abandoned,
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
        Self { policy, in_flight: 0, kept: GateSnapshot::default() }
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
        if let Some(policy) = &self.policy.breaker {
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
    pub fn admit(&mut self, way: &Way, now: Timestamp) -> Result<Ticket, Door> {
        let tokens = self.policy.exchanges_max.max(1);
        let place = self.kept.breakers.iter().position(|(e, _)| *e == way.endpoint);
        let mut door = self.door(now);
        if let (Some(policy), Some(place)) = (&self.policy.breaker, place) {
            door = door.stricter(self.kept.breakers[place].1.door(policy, now));
        }
        if self.in_flight
            >= self.policy.concurrency_max + u32::from(sabotage::is(Sabotage::ConcurrencyExceeded))
        {
            door = door.stricter(Door::Busy(Why::Concurrency));
        }
        let limit = self.policy.rate_limit.as_ref();
        if let Some(at) = limit.and_then(|limit| self.kept.bucket.not_before(limit, tokens, now)) {
            door = door.stricter(Door::NotBefore(at, Why::RateLimit));
        }
        if door != Door::Open {
            return Err(door);
        }
        if let Some(limit) = limit.filter(|_| !sabotage::is(Sabotage::TokenNotTaken)) {
            self.kept.bucket.take(limit, tokens, now);
        }
        self.in_flight += 1;
        self.ask_again(way.version.as_ref(), now);
        let breaker = place.map(|place| &mut self.kept.breakers[place].1);
        let era = breaker.map_or(0, |breaker| {
            breaker.begin();
            breaker.era()
        });
        Ok(Ticket { endpoint: way.endpoint.clone(), version: way.version.clone(), era, tokens })
    }

    /// Takes a ticket back, and says whether a breaker has changed its state.
    pub fn give_back(
        &mut self,
        ticket: Ticket,
        feedback: Feedback,
        now: Timestamp,
    ) -> Option<Transition> {
        let Ticket { endpoint, version, era, tokens } = ticket;
        self.in_flight = self.in_flight.saturating_sub(1);
        let health = match feedback {
            Feedback::Replied { healthy, throttled, said } => {
                self.learn(said, version, now);
                self.kept.throttled_until = self.kept.throttled_until.max(throttled);
                if healthy { Health::Well } else { Health::Ill(throttled) }
            }
            Feedback::NoReply => Health::Ill(None),
            Feedback::Abandoned => Health::Unknown,
            Feedback::NotSent => {
                if let Some(limit) = &self.policy.rate_limit {
                    self.kept.bucket.put_back(limit, tokens);
                }
                Health::Unknown
            }
        };
        let policy = self.policy.breaker.clone()?;
        let breaker = self.breaker(&endpoint, health)?;
        let (from, to) = breaker.end(&policy, (era, health), now)?;
        Some(Transition { endpoint, from, to })
    }

    /// From here on it lets through what this policy allows; what it knows stays.
    pub fn set_policy(&mut self, policy: GatePolicy) {
        self.policy = policy;
    }

    /// The operator lets nothing through.
    pub fn pause(&mut self) {
        self.kept.paused = true;
    }

    /// The operator lets through again what else is let through.
    pub fn resume(&mut self) {
        self.kept.paused = false;
    }

    /// The target asked not to be called again.
    pub fn disable(&mut self) {
        self.kept.disabled = true;
    }

    /// Somebody has looked at it.
    pub fn revive(&mut self) {
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
        Self { policy, in_flight: 0, kept }
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
            (Said::Disabled, _) => self.kept.disabled = true,
            (Said::VersionAccepted, Some(version)) if !rejected.is_empty() => {
                rejected.retain(|(v, _)| *v != version);
            }
            (Said::VersionRejected, Some(version)) => {
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

    fn door(&self, now: Timestamp) -> Door {
        if self.kept.disabled {
            return Door::Shut(Why::Disabled);
        }
        match self.kept.throttled_until {
            Some(until) if now < until => Door::NotBefore(until, Why::Throttled),
            _ if self.kept.paused && !sabotage::is(Sabotage::PauseIgnored) => {
                Door::Busy(Why::Paused)
            }
            _ => Door::Open,
        }
    }

    /// The breaker of that endpoint; made when its endpoint is ill for the first time.
    fn breaker(&mut self, endpoint: &Option<Endpoint>, health: Health) -> Option<&mut Breaker> {
        let breakers = &mut self.kept.breakers;
        let place = breakers.iter().position(|(e, _)| e == endpoint);
        if place.is_none() && matches!(health, Health::Ill(_)) && breakers.len() < ENDPOINTS_MAX {
            breakers.push((endpoint.clone(), Breaker::default()));
            return breakers.last_mut().map(|(_, breaker)| breaker);
        }
        place.map(|place| &mut breakers[place].1)
    }
}

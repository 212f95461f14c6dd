//! A breaker: closed, open, half-open.

use fanfare_sdk::{Endpoint, Timestamp};

use super::BreakerPolicy;
use crate::{
    policy::Door,
    report::Why,
    sabotage::{self, Sabotage},
};

/// The state of a breaker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BreakerState {
    /// Letting through.
    Closed,
    /// Refusing.
    Open,
    /// Probing.
    HalfOpen,
}

impl BreakerState {
    /// The code in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// A breaker has changed its state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transition {
    /// Whose breaker.
    pub endpoint: Option<Endpoint>,
    /// From that state.
    pub from: BreakerState,
    /// To that one.
    pub to: BreakerState,
}

/// A breaker that opens after some failures in a row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Until when it refuses; half-open from then on.
    open_until: Option<Timestamp>,
    probes: u32,
    /// Counts its changes: what began in an earlier era does not count into this one.
    era: u64,
}

/// What an attempt says about its endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Health {
    Well,
    /// Ill, and asks to be left alone until then.
    Ill(Option<Timestamp>),
    Unknown,
}

impl Breaker {
    pub(super) fn era(&self) -> u64 {
        self.era
    }

    pub(super) fn state(&self, now: Timestamp) -> BreakerState {
        match self.open_until {
            None => BreakerState::Closed,
            Some(until) if now < until => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    pub(super) fn door(&self, policy: &BreakerPolicy, now: Timestamp) -> Door {
        match self.open_until {
            Some(until) if now < until => Door::NotBefore(until, Why::Breaker),
            Some(_)
                if self.probes >= policy.probes_max && !sabotage::is(Sabotage::ProbesUnlimited) =>
            {
                Door::Busy(Why::Breaker)
            }
            Some(_) | None => Door::Open,
        }
    }

    /// An attempt begins; it is a probe where the breaker is not closed.
    pub(super) fn begin(&mut self) {
        if self.open_until.is_some() {
            self.probes += 1;
        }
    }

    /// An attempt of that era has ended; says from which state to which it went.
    pub(super) fn end(
        &mut self,
        policy: &BreakerPolicy,
        (era, health): (u64, Health),
        now: Timestamp,
    ) -> Option<(BreakerState, BreakerState)> {
        if era != self.era {
            return None;
        }
        let before = self.state(now);
        self.probes = self.probes.saturating_sub(1);
        match (health, before) {
            (Health::Unknown, _) => return None,
            (Health::Well, BreakerState::Closed) => {
                self.failures = 0;
                return None;
            }
            (Health::Well, BreakerState::Open | BreakerState::HalfOpen) => self.change(None),
            (Health::Ill(asked), _) => {
                self.failures += 1;
                if before == BreakerState::Closed && self.failures < policy.failures {
                    return None;
                }
                let until = now.after(policy.open_for);
                self.change(Some(asked.map_or(until, |asked| asked.max(until))));
            }
        }
        Some((before, self.state(now)))
    }

    /// After a restart nothing is in flight any more.
    pub(super) fn forget_probes(&mut self) {
        (self.probes, self.era) = (0, self.era + 1);
    }

    fn change(&mut self, open_until: Option<Timestamp>) {
        *self = Self { failures: 0, open_until, probes: 0, era: self.era + 1 };
    }
}

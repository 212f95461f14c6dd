//! A breaker: closed, open, half-open.

use std::time::Duration;

use fanfare_sdk::{Endpoint, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    BreakerPolicy,
    window::{Calls, Window},
};
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
    /// Refusing: an operator wants it so.
    ForcedOpen,
    /// Letting through: an operator wants it so.
    ForcedClosed,
    /// Not there: an operator wants it so.
    Disabled,
}

/// What an operator wants of the breakers of a target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerMode {
    /// They open and close by themselves.
    #[default]
    Automatic,
    /// Nothing is let through.
    ForcedOpen,
    /// All is let through. They go on counting.
    ForcedClosed,
    /// All is let through, and nothing is counted.
    Disabled,
}

impl BreakerState {
    /// The code in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::ForcedOpen => "forced_open",
            Self::ForcedClosed => "forced_closed",
            Self::Disabled => "disabled",
        }
    }
}

impl BreakerMode {
    /// How a breaker shows that would be in that state by itself.
    #[must_use]
    pub const fn shows(self, state: BreakerState) -> BreakerState {
        match self {
            Self::Automatic => state,
            Self::ForcedOpen => BreakerState::ForcedOpen,
            Self::ForcedClosed => BreakerState::ForcedClosed,
            Self::Disabled => BreakerState::Disabled,
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

/// A breaker that opens after some failures in a row, or where too many of the latest attempts failed or were slow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Breaker {
    /// In a row.
    failures: u32,
    /// Until when it refuses; half-open from then on.
    open_until: Option<Timestamp>,
    probes: u32,
    /// Counts its changes: what began in an earlier era does not count into this one.
    era: u64,
    /// How often it opened without having been closed for long in between.
    trips: u32,
    closed_at: Option<Timestamp>,
    window: Window,
}

/// What an attempt says about its endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// It answered after that time.
    Well(Duration),
    /// It failed, and asks to be left alone until then.
    Ill(Option<Timestamp>),
    /// Nothing.
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
        (era, said): (u64, Said),
        now: Timestamp,
    ) -> Option<(BreakerState, BreakerState)> {
        if era != self.era {
            return None;
        }
        let before = self.state(now);
        self.probes = self.probes.saturating_sub(1);
        let closed = before == BreakerState::Closed;
        match said {
            Said::Unknown => return None,
            Said::Well(_) if !closed => self.close(now),
            Said::Well(took) => {
                self.failures = 0;
                let slow = policy.is_slow(took);
                if !(self.too_many(policy, (false, slow), now) && slow) {
                    return None;
                }
                self.open(policy, None, now);
            }
            Said::Ill(asked) => {
                self.failures += 1;
                let too_many = self.too_many(policy, (true, false), now);
                if closed && self.failures < policy.failures && !too_many {
                    return None;
                }
                self.open(policy, asked, now);
            }
        }
        Some((before, self.state(now)))
    }

    /// After a restart nothing is in flight any more.
    pub(super) fn forget_probes(&mut self) {
        (self.probes, self.era) = (0, self.era + 1);
    }

    /// Counts an attempt; whether too many of the latest failed or were slow.
    fn too_many(
        &mut self,
        policy: &BreakerPolicy,
        (failed, slow): (bool, bool),
        now: Timestamp,
    ) -> bool {
        let Some(ratios) = policy.ratios else { return false };
        let call = Calls { all: 1, failed: u32::from(failed), slow: u32::from(slow) };
        self.window.add(ratios.window, call, now);
        let sum = self.window.sum(ratios.window, now);
        let share = |count: u32| f64::from(count) / f64::from(sum.all.max(1));
        sum.all >= ratios.calls_min
            && (share(sum.failed) >= ratios.failure || share(sum.slow) >= ratios.slow)
    }

    /// Opens it: for longer than the last time, unless it was closed for a good while since then.
    fn open(&mut self, policy: &BreakerPolicy, asked: Option<Timestamp>, now: Timestamp) {
        let well_for = self.closed_at.map(|at| now.since(at));
        if well_for.is_some_and(|well_for| well_for >= policy.open_for_max) {
            self.trips = 0;
        }
        let times = 1_u32.checked_shl(self.trips).unwrap_or(u32::MAX);
        let open_for = policy.open_for.saturating_mul(times).min(policy.open_for_max);
        let until = now.after(open_for);
        self.trips = self.trips.saturating_add(1);
        self.change(Some(asked.map_or(until, |asked| asked.max(until))));
    }

    fn close(&mut self, now: Timestamp) {
        self.closed_at = Some(now);
        self.change(None);
    }

    fn change(&mut self, open_until: Option<Timestamp>) {
        (self.failures, self.probes, self.open_until) = (0, 0, open_until);
        self.era += 1;
        self.window = Window::default();
    }
}

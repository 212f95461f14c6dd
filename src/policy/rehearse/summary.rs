//! What came of many deliveries, in numbers.

use std::{fmt, time::Duration};

use fanfare_sdk::{Endpoint, TargetName};

use crate::{
    policy::gate::BreakerState,
    report::{CompletedBy, Outcome, Reason, Why},
};

/// What came of a rehearsal. All times are counted from the first broadcast.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RouteRehearsed {
    /// Broadcasts that were sent.
    pub broadcasts: u32,
    /// What they ended with, the most frequent first.
    pub verdicts: Vec<VerdictCount>,
    /// How long it took until their verdicts fell.
    pub verdict_after: Spread,
    /// What became of the deliveries, by recipient.
    pub recipients: Vec<RecipientSummary>,
    /// What each API saw, the stand-ins behind the recipients.
    pub apis: Vec<ApiSummary>,
    /// When the last delivery settled.
    pub lasted: Duration,
    /// Deliveries that were still open when the rehearsal was given up: it took too many steps.
    pub unsettled: u64,
}

/// How many broadcasts ended like that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct VerdictCount {
    /// Whether the completion policy was fulfilled.
    pub satisfied: bool,
    /// By what they were completed.
    pub by: CompletedBy,
    /// How many.
    pub count: u32,
}

/// What became of the deliveries to one recipient.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct RecipientSummary {
    /// The recipient.
    pub target: TargetName,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// How they ended, the most frequent first.
    pub outcomes: Vec<Count>,
    /// How long it took until they had settled.
    pub settled_after: Spread,
}

/// How many deliveries ended like that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Count {
    /// [`Outcome::code`].
    pub outcome: &'static str,
    /// Why, where they failed.
    pub reason: Option<Reason>,
    /// How many.
    pub count: u32,
}

/// What one API saw, and what stood before it.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct ApiSummary {
    /// The target that served.
    pub target: TargetName,
    /// Requests.
    pub attempts: u32,
    /// Those of them that were a repeat on the same way.
    pub retries: u32,
    /// Those of them that were made beside one that was slow.
    pub hedges: u32,
    /// Those of them that it accepted.
    pub accepted: u32,
    /// The second in which most requests came.
    pub busiest: Peak,
    /// When most of them were in flight at once.
    pub in_flight: Peak,
    /// When most deliveries were open here: waiting, before the gate, or in flight.
    pub open: Peak,
    /// What deliveries waited for here, the longest first.
    pub waits: Vec<WaitSummary>,
    /// The changes of its breakers: the first thousand.
    pub breaker: Vec<Change>,
    /// How often its breakers opened.
    pub opened: u32,
}

/// What deliveries waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct WaitSummary {
    /// For what.
    pub why: Why,
    /// How often.
    pub count: u32,
    /// All waits together.
    pub total: Duration,
    /// The longest one.
    pub longest: Duration,
}

/// A breaker changed its state.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Change {
    /// When.
    pub at: Duration,
    /// Whose breaker.
    pub endpoint: Option<Endpoint>,
    /// From that state.
    pub from: BreakerState,
    /// To that one.
    pub to: BreakerState,
}

/// The most there was of something, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Peak {
    /// How many.
    pub count: u32,
    /// When for the first time.
    pub at: Duration,
}

/// How long something took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Spread {
    /// How often it was measured.
    pub count: usize,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
    /// None took longer.
    pub max: Duration,
}

// === impl RouteRehearsed ===

impl RouteRehearsed {
    /// Broadcasts whose completion policy was fulfilled.
    #[must_use]
    pub fn satisfied(&self) -> u32 {
        self.verdicts.iter().filter(|it| it.satisfied).map(|it| it.count).sum()
    }

    /// What became of the deliveries to that recipient.
    #[must_use]
    pub fn recipient(&self, name: &str) -> Option<&RecipientSummary> {
        self.recipients.iter().find(|it| it.target.as_str() == name)
    }

    /// What that API saw.
    #[must_use]
    pub fn api(&self, name: &str) -> Option<&ApiSummary> {
        self.apis.iter().find(|it| it.target.as_str() == name)
    }
}

impl fmt::Display for RouteRehearsed {
    /// A line for the verdicts, one for each recipient, and one for each API.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} satisfied", self.satisfied(), self.broadcasts)?;
        for recipient in &self.recipients {
            write!(f, "\n{recipient}")?;
        }
        for api in &self.apis {
            write!(f, "\n{api}")?;
        }
        Ok(())
    }
}

// === impl RecipientSummary ===

impl RecipientSummary {
    /// How many deliveries ended with that outcome, as [`Outcome::code`] calls it.
    #[must_use]
    pub fn count(&self, outcome: &str) -> u32 {
        self.outcomes.iter().filter(|it| it.outcome == outcome).map(|it| it.count).sum()
    }
}

impl fmt::Display for RecipientSummary {
    /// `crm: 580 delivered, 20 failed (all attempts used up) in up to 1.4s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcomes: Vec<_> = self.outcomes.iter().map(Count::to_string).collect();
        write!(f, "{}: {} in up to {:?}", self.target, outcomes.join(", "), self.settled_after.max)
    }
}

// === impl Count ===

impl Count {
    pub(super) fn of(outcome: Outcome) -> Self {
        let reason = match outcome {
            Outcome::Failed(reason) | Outcome::Indeterminate(reason) => Some(reason),
            Outcome::Delivered { .. }
            | Outcome::Substituted
            | Outcome::Expired
            | Outcome::Cancelled(_)
            | Outcome::Skipped => None,
        };
        Self { outcome: outcome.code(), reason, count: 1 }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.outcome)?;
        self.reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
    }
}

// === impl ApiSummary ===

impl fmt::Display for ApiSummary {
    /// `crm: 640 requests, 40 repeats, at most 31 in the second from 12s, 5 in flight, 20 open`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, attempts, retries, busiest, in_flight, open, .. } = self;
        write!(f, "{target}: {attempts} requests, {retries} repeats, ")?;
        write!(f, "at most {} in the second from {:?}, ", busiest.count, busiest.at)?;
        write!(f, "{} in flight, {} open", in_flight.count, open.count)?;
        for wait in &self.waits {
            write!(f, "; {} {:?}", wait.why.code(), wait.longest)?;
        }
        Ok(())
    }
}

// === impl Spread ===

impl Spread {
    /// Of all that was measured.
    pub(super) fn of(mut measured: Vec<Duration>) -> Self {
        measured.sort_unstable();
        let at = |percent: usize| {
            let place = (measured.len() * percent).div_ceil(100).saturating_sub(1);
            measured.get(place).copied().unwrap_or_default()
        };
        Self { count: measured.len(), p50: at(50), p95: at(95), max: at(100) }
    }
}

// === impl Peak ===

impl Peak {
    /// There are that many now.
    pub(super) fn note(&mut self, count: u32, at: Duration) {
        if count > self.count {
            *self = Self { count, at };
        }
    }
}

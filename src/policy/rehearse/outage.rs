//! What an API does for some time.

use std::{ops::Range, time::Duration};

use fanfare_sdk::{Endpoint, TargetName};

use super::Scripted;

/// What an API does to the requests that come within some time.
///
/// The time of the request counts: what came before the outage is answered as if there were none.
#[derive(Clone, PartialEq, Debug)]
pub struct Outage {
    pub(super) target: TargetName,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) does: Scripted,
    pub(super) during: Range<Duration>,
    /// Out of a hundred requests, how many it concerns.
    pub(super) percent: u8,
}

impl Outage {
    /// What that target does from then until then, counted from the first broadcast.
    #[must_use]
    pub fn new(target: impl Into<TargetName>, does: Scripted, during: Range<Duration>) -> Self {
        Self { target: target.into(), endpoint: None, does, during, percent: 100 }
    }

    /// What it does all the time: no outage, but how it is.
    #[must_use]
    pub fn always(target: impl Into<TargetName>, does: Scripted) -> Self {
        Self::new(target, does, Duration::ZERO..Duration::MAX)
    }

    /// Only one of its endpoints; all of them unless set.
    #[must_use]
    pub fn at(mut self, endpoint: impl Into<Endpoint>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Only so many requests of a hundred; all of them unless set.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent.min(100);
        self
    }

    /// Whether it concerns a request that comes then; `chance` is drawn from 0 to 99.
    pub(super) fn concerns(&self, endpoint: Option<&Endpoint>, at: Duration, chance: u8) -> bool {
        self.during.contains(&at)
            && chance < self.percent
            && self.endpoint.as_ref().is_none_or(|only| endpoint == Some(only))
    }
}

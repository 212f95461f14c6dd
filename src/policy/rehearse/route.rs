//! Many broadcasts to several targets, in virtual time.

use std::{collections::HashMap, sync::Arc, time::Duration};

use fanfare_sdk::{ApiTarget, TargetName, Timestamp};

use super::{Load, Outage, RouteRehearsed, Scripted, stage::Stage};
use crate::{
    policy::{TargetPolicy, gate::RetryBudget},
    report::{Completion, History, Outcome, Priority, Rest},
};

/// What an API takes to answer unless something else is said.
const ANSWERS_AFTER: Duration = Duration::from_millis(100);

/// Broadcasts to rehearse: to whom, how many, and what the APIs do meanwhile.
///
/// A team tests its own failure policy with it, in milliseconds:
///
/// ```
/// use std::time::Duration;
///
/// use fanfare::{
///     policy::{
///         TargetPolicy,
///         gate::RateLimit,
///         rehearse::{Load, Outage, RouteRehearsal, Scripted},
///     },
///     sdk::Profile,
/// };
///
/// // Ten signups a second, and a CRM that is down for nearly three minutes: nobody may be lost.
/// let secs = Duration::from_secs;
/// let load = Load::steady(10, secs(1), secs(60))?;
/// let down = Outage::new("crm", Scripted::refused(), secs(10)..secs(180));
/// let signups = RouteRehearsal::new(load).outage(down);
///
/// let mut crm = TargetPolicy::new("crm".into(), &Profile::default());
/// let played = signups.clone().to(crm.clone()).rehearse();
/// assert!(played.satisfied() < 600, "three attempts are too few for some: {played}");
///
/// crm.retry.attempts_max = 10;
/// crm.gate.rate_limit = Some(RateLimit::try_new(20, secs(1), 1)?);
/// let played = signups.to(crm).rehearse();
/// assert_eq!(played.satisfied(), 600, "{played}");
/// let crm = played.api("crm").unwrap();
/// assert!(crm.busiest.count <= 20, "it is not overrun when it comes back: {crm}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Authorizers, mappings, conditions and order keys take no part: nothing is sent. Whoever is a recipient gets every
/// broadcast.
#[derive(Clone, Debug)]
pub struct RouteRehearsal {
    pub(super) load: Load,
    /// The recipients first, with whether they are required; then the stand-ins.
    pub(super) recipients: Vec<(TargetPolicy, bool)>,
    pub(super) stand_ins: Vec<TargetPolicy>,
    pub(super) apis: HashMap<TargetName, Arc<dyn ApiTarget>>,
    pub(super) does: Scripted,
    pub(super) outages: Vec<Outage>,
    pub(super) completion: Completion,
    pub(super) accept_substituted: bool,
    pub(super) rest: Rest,
    pub(super) deadline: Option<Duration>,
    pub(super) priority: Priority,
    pub(super) retry_budget: Option<RetryBudget>,
    pub(super) seed: u64,
    pub(super) start: Timestamp,
}

/// A delivery that has settled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SettledDelivery<'a> {
    /// The broadcast, counted from 0.
    pub broadcast: u32,
    /// The recipient.
    pub recipient: &'a TargetName,
    /// All that happened to it. [`accepted`](Self::accepted) tells from when its times count.
    pub history: &'a History,
    /// When it was accepted.
    pub accepted: Timestamp,
    /// When it settled.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
}

impl RouteRehearsal {
    /// So many broadcasts, without recipients yet. Every API answers 200 after 100 ms, and the engine has its default
    /// retry budget.
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            recipients: Vec::new(),
            stand_ins: Vec::new(),
            apis: HashMap::new(),
            does: Scripted::status(200).after(ANSWERS_AFTER),
            outages: Vec::new(),
            completion: Completion::default(),
            accept_substituted: false,
            rest: Rest::default(),
            deadline: None,
            priority: Priority::default(),
            retry_budget: Some(RetryBudget::default()),
            seed: 1,
            start: Timestamp::default(),
        }
    }

    /// A recipient that the completion `all` needs.
    #[must_use]
    pub fn to(mut self, target: TargetPolicy) -> Self {
        self.recipients.push((target, true));
        self
    }

    /// A recipient that it does not need.
    #[must_use]
    pub fn optional(mut self, target: TargetPolicy) -> Self {
        self.recipients.push((target, false));
        self
    }

    /// A target that gets what is handed over to it, and nothing else.
    #[must_use]
    pub fn stand_in(mut self, target: TargetPolicy) -> Self {
        self.stand_ins.push(target);
        self
    }

    /// The plugin of a target, to say what an answer means; without it, the status says it.
    #[must_use]
    pub fn api(mut self, target: impl Into<TargetName>, api: Arc<dyn ApiTarget>) -> Self {
        self.apis.insert(target.into(), api);
        self
    }

    /// What every API does where no outage says anything else.
    #[must_use]
    pub fn normally(mut self, does: Scripted) -> Self {
        self.does = does;
        self
    }

    /// What one API does for some time. Where there are several at a time, the one that was added last counts.
    #[must_use]
    pub fn outage(mut self, outage: Outage) -> Self {
        self.outages.push(outage);
        self
    }

    /// What makes a broadcast satisfied; every required recipient unless set.
    #[must_use]
    pub fn completion(mut self, completion: Completion) -> Self {
        self.completion = completion;
        self
    }

    /// Counts a canned reply as a success.
    #[must_use]
    pub fn accept_substituted(mut self, accept: bool) -> Self {
        self.accept_substituted = accept;
        self
    }

    /// What becomes of unsettled deliveries after the verdict; they finish unless set.
    #[must_use]
    pub fn rest(mut self, rest: Rest) -> Self {
        self.rest = rest;
        self
    }

    /// When the verdict falls at the latest, counted from the acceptance.
    #[must_use]
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.deadline = deadline;
        self
    }

    /// How urgent the broadcasts are; normal unless set.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// The retry budget of the engine, which all targets share; none is no limit.
    #[must_use]
    pub fn retry_budget(mut self, budget: Option<RetryBudget>) -> Self {
        self.retry_budget = budget;
        self
    }

    /// Draws the jitter, and whom an outage concerns that does not concern all.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// When virtual time begins: 1970 unless set. It matters where an answer names a date.
    #[must_use]
    pub fn starting_at(mut self, start: Timestamp) -> Self {
        self.start = start;
        self
    }

    /// Plays all of it to its end. The same rehearsal gives the same numbers.
    ///
    /// # Panics
    /// When there is no recipient, or more than 1,000, or a target is named twice.
    #[must_use]
    pub fn rehearse(&self) -> RouteRehearsed {
        self.rehearse_with(|_| ())
    }

    /// The same; tells of every delivery that has settled.
    ///
    /// # Panics
    /// When there is no recipient, or more than 1,000, or a target is named twice.
    #[must_use]
    pub fn rehearse_with(&self, mut tell: impl FnMut(&SettledDelivery<'_>)) -> RouteRehearsed {
        Stage::new(self, &mut tell).play()
    }
}

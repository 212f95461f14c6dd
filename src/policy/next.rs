//! The next step of a delivery is a pure function of its history.

use fanfare_sdk::{
    Endpoint, Learned, Meaning, Repeat, RetryAfter, SendErrorKind, TargetName, Timestamp, Version,
};

use super::{
    FallbackRule, FallbackTo, Hedge, Plan, Sight, Step,
    fallback::Failure,
    past::{Last, Past},
};
use crate::{
    policy::Door,
    report::{
        Because, FellBack, History, Kind, Outcome, PassedOver, Reason, Started, Unfit, Way, Why,
    },
    sabotage::{self, Sabotage},
};

/// Tries that are granted to authorizers, per delivery. Two: a stale nonce, and a token that had just expired.
const CHALLENGES_MAX: u32 = 2;

/// The next step of a delivery. The same plan, history, sight and time give the same step, however often it is
/// asked: "why did it do that?" is answered by asking again.
pub fn next(plan: &Plan, history: &History, sight: &Sight, now: Timestamp) -> Step {
    if plan.skipped && !sabotage::is(Sabotage::SkippedSent) {
        return Step::Settle(Outcome::Skipped);
    }
    let past = Past::of(history, plan.accepted);
    let case = Case { plan, past: &past, sight, now };
    let forgotten = past.cancel.is_some() && sabotage::is(Sabotage::CancelBeatsSuccess);
    if let Some(attempt) = past.success.filter(|_| !forgotten) {
        return match past.in_flight.first() {
            // The slower one of two: nobody needs its answer.
            Some(slower) => Step::Abort { attempt: slower.attempt },
            None => Step::Settle(Outcome::Delivered { attempt }),
        };
    }
    if let Some(started) = past.in_flight.first() {
        return case.listen(started);
    }
    if let Some((by, _)) = past.cancel {
        return case.end(Outcome::Cancelled(by), Reason::Cancelled);
    }
    if now >= plan.expires && !sabotage::is(Sabotage::ExpiryIgnored) {
        return case.out_of_time();
    }
    match past.last {
        Some(last) => case.after(&last),
        None => case.begin(),
    }
}

/// All that the answer depends on.
struct Case<'a, 'h> {
    plan: &'a Plan,
    past: &'a Past<'h>,
    sight: &'a Sight,
    now: Timestamp,
}

/// An attempt that may be made once the door is open.
struct Try {
    way: Way,
    kind: Kind,
    because: Because,
    /// When the delivery itself is ready for it.
    due: Timestamp,
}

impl Case<'_, '_> {
    /// One is in flight: wait for it, unless somebody wanted it to end and the grace is over.
    fn listen(&self, started: &Started) -> Step {
        let Some((_, asked)) = self.past.cancel else { return self.hedge(started) };
        let until = asked.after(self.plan.policy.cancel_grace);
        if self.now >= until {
            Step::Abort { attempt: started.attempt }
        } else {
            Step::Listen { until: Some(until) }
        }
    }

    /// A second attempt beside one that is slow, where a repeat does no harm. What the gate holds back is dropped:
    /// a hedge is never waited for.
    fn hedge(&self, started: &Started) -> Step {
        let policy = &self.plan.policy;
        let delay = match policy.hedge {
            Some(Hedge::After(delay)) => Some(delay),
            Some(Hedge::Percentile95) => self.sight.percentile95,
            None => None,
        };
        let Some(delay) = delay.filter(|_| {
            (policy.repeat >= Repeat::SameEndpoint || sabotage::is(Sabotage::HedgeUnsafe))
                && self.past.in_flight.len() == 1
                && !self.past.hedged
                && started.way.target == policy.target
        }) else {
            return Step::Listen { until: None };
        };
        let due = started.at.after(delay);
        if due.max(self.now) >= self.plan.expires {
            return Step::Listen { until: None };
        }
        if self.now < due {
            return Step::Listen { until: Some(due) };
        }
        if self.sight.door(started.way.endpoint.as_ref()) != Door::Open {
            return Step::Listen { until: None };
        }
        let (kind, because) = (Kind::Hedge, Because::Slow);
        self.attempt(Try { way: started.way.clone(), kind, because, due })
    }

    /// Nothing was tried here yet.
    fn begin(&self) -> Step {
        let policy = &self.plan.policy;
        let because = if self.past.moved { Because::TargetFailed } else { Because::FirstWay };
        let way = self.way(policy.endpoint.clone(), self.version_first());
        self.through_the_door(Try { way, kind: Kind::First, because, due: self.past.since })
    }

    /// The last attempt ended without success: again, another way, or the end.
    fn after(&self, last: &Last<'_>) -> Step {
        let (past, repeat) = (self.past, self.plan.policy.repeat);
        let retry = self.plan.retry(&last.started.way);
        let unsafe_here =
            past.doubt_here && repeat == Repeat::Never && !sabotage::is(Sabotage::RepeatAfterDoubt);
        let attempts_max = retry.attempts_max + u32::from(sabotage::is(Sabotage::AttemptsExceeded));
        if last.never_sent {
            return self.again(last, last.started.kind, last.started.because, last.at);
        }
        match last.meaning {
            Meaning::Success => Step::Settle(Outcome::Delivered { attempt: last.started.attempt }),
            // A proof may also be refused by a 403, or a 400: a clock that is wrong, by AWS.
            Meaning::Unauthorized | Meaning::Permanent
                if last.learned == Learned::TryAgain
                    && past.challenged < CHALLENGES_MAX
                    && !unsafe_here =>
            {
                self.again(last, Kind::Challenge, Because::Challenge, last.at)
            }
            Meaning::Permanent => self.give_up(last.permanently),
            Meaning::TargetDisabled => self.give_up(Reason::TargetDisabled),
            Meaning::Unauthorized => self.give_up(Reason::Unauthorized),
            Meaning::VersionRejected => match self.next_version(last) {
                Some(attempt) => self.through_the_door(attempt),
                None => self.give_up(Reason::VersionsUsedUp),
            },
            Meaning::Retry | Meaning::Throttled if unsafe_here => {
                self.give_up(Reason::NotRepeatable)
            }
            Meaning::Throttled if past.throttled >= retry.throttled_max => {
                self.give_up(Reason::ThrottledTooOften)
            }
            // Throttled ones do not count, but what a throttled hedge was beside does.
            Meaning::Retry | Meaning::Throttled if past.counted >= attempts_max => {
                self.give_up(Reason::AttemptsUsedUp)
            }
            Meaning::Throttled => {
                self.again(last, Kind::Retry, Because::Throttled, self.ready(last, past.throttled))
            }
            Meaning::Retry => {
                let because = if last.lost { Because::Lost } else { Because::Failure };
                self.again(last, Kind::Retry, because, self.ready(last, past.counted))
            }
        }
    }

    fn again(&self, last: &Last<'_>, kind: Kind, because: Because, due: Timestamp) -> Step {
        self.through_the_door(Try { way: self.same_way(last), kind, because, due })
    }

    /// When the `nth` repeat may be made: after the pause, and not before the API allows it.
    fn ready(&self, last: &Last<'_>, nth: u32) -> Timestamp {
        let (retry, seed) = (self.plan.retry(&last.started.way), self.plan.seed);
        let paused = last.at.after(retry.backoff.pause(nth, seed));
        let latest = last.at.after(retry.retry_after_max);
        let asked = match last.retry_after {
            None => return paused,
            Some(_) if sabotage::is(Sabotage::RetryAfterIgnored) => return paused,
            Some(RetryAfter::For(wait)) => last.at.after(wait),
            Some(RetryAfter::At(at)) => at,
        };
        paused.max(asked.min(latest).after(retry.backoff.spread(nth, seed)))
    }

    /// Starts, waits, or looks for another way, as the gate allows.
    fn through_the_door(&self, attempt: Try) -> Step {
        let door = self.sight.door(attempt.way.endpoint.as_ref());
        if door.is_broken()
            && let Some(why) = door.why()
            && let Ok(step) = self.fall_back(Reason::Refused(why))
        {
            return step;
        }
        let (until, why) = match door {
            Door::Shut(why) => return self.give_up(Reason::Refused(why)),
            // Those that wait for the same pause do not come back in the same instant.
            Door::NotBefore(at, why @ Why::Throttled) if at > attempt.due => {
                let retry = self.plan.retry(&attempt.way);
                (at.after(retry.backoff.spread(self.past.attempts + 1, self.plan.seed)), why)
            }
            Door::NotBefore(at, why) if at > attempt.due => (at, why),
            Door::NotBefore(..) | Door::Busy(_) | Door::Open => (attempt.due, Why::Backoff),
        };
        if self.now >= until {
            return self.attempt(attempt);
        }
        if until >= self.plan.expires {
            let failed = self.fall_back(Reason::TimeUsedUp);
            return failed.unwrap_or_else(|note| self.noting(note, self.out_of_time()));
        }
        Step::Wait { until, why }
    }

    fn attempt(&self, Try { way, kind, because, due }: Try) -> Step {
        // Whoever is on the way when the time is over gets the grace, as with any other end.
        let left = self.plan.expires.after(self.plan.policy.cancel_grace).since(self.now);
        let timeout = self.plan.timeout(&way).min(left);
        Step::Attempt { way, kind, because, timeout, due }
    }

    /// This way has failed for good: another one, or the end.
    fn give_up(&self, reason: Reason) -> Step {
        let end = || self.end(Outcome::Failed(reason), reason);
        self.fall_back(reason).unwrap_or_else(|note| self.noting(note, end()))
    }

    /// The first fallback that is meant for the failure, was not tried yet and may help. Where there is none, what was
    /// passed over.
    fn fall_back(&self, reason: Reason) -> Result<Step, FellBack> {
        let mut note = FellBack {
            because: reason,
            passed: Vec::new(),
            reply: None,
            parked_until: None,
            at: self.now,
        };
        let failure = self.failure(reason);
        for rule in self.plan.fallback() {
            match self.take(rule, &failure, &mut note) {
                Ok(step) => return Ok(self.noting(note, step)),
                // It is asked for where an API rejects a version.
                Err(_) if rule.to == FallbackTo::Version && rule.on.is_empty() => {}
                Err(because) => note.passed.push(PassedOver { fallback: rule.name(), because }),
            }
        }
        Err(note)
    }

    fn failure(&self, reason: Reason) -> Failure {
        let last = self.past.last.as_ref();
        Failure {
            reason,
            meaning: last.map(|last| last.meaning),
            status: last.and_then(|last| last.status),
            error: last.and_then(|last| last.error),
            lost: last.is_some_and(|last| last.lost),
        }
    }

    /// One fallback, or why it is passed over. Where there is doubt, only if a repeat does no harm anywhere.
    fn take(
        &self,
        rule: &FallbackRule,
        failure: &Failure,
        note: &mut FellBack,
    ) -> Result<Step, Unfit> {
        let named = !rule.on.is_empty();
        if !rule.is_meant_for(failure) {
            return Err(Unfit::NotMeant);
        }
        if self.past.doubt_here && self.plan.policy.repeat < Repeat::Anywhere {
            return Err(Unfit::Doubt);
        }
        match &rule.to {
            FallbackTo::Version if named => self.older_version(),
            FallbackTo::Version => Err(Unfit::NoHelp),
            FallbackTo::Endpoint(_) if !named && !helps_elsewhere(failure.reason) => {
                Err(Unfit::NoHelp)
            }
            FallbackTo::Endpoint(endpoint) => self.other_endpoint(endpoint),
            FallbackTo::Target(to) => self.stand_in(to, failure.reason),
            FallbackTo::Reply(reply) => {
                note.reply = Some(reply.clone());
                Ok(Step::Settle(Outcome::Substituted))
            }
            FallbackTo::Park(park) if self.plan.parked >= park.times => Err(Unfit::UsedUp),
            FallbackTo::Park(park) => {
                note.parked_until = Some(self.now.after(park.wait));
                Ok(self.end(Outcome::Failed(failure.reason), failure.reason))
            }
        }
    }

    /// With what was passed over written down before, once for each failure.
    fn noting(&self, note: FellBack, step: Step) -> Step {
        let ends = matches!(step, Step::Settle(_));
        let carries = note.reply.is_some() || note.parked_until.is_some();
        if carries || (!note.passed.is_empty() && (ends || !self.past.noted)) {
            return Step::FallBack(Box::new(note), Box::new(step));
        }
        step
    }

    fn stand_in(&self, to: &TargetName, because: Reason) -> Result<Step, Unfit> {
        // Twice is wrong enough; for ever would be no test.
        let again = sabotage::is(Sabotage::FallbackAgain) && self.past.attempts < 6;
        if *to == self.plan.policy.target || (self.past.visited(to) && !again) {
            return Err(Unfit::Tried);
        }
        Ok(Step::HandOver { to: to.clone(), because })
    }

    /// Another endpoint of the same API.
    fn other_endpoint(&self, endpoint: &Endpoint) -> Result<Step, Unfit> {
        let first = self.plan.policy.endpoint.as_ref() == Some(endpoint);
        if first || self.past.tried(endpoint) {
            return Err(Unfit::Tried);
        }
        self.enter(self.way(Some(endpoint.clone()), self.version_first()), Because::EndpointFailed)
    }

    /// A version that was not spoken yet where the last one was.
    fn older_version(&self) -> Result<Step, Unfit> {
        let endpoint = match &self.past.last {
            Some(last) => self.endpoint_now(last),
            None => self.plan.policy.endpoint.clone(),
        };
        let first = self.version_first().filter(|_| self.past.last.is_none());
        let left = |version: &&Version| {
            first.as_ref() != Some(*version) && !self.past.spoken(endpoint.as_ref(), version)
        };
        let version = self.plan.policy.versions.iter().find(left).ok_or(Unfit::NoneLeft)?;
        self.enter(self.way(endpoint.clone(), Some(version.clone())), Because::VersionFailed)
    }

    /// The first attempt on another way, unless its door is shut.
    fn enter(&self, way: Way, because: Because) -> Result<Step, Unfit> {
        let door = self.sight.door(way.endpoint.as_ref());
        if let Some(why) = door.why().filter(|_| door.is_broken()) {
            return Err(Unfit::Refused(why));
        }
        match door {
            Door::Shut(why) => Err(Unfit::Refused(why)),
            Door::NotBefore(at, _) if at >= self.plan.expires => Err(Unfit::TooLate),
            Door::NotBefore(until, why) if until > self.now => Ok(Step::Wait { until, why }),
            Door::NotBefore(..) | Door::Open | Door::Busy(_) => {
                Ok(self.attempt(Try { way, kind: Kind::First, because, due: self.past.since }))
            }
        }
    }

    /// The next version that this endpoint has not rejected yet.
    fn next_version(&self, last: &Last<'_>) -> Option<Try> {
        let policy = &self.plan.policy;
        let unsafe_elsewhere = self.past.doubt_here && policy.repeat < Repeat::Anywhere;
        let rule = policy.version_rule()?;
        if unsafe_elsewhere || !rule.is_meant_for(&self.failure(Reason::VersionsUsedUp)) {
            return None;
        }
        let endpoint = self.endpoint_now(last);
        let endpoint = endpoint.as_ref();
        let left = |version: &&Version| !self.past.rejected(endpoint, version);
        let version = policy.versions.iter().find(left)?;
        let way = self.way(endpoint.cloned(), Some(version.clone()));
        Some(Try { way, kind: Kind::First, because: Because::VersionRejected, due: last.at })
    }

    /// The way of an attempt, as far as it is still configured: what is waited for may have been replaced.
    fn same_way(&self, last: &Last<'_>) -> Way {
        let version = last.started.way.version.as_ref();
        let known = version.filter(|version| self.plan.policy.versions.contains(version));
        let version = if known.is_some() { known.cloned() } else { self.version_first() };
        self.way(self.endpoint_now(last), version)
    }

    fn endpoint_now(&self, last: &Last<'_>) -> Option<Endpoint> {
        let policy = &self.plan.policy;
        let same = last.started.way.endpoint.as_ref();
        let is_fallback =
            |rule: &FallbackRule| matches!(&rule.to, FallbackTo::Endpoint(e) if Some(e) == same);
        if same != policy.endpoint.as_ref() && !policy.fallback.iter().any(is_fallback) {
            return policy.endpoint.clone();
        }
        same.cloned()
    }

    fn version_first(&self) -> Option<Version> {
        let versions = &self.plan.policy.versions;
        let remembered = self.sight.version_first.as_ref().filter(|v| versions.contains(v));
        remembered.or(versions.first()).cloned()
    }

    fn way(&self, endpoint: Option<Endpoint>, version: Option<Version>) -> Way {
        Way { target: self.plan.policy.target.clone(), endpoint, version }
    }

    /// Never sent: expired. Sent: certain that nothing was applied, or not.
    fn out_of_time(&self) -> Step {
        let certain = if self.past.attempts == 0 {
            Outcome::Expired
        } else {
            Outcome::Failed(Reason::TimeUsedUp)
        };
        self.end(certain, Reason::TimeUsedUp)
    }

    /// A doubt is called a doubt.
    fn end(&self, certain: Outcome, reason: Reason) -> Step {
        let doubt = self.past.doubt && !sabotage::is(Sabotage::DoubtForgotten);
        Step::Settle(if doubt { Outcome::Indeterminate(reason) } else { certain })
    }
}

/// Another endpoint of the same API helps where the endpoint failed, not where the API refused.
fn helps_elsewhere(reason: Reason) -> bool {
    match reason {
        Reason::AttemptsUsedUp
        | Reason::ThrottledTooOften
        | Reason::VersionsUsedUp
        | Reason::NotRepeatable
        | Reason::TimeUsedUp
        | Reason::Refused(Why::Breaker) => true,
        Reason::Error(kind) => is_of_endpoint(kind),
        Reason::Permanent
        | Reason::Unsendable
        | Reason::Unauthorized
        | Reason::TargetDisabled
        | Reason::Refused(_)
        | Reason::Cancelled => false,
    }
}

/// Whether it went wrong on the way there, and not here.
fn is_of_endpoint(kind: SendErrorKind) -> bool {
    match kind {
        SendErrorKind::Address
        | SendErrorKind::Dns
        | SendErrorKind::Connect
        | SendErrorKind::Tls
        | SendErrorKind::Reset
        | SendErrorKind::Timeout
        | SendErrorKind::Protocol => true,
        // Those of the contract that are to come are about the request until somebody says otherwise.
        _ => false,
    }
}

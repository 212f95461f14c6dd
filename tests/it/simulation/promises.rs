//! What must hold after every run, whatever was done to the engine.

use std::collections::HashMap;

use fanfare::report::{CompletedBy, Completion, Delivery, Kind, Outcome, Report};
use fanfare_sdk::{Meaning, Repeat};

use super::{
    run::{Played, Scenario, SimTarget},
    world::Seen,
};

/// All that is broken, in words; empty where the promises hold.
pub(super) fn broken(scenario: &Scenario, played: &Played) -> Vec<String> {
    let mut broken = Vec::new();
    if played.permits != 0 || played.open != 0 {
        broken.push(format!("{} permits and {} deliveries are left", played.permits, played.open));
    }
    let seen = played.world.seen.lock().unwrap();
    let in_flight = played.world.in_flight_max.lock().unwrap();
    for target in &scenario.targets {
        let most = in_flight.get(&target.name).copied().unwrap_or(0);
        if most > target.concurrency_max as usize {
            broken.push(format!(
                "{}: {most} in flight, allowed {}",
                target.name, target.concurrency_max
            ));
        }
    }
    for report in &played.reports {
        let mut say = |what: String| broken.push(format!("broadcast {}: {what}", report.id));
        for delivery in &report.deliveries {
            let check = Check { scenario, delivery, seen: &seen };
            check.all(&mut |what| say(format!("{}: {what}", delivery.target)));
        }
        verdict(scenario, report, &mut say);
    }
    broken
}

struct Check<'a> {
    scenario: &'a Scenario,
    delivery: &'a Delivery,
    seen: &'a HashMap<String, Seen>,
}

impl Check<'_> {
    fn all(&self, say: &mut dyn FnMut(String)) {
        let Some(outcome) = self.delivery.outcome else { return say("has no outcome".into()) };
        let keys = self.keys();
        let applied: u32 = keys.iter().map(|(_, seen)| seen.applied).sum();
        let requests: u32 = keys.iter().map(|(_, seen)| seen.requests).sum();
        let attempts = self.delivery.attempts.len();
        match outcome {
            Outcome::Delivered { attempt } => {
                if applied == 0 {
                    say("delivered, and nothing was applied".into());
                }
                let delivered =
                    self.delivery.attempts.iter().find(|it| it.started.attempt == attempt);
                let then = delivered.and_then(fanfare::report::AttemptRecord::ended_at);
                let again = |it: &fanfare::report::AttemptRecord| {
                    let sent =
                        doubtful(it) || it.ended.as_ref().is_some_and(|e| e.status.is_some());
                    sent && it.started.attempt > attempt && Some(it.started.at) >= then
                };
                if then.is_none() || self.delivery.attempts.iter().any(again) {
                    say("sent again after it was delivered".into());
                }
            }
            Outcome::Failed(_) | Outcome::Expired | Outcome::Cancelled(_) if applied > 0 => {
                say(format!("{outcome}, and it was applied {applied} times"));
            }
            Outcome::Failed(_) | Outcome::Expired | Outcome::Cancelled(_) => {}
            Outcome::Indeterminate(_) if !self.delivery.attempts.iter().any(doubtful) => {
                say("indeterminate without a doubt".into());
            }
            Outcome::Indeterminate(_) => {}
            Outcome::Substituted | Outcome::Skipped => {
                say(format!("{outcome}, which nobody asked for"));
            }
        }
        if requests as usize > attempts {
            say(format!("{requests} requests for {attempts} attempts"));
        }
        self.repeats(&keys, say);
        self.counts(say);
    }

    /// What the APIs saw of this delivery, by target and key, in the order of the attempts.
    fn keys(&self) -> Vec<(&SimTarget, Seen)> {
        let mut keys: Vec<(String, &SimTarget)> = Vec::new();
        for attempt in &self.delivery.attempts {
            let target = attempt.started.way.target.as_str();
            let key = format!("{target} {}", attempt.started.key);
            if !keys.iter().any(|(other, _)| *other == key) {
                keys.push((key, self.target(target)));
            }
        }
        keys.into_iter()
            .map(|(key, t)| (t, self.seen.get(&key).cloned().unwrap_or_default()))
            .collect()
    }

    fn target(&self, name: &str) -> &SimTarget {
        self.scenario.targets.iter().find(|target| target.name == name).unwrap()
    }

    /// Nothing was repeated that must not be.
    fn repeats(&self, keys: &[(&SimTarget, Seen)], say: &mut dyn FnMut(String)) {
        let applied: Vec<_> = keys.iter().filter(|(_, seen)| seen.applied > 0).collect();
        for (target, seen) in &applied {
            if target.api.repeat == Repeat::Never && seen.applied > 1 {
                say(format!("{} applied it {} times", target.name, seen.applied));
            }
        }
        for (target, _) in applied.iter().rev().skip(1) {
            if target.api.repeat != Repeat::Anywhere {
                say(format!("applied by {} and then on another way", target.name));
            }
        }
    }

    /// No way was tried more often than allowed.
    fn counts(&self, say: &mut dyn FnMut(String)) {
        let mut tried: HashMap<String, u32> = HashMap::new();
        for attempt in &self.delivery.attempts {
            let counts =
                !matches!(attempt.meaning(), Some(Meaning::Throttled | Meaning::Unauthorized));
            let way = format!("{:?}", attempt.started.way);
            let hedge = attempt.started.kind == Kind::Hedge;
            *tried.entry(way).or_default() += u32::from(counts && !hedge);
            let target = self.target(attempt.started.way.target.as_str());
            if hedge && (target.hedge.is_none() || target.api.repeat == Repeat::Never) {
                say("hedged where it must not be".into());
            }
        }
        let (hedges, others): (Vec<_>, Vec<_>) =
            self.delivery.attempts.iter().partition(|it| it.started.kind == Kind::Hedge);
        if hedges.len() > others.len() {
            say(format!("{} hedges of {} attempts", hedges.len(), others.len()));
        }
        for (way, count) in tried {
            let target = self
                .delivery
                .attempts
                .iter()
                .map(|a| &a.started.way)
                .find(|w| format!("{w:?}") == way);
            let allowed = self.target(target.unwrap().target.as_str()).attempts_max;
            if count > allowed {
                say(format!("{count} attempts on {way}, allowed {allowed}"));
            }
        }
    }
}

fn doubtful(attempt: &fanfare::report::AttemptRecord) -> bool {
    attempt.effect() != fanfare_sdk::Effect::None
}

/// The verdict is the one that a naive model gives, as early as it is certain.
fn verdict(scenario: &Scenario, report: &Report, say: &mut dyn FnMut(String)) {
    let Some(verdict) = report.verdict else { return say("has no verdict".into()) };
    let place = scenario.broadcasts.iter().position(|b| {
        let names =
            b.to.iter().map(|(t, required)| (scenario.targets[*t].name.as_str(), *required));
        names.eq(report.deliveries.iter().map(|d| (d.target.as_str(), d.required)))
    });
    let Some(_) = place else { return say("is not one that was sent".into()) };
    let by_then = |d: &Delivery| d.settled_at.is_some_and(|at| at <= verdict.at);
    let certain: Vec<bool> =
        Completions::of(scenario, report).filter_map(|c| c.certain(report, by_then)).collect();
    let asked = matches!(verdict.by, CompletedBy::Deadline | CompletedBy::Cancelled);
    if !asked && !certain.contains(&verdict.satisfied) {
        say(format!("{verdict:?} does not follow from its outcomes"));
    }
    let before = |d: &Delivery| d.settled_at.is_some_and(|at| at < verdict.at);
    if Completions::of(scenario, report).all(|c| c.certain(report, before).is_some()) {
        say(format!("{verdict:?} was certain before"));
    }
}

/// The completion policies that a report may belong to: those of the broadcasts with its recipients.
struct Completions(Completion);

impl Completions {
    fn of<'a>(scenario: &'a Scenario, report: &'a Report) -> impl Iterator<Item = Self> + 'a {
        let same = move |b: &&super::run::SimBroadcast| {
            let names =
                b.to.iter().map(|(t, required)| (scenario.targets[*t].name.as_str(), *required));
            names.eq(report.deliveries.iter().map(|d| (d.target.as_str(), d.required)))
        };
        scenario.broadcasts.iter().filter(same).map(|b| Self(b.completion))
    }

    /// Whether every way in which the unsettled deliveries could still end gives the same answer.
    fn certain(&self, report: &Report, settled: impl Fn(&Delivery) -> bool) -> Option<bool> {
        let open: Vec<usize> =
            (0..report.deliveries.len()).filter(|d| !settled(&report.deliveries[*d])).collect();
        let mut answers = (0_u32..1 << open.len()).map(|ends| {
            let success = |place: usize| match open.iter().position(|o| *o == place) {
                Some(bit) => ends & (1 << bit) != 0,
                None => matches!(report.deliveries[place].outcome, Some(Outcome::Delivered { .. })),
            };
            self.satisfied(report, &success)
        });
        let first = answers.next()?;
        let same = answers.all(|answer| answer == first);
        let waits = self.waits_for_all(report) && !open.is_empty();
        (same && !waits).then_some(first)
    }

    fn waits_for_all(&self, report: &Report) -> bool {
        let required = report.deliveries.iter().any(|d| d.required);
        self.0 == Completion::BestEffort || (self.0 == Completion::All && !required)
    }

    fn satisfied(&self, report: &Report, success: &dyn Fn(usize) -> bool) -> bool {
        let count = (0..report.deliveries.len()).filter(|d| success(*d)).count();
        let required = || (0..report.deliveries.len()).filter(|d| report.deliveries[*d].required);
        match self.0 {
            Completion::All if required().next().is_some() => required().all(success),
            Completion::All | Completion::BestEffort | Completion::Any => count > 0,
            Completion::Quorum(needed) => count >= needed as usize,
        }
    }
}

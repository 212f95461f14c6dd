//! A naive model of the verdict: all the ways in which what is open could still end, one by one.

use std::time::Duration;

use fanfare::{
    journal::NewBroadcast,
    report::{CancelledBy, CompletedBy, Completion, Delivery, Outcome, Report, Verdict},
};
use fanfare_sdk::Timestamp;

use super::{journal::What, promises::Say, run::Played, scenario::Scenario};

/// Timers of the runtime ring at whole milliseconds.
const TICK: Duration = Duration::from_millis(1);

/// How late a verdict by deadline may be where coordinators die and journals fail.
const LATE_MAX: Duration = Duration::from_secs(10);

const PROMISE: &str = "the verdict is that of the model";

/// The verdict follows from outcomes and times, and came as soon as it was certain.
pub(super) fn check(
    scenario: &Scenario,
    played: &Played,
    (new, report): (&NewBroadcast, &Report),
    say: Say<'_>,
) {
    let Some(verdict) = report.verdict else { return say(PROMISE, "there is none".into()) };
    let asked = played.facts.iter().find_map(|fact| match fact.what {
        What::Asked(id, CancelledBy::Caller | CancelledBy::Shutdown) if id == new.id => {
            Some(fact.at)
        }
        _ => None,
    });
    let calm = scenario.is_calm() && !played.disturbed;
    let falls = |deadline: Timestamp| {
        let within = |(from, to): &&(_, _)| *from < deadline && deadline <= *to;
        let jumped = played.jumps.iter().find(within).map_or(deadline, |(_, to)| *to);
        (deadline, jumped.after(if calm { TICK } else { LATE_MAX }))
    };
    let model = Model { new, report, asked, deadline: new.deadline.map(falls) };
    if let Some(why) = model.refutes(verdict) {
        say(PROMISE, format!("{why}: {verdict:?}, {model:?}"));
    }
}

struct Model<'a> {
    new: &'a NewBroadcast,
    report: &'a Report,
    /// When it was cancelled as a whole.
    asked: Option<Timestamp>,
    /// When its verdict falls, at the earliest and at the latest.
    deadline: Option<(Timestamp, Timestamp)>,
}

impl Model<'_> {
    /// Why that verdict is wrong; none where it is right.
    fn refutes(&self, verdict: Verdict) -> Option<&'static str> {
        let Verdict { satisfied, by, at } = verdict;
        if self.asked.is_some_and(|asked| asked < at) {
            return Some("it was cancelled before");
        }
        if self.deadline.is_some_and(|(_, latest)| latest < at) {
            return Some("its deadline was before");
        }
        let certain = self.certain();
        if let Some((then, _)) = certain
            && then < at
        {
            return Some("it was certain before");
        }
        let successes = |by_then: &dyn Fn(Timestamp) -> bool| {
            let then = |d: &&Delivery| d.settled_at.is_some_and(by_then) && is_success(d);
            self.report.deliveries.iter().filter(then).count() > 0
        };
        match by {
            CompletedBy::Cancelled if self.asked != Some(at) => Some("nobody cancelled it then"),
            CompletedBy::Cancelled if satisfied => Some("what is cancelled is not satisfied"),
            CompletedBy::Cancelled => None,
            CompletedBy::Deadline => {
                let best_effort = self.new.completion == Completion::BestEffort;
                // What settled in the same instant may have come before it or after.
                let possible = [successes(&|it| it < at), successes(&|it| it <= at)]
                    .map(|success| success && best_effort);
                match self.deadline {
                    Some((earliest, _)) if earliest <= at => {
                        (!possible.contains(&satisfied)).then_some("its outcomes say otherwise")
                    }
                    _ => Some("its deadline was not over"),
                }
            }
            CompletedBy::All
            | CompletedBy::Quorum
            | CompletedBy::First
            | CompletedBy::Impossible => {
                // What is certain from the beginning falls with the first end, or at the deadline.
                let judged = self.deadline.is_some_and(|(earliest, _)| earliest <= at);
                let asked_then = certain.is_some_and(|(then, _)| then == at) || judged;
                let answer = self.certain_at(at).filter(|_| asked_then);
                let expected = answer.map(|answer| (answer, self.by(answer)));
                (expected != Some((satisfied, by))).then_some("its outcomes say otherwise")
            }
        }
    }

    /// What completes it where its outcomes do.
    fn by(&self, satisfied: bool) -> CompletedBy {
        let required = self.new.recipients.iter().any(|r| r.required && !r.skipped);
        match (self.new.completion, satisfied) {
            (Completion::All, _) if !required => CompletedBy::All,
            (Completion::BestEffort, _) | (Completion::All, true) => CompletedBy::All,
            (Completion::Quorum(_), true) => CompletedBy::Quorum,
            (Completion::Any, true) => CompletedBy::First,
            (Completion::All | Completion::Quorum(_) | Completion::Any, false) => {
                CompletedBy::Impossible
            }
        }
    }

    /// The first end of a delivery with which the answer was certain, and the answer.
    fn certain(&self) -> Option<(Timestamp, bool)> {
        let mut ends: Vec<_> =
            self.report.deliveries.iter().filter_map(|delivery| delivery.settled_at).collect();
        ends.sort_unstable();
        ends.into_iter().find_map(|at| Some((at, self.certain_at(at)?)))
    }

    /// Whether every way in which the unsettled deliveries could still end gives the same answer.
    fn certain_at(&self, now: Timestamp) -> Option<bool> {
        let counts: Vec<(&Delivery, bool)> = self
            .report
            .deliveries
            .iter()
            .zip(&self.new.recipients)
            .filter(|(_, recipient)| !recipient.skipped)
            .map(|(delivery, recipient)| (delivery, recipient.required))
            .collect();
        let is_open = |delivery: &Delivery| delivery.settled_at.is_none_or(|at| at > now);
        let open: Vec<usize> = (0..counts.len()).filter(|it| is_open(counts[*it].0)).collect();
        let mut answers = (0_u32..1 << open.len()).map(|ends| {
            let success = |place: usize| match open.iter().position(|it| *it == place) {
                Some(bit) => ends & (1 << bit) != 0,
                None => is_success(counts[place].0),
            };
            let ends: Vec<(bool, bool)> =
                (0..counts.len()).map(|place| (success(place), counts[place].1)).collect();
            self.is_satisfied(&ends)
        });
        let first = answers.next()?;
        let same = answers.all(|answer| answer == first);
        let required = counts.iter().any(|(_, required)| *required);
        let waits = self.new.completion == Completion::BestEffort
            || (self.new.completion == Completion::All && !required);
        (same && (open.is_empty() || !waits)).then_some(first)
    }

    /// The answer where these succeeded, and these are required.
    fn is_satisfied(&self, ends: &[(bool, bool)]) -> bool {
        let count = ends.iter().filter(|(success, _)| *success).count();
        let required = || ends.iter().filter(|(_, required)| *required);
        match self.new.completion {
            Completion::All if required().next().is_some() => {
                required().all(|(success, _)| *success)
            }
            Completion::All | Completion::BestEffort => count > 0 || ends.is_empty(),
            Completion::Any => count > 0,
            Completion::Quorum(needed) => count >= needed as usize,
        }
    }
}

fn is_success(delivery: &Delivery) -> bool {
    matches!(delivery.outcome, Some(Outcome::Delivered { .. }))
}

impl std::fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = |d: &Delivery| format!("{} {:?} at {:?}", d.target, d.outcome, d.settled_at);
        let ends: Vec<_> = self.report.deliveries.iter().map(end).collect();
        let Self { asked, deadline, .. } = self;
        write!(f, "{:?} of {ends:?}, asked {asked:?}, falls {deadline:?}", self.new.completion)
    }
}

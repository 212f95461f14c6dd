//! What no target may see more of than its limits allow.

use std::time::Duration;

use fanfare::report::AttemptRecord;
use fanfare_sdk::{Meaning, RetryAfter, Timestamp};

use super::{
    promises::Say,
    run::Played,
    scenario::{BREAKER, RATE, RETRY_AFTER_MAX, Scenario, SimTarget, TIMEOUT},
    world::{Act, Diary, Outage},
};

pub(super) fn check(scenario: &Scenario, played: &Played, diary: &Diary, say: Say<'_>) {
    for (place, target) in scenario.targets.iter().enumerate() {
        let most = diary.in_flight_max.get(&target.name).copied().unwrap_or(0);
        if most > target.concurrency_max as usize {
            let what = format!("{}: {most}, allowed {}", target.name, target.concurrency_max);
            say("no more in flight than allowed", what);
        }
        let requests = diary.requests.iter().filter(|request| request.target == target.name);
        let at: Vec<Timestamp> = requests.map(|request| request.at).collect();
        if target.rate_limited {
            rate(target, &at, say);
        }
        for outage in scenario.outages.iter().filter(|outage| outage.target == target.name) {
            probes(target, (outage, begun(played)), &at, say);
        }
        for (_, from, to) in played.paused.iter().filter(|(it, ..)| *it == place) {
            if let Some(at) = at.iter().find(|at| (*from < **at) && (**at < *to)) {
                say("what is paused waits", format!("{}: a request at {at:?}", target.name));
            }
        }
        asked_to_wait(target, played, say);
    }
}

fn begun(played: &Played) -> Timestamp {
    played.world.begun()
}

/// In every window no more than the burst and what was earned in it.
fn rate(target: &SimTarget, at: &[Timestamp], say: Say<'_>) {
    let (interval, burst) = RATE;
    // What is in the line of arrivals beyond the burst must be that many intervals later.
    for (first, begin) in at.iter().enumerate() {
        for (count, end) in at[first..].iter().enumerate().skip(burst as usize) {
            let least = interval * (u32::try_from(count).unwrap() + 1 - burst);
            // The clock of the engine knows microseconds.
            if end.since(*begin) + Duration::from_micros(1) < least {
                let what = format!("{}: {} within {:?}", target.name, count + 1, end.since(*begin));
                return say("no more per time than allowed", what);
            }
        }
    }
}

/// In an outage nothing ends well: once the breaker has opened, all it lets through is its probes, and then it is
/// open again.
fn probes(
    target: &SimTarget,
    (outage, begun): (&Outage, Timestamp),
    at: &[Timestamp],
    say: Say<'_>,
) {
    let Some(probes_max) = target.breaker else { return };
    if !matches!(outage.act, Act::Refuse | Act::Status(503) | Act::HangNotApplied) {
        return;
    }
    let (open_for, failures) = BREAKER;
    // What began before it has ended by then.
    let all_ill = begun.after(outage.from + TIMEOUT);
    let until = begun.after(outage.to);
    let within: Vec<_> = at.iter().filter(|at| all_ill <= **at && **at < until).collect();
    let Some(last_closed) = within.get(failures as usize - 1) else { return };
    // The last failure that it takes has ended by then.
    let opened = last_closed.after(TIMEOUT);
    let within: Vec<_> = within.into_iter().filter(|at| **at > opened).collect();
    for window in within.windows(probes_max as usize + 1) {
        let took = window[window.len() - 1].since(*window[0]);
        if took < open_for {
            let what = format!("{}: {} probes within {took:?}", target.name, window.len());
            return say("a breaker probes no more than it may", what);
        }
    }
}

/// A target that asked to be left alone is left alone.
fn asked_to_wait(target: &SimTarget, played: &Played, say: Say<'_>) {
    let deliveries = || played.reports.iter().flat_map(|report| &report.deliveries);
    let attempts = || deliveries().flat_map(|delivery| &delivery.attempts);
    let here = |it: &&AttemptRecord| it.started.way.target.as_str() == target.name;
    let mut starts: Vec<Timestamp> = attempts()
        .filter(here)
        // What ended before it was sent may never have been let through.
        .filter(|it| it.ended.as_ref().is_some_and(|ended| ended.status.is_some()))
        .map(|it| it.started.at)
        .collect();
    starts.sort_unstable();
    for ended in attempts().filter(here).filter_map(|it| it.ended.as_ref()) {
        let listens =
            matches!(ended.meaning, Meaning::Throttled | Meaning::Retry | Meaning::Success);
        let until = match ended.retry_after.filter(|_| listens && ended.error.is_none()) {
            None => continue,
            Some(RetryAfter::For(wait)) => ended.at.after(wait),
            Some(RetryAfter::At(at)) => at,
        };
        let until = until.min(ended.at.after(RETRY_AFTER_MAX));
        let next = starts.partition_point(|at| *at <= ended.at);
        if starts.get(next).is_some_and(|at| *at < until) {
            let what = format!(
                "{}: asked at {:?} to be left alone until {until:?}, called at {:?}",
                target.name, ended.at, starts[next]
            );
            return say("who asks to be left alone is left alone", what);
        }
    }
}

//! The trace of a broadcast as a tree, made from its report.

use std::time::Duration;

use fanfare_sdk::{Meaning, Timestamp};

use super::{explain::passed_over, live::waits, text::millis, width::tame};
use crate::report::{AttemptRecord, Delivery, FellBack, Report, hex};

/// The trace as a tree: the broadcast, its deliveries, their attempts and what was waited for between them.
pub(super) fn tree(report: &Report) -> String {
    let mut text = format!("trace {}\n", hex(&report.trace.trace_id));
    let took = report
        .settled_at
        .map(|at| format!(" {}", ms(at.since(report.accepted_at))))
        .unwrap_or_default();
    text.push_str(&format!("broadcast {}{took}  span {}\n", report.id, hex(&report.trace.span_id)));
    for (place, delivery) in report.deliveries.iter().enumerate() {
        let last = place + 1 == report.deliveries.len();
        branch(&mut text, report.accepted_at, delivery, last);
    }
    text
}

fn branch(text: &mut String, start: Timestamp, delivery: &Delivery, last: bool) {
    let (turn, line) = if last { ("└─", "   ") } else { ("├─", "│  ") };
    let outcome = delivery.outcome.map_or("open".to_owned(), |outcome| outcome.to_string());
    let span = hex(&delivery.span_id);
    text.push_str(&format!("{turn} deliver {}: {outcome}  span {span}\n", delivery.target));
    let mut twigs = Vec::new();
    let mut waits = waits(delivery, start).into_iter().peekable();
    let mut falls = delivery.falls.iter().peekable();
    for attempt in &delivery.attempts {
        while let Some(fall) = falls.next_if(|fall| fall.at <= attempt.started.at) {
            twigs.extend(fell_back(start, fall));
        }
        while let Some(wait) = waits.next_if(|wait| wait.before <= attempt.started.attempt) {
            twigs.push(format!("wait {}: {}", ms(wait.until.since(wait.from)), wait.why));
        }
        twigs.push(twig(start, attempt));
    }
    twigs.extend(falls.flat_map(|fall| fell_back(start, fall)));
    let count = twigs.len();
    for (place, twig) in twigs.into_iter().enumerate() {
        let turn = if place + 1 == count { "└─" } else { "├─" };
        text.push_str(&format!("{line}{turn} {twig}\n"));
    }
}

/// What was passed over, and what became of it where that is no attempt.
fn fell_back(start: Timestamp, fall: &FellBack) -> Vec<String> {
    let mut twigs: Vec<_> = fall.passed.iter().map(passed_over).collect();
    if fall.reply.is_some() {
        twigs.push(format!("the canned reply stands in: {}", fall.because));
    }
    if let Some(until) = fall.parked_until {
        twigs.push(format!("parked for {}: {}", ms(until.since(fall.at)), fall.because));
    }
    let at = ms(fall.at.since(start));
    twigs.into_iter().map(|twig| format!("at {at}: {twig}")).collect()
}

/// `attempt 2 at 203 ms (the attempt before it failed): 200, 3.10 ms  span …`
fn twig(start: Timestamp, attempt: &AttemptRecord) -> String {
    let begun = &attempt.started;
    let ended = attempt.ended.as_ref();
    let answer = match (ended.and_then(|e| e.error.as_ref()), ended.and_then(|e| e.status)) {
        (Some(error), _) => tame(&error.message),
        // A rule has read in it that it is none.
        (None, Some(status @ 200..300)) if attempt.meaning() != Some(Meaning::Success) => {
            format!("{status}, {}", attempt.meaning().map_or("no end is known", Meaning::code))
        }
        (None, Some(status)) => status.to_string(),
        (None, None) if ended.is_some() => "accepted".to_owned(),
        (None, None) => "no end is known".to_owned(),
    };
    let version = begun.way.version.as_ref().map(|v| format!(" version {v}")).unwrap_or_default();
    let took =
        attempt.ended_at().map(|at| format!(", {}", ms(at.since(begun.at)))).unwrap_or_default();
    format!(
        "attempt {} to {}{version} at {} ({}): {answer}{took}  span {}",
        begun.attempt,
        begun.way.target,
        ms(begun.at.since(start)),
        begun.because,
        hex(&begun.span_id)
    )
}

fn ms(duration: Duration) -> String {
    millis(duration.as_secs_f64() * 1_000.0)
}

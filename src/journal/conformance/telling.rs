//! The journal's answers as text: a check compares all of an answer, and its message says all of it.

use fanfare_sdk::Timestamp;

use crate::{
    journal::{Accepted, Committed, JournalError, Letters, Page},
    report::{
        BroadcastId, Delivery, DeliveryId, DeliveryState, Event, History, Outcome, Report, Verdict,
    },
};

pub(super) fn answer<T>(
    result: Result<T, JournalError>,
    tell: impl FnOnce(&T) -> String,
) -> String {
    match result {
        Ok(value) => tell(&value),
        Err(error) => self::error(error),
    }
}

/// Without the words behind it, which are a store's own.
pub(super) fn error(error: JournalError) -> String {
    let code = match error {
        JournalError::Fenced => "fenced",
        JournalError::KeyReused => "key reused",
        JournalError::NoDeadLetter => "no dead letter",
        JournalError::NotOwed => "not owed",
        JournalError::Full => "full",
        JournalError::Invalid(_) => "invalid",
        JournalError::Unknown => "unknown",
        JournalError::Unreadable => "unreadable",
        JournalError::Unavailable => "unavailable",
    };
    format!("error: {code}")
}

pub(super) fn accepted(accepted: &Accepted) -> String {
    match accepted {
        Accepted::New(new) => format!("new {}", number(new.id)),
        Accepted::Same(id) => format!("same {}", number(*id)),
    }
}

/// `verdict 1 satisfied by all at 5, settled 1, cancel 1/b at b`; `nothing`.
pub(super) fn committed(committed: &Committed) -> String {
    let Committed { verdicts, settled, cancelled, owed } = committed;
    let verdicts = verdicts.iter().map(|(id, v)| format!("verdict {} {}", number(*id), verdict(v)));
    let settled = settled.iter().map(|id| format!("settled {}", number(*id)));
    let cancelled = cancelled.iter().map(|(at, id)| format!("cancel {} at {at}", delivery(id)));
    let owed =
        owed.iter().map(|it| format!("{} owed of {}", it.occasion.code(), number(it.broadcast)));
    joined(verdicts.chain(settled).chain(cancelled).chain(owed), ", ")
}

/// `1/a due 3 [started 1, ended 1 retry]; then 7`; `nothing`.
pub(super) fn page(page: &Page) -> String {
    let open = page.open.iter().map(|open| {
        let (id, due) = (open.id(), open.due.as_micros());
        format!("{} at {} due {due} [{}]", delivery(&id), open.serving, history(&open.history))
    });
    let next = page.next_due.map(|due| format!("then {}", due.as_micros()));
    joined(open.chain(next), "; ")
}

/// `1 satisfied by all at 5, settled at 5: a delivered at 5 [1 success]`.
pub(super) fn report(report: Option<&Report>) -> String {
    let Some(report) = report else { return "not known".to_owned() };
    let verdict = report.verdict.as_ref().map_or_else(|| "open".to_owned(), verdict);
    let settled = report.settled_at.map(|at| format!(", settled at {}", at.as_micros()));
    let deliveries = joined(report.deliveries.iter().map(stands), "; ");
    format!("{} {verdict}{}: {deliveries}", number(report.id), settled.unwrap_or_default())
}

fn stands(delivery: &Delivery) -> String {
    let state = match (delivery.outcome, delivery.state) {
        (Some(outcome), _) => {
            let at = delivery.settled_at.map_or(-1, Timestamp::as_micros);
            format!("{} at {at}", outcome_of(outcome))
        }
        (None, DeliveryState::Waiting) => {
            format!("waiting until {}", delivery.next_attempt_at.map_or(-1, Timestamp::as_micros))
        }
        (None, DeliveryState::InFlight) => "in flight".to_owned(),
        (None, DeliveryState::Pending) => "pending".to_owned(),
        (None, DeliveryState::Settled) => "settled without an outcome".to_owned(),
    };
    let attempts = delivery.attempts.iter().map(|record| {
        let end = match (&record.ended, record.lost_at) {
            (Some(ended), _) => format!("{:?}", ended.meaning).to_lowercase(),
            (None, Some(_)) => "lost".to_owned(),
            (None, None) => "running".to_owned(),
        };
        format!("{} {end}", record.started.attempt)
    });
    let late = if delivery.late { " late" } else { "" };
    format!("{} {state}{late} [{}]", delivery.target, joined(attempts, ", "))
}

fn history(history: &History) -> String {
    let events = history.events().iter().map(|event| match event {
        Event::Started(started) => format!("started {}", started.attempt),
        Event::Ended(ended) => {
            format!("ended {} {:?}", ended.attempt, ended.meaning).to_lowercase()
        }
        Event::Lost { attempt, at } => format!("lost {attempt} at {}", at.as_micros()),
        Event::CancelAsked { by, at } => format!("{} cancels at {}", by.code(), at.as_micros()),
        Event::FellBack(fell_back) => {
            format!("fell back, {} passed over", fell_back.passed.len())
        }
        Event::Moved { to, .. } => format!("moved to {to}"),
    });
    joined(events, ", ")
}

pub(super) fn broadcasts(open: &[(BroadcastId, Option<Timestamp>)]) -> String {
    let each = open.iter().map(|(id, deadline)| match deadline {
        Some(deadline) => format!("{} until {}", number(*id), deadline.as_micros()),
        None => number(*id).to_string(),
    });
    joined(each, ", ")
}

pub(super) fn dead(page: &Letters) -> String {
    let each = page.letters.iter().map(|letter| {
        let at = letter.settled_at.as_micros();
        format!("{} {} at {at}", delivery(&letter.id), outcome_of(letter.outcome))
    });
    let more = page.next.map(|_| "more".to_owned());
    joined(each.chain(more), ", ")
}

fn verdict(verdict: &Verdict) -> String {
    let word = if verdict.satisfied { "satisfied" } else { "unsatisfied" };
    format!("{word} by {} at {}", verdict.by.code(), verdict.at.as_micros())
}

fn outcome_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Delivered { attempt } => format!("delivered by {attempt}"),
        Outcome::Failed(reason) | Outcome::Indeterminate(reason) => {
            format!("{} of {}", outcome.code(), reason.code())
        }
        Outcome::Cancelled(by) => format!("cancelled by {}", by.code()),
        Outcome::Substituted | Outcome::Expired | Outcome::Skipped => outcome.code().to_owned(),
    }
}

fn delivery(id: &DeliveryId) -> String {
    format!("{}/{}", number(id.broadcast), id.recipient)
}

fn number(id: BroadcastId) -> u128 {
    id.0.as_u128()
}

fn joined(parts: impl IntoIterator<Item = String>, between: &str) -> String {
    let parts: Vec<String> = parts.into_iter().collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(between) }
}

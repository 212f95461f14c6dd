//! What happened, a line each: for logs, and for terminals that cannot redraw.

use std::collections::HashSet;

use fanfare_sdk::Timestamp;

use super::{
    waits::{Wait, waits},
    words::{self, took},
};
use crate::{
    cli::{text, width::tame},
    report::{Delivery, DeliveryState, Report},
    wire,
};

/// What was told already.
#[derive(Default, Debug)]
pub(super) struct Seen(HashSet<(usize, What)>);

/// One thing that happens to a delivery once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum What {
    /// A pause before that attempt.
    Pause(u32),
    /// A wait at the gate before that attempt.
    Held(u32),
    /// That attempt took another way.
    Turned(u32),
    /// That attempt ended.
    Ended(u32),
    Settled,
}

/// What was not told before, in the order in which it happened. Histories forget nothing: every attempt, wait and
/// fallback is told once, however seldom it is asked.
pub(super) fn happened(seen: &mut Seen, report: &Report) -> Vec<String> {
    let mut news = Vec::new();
    for (place, delivery) in report.deliveries.iter().enumerate() {
        for (what, at, says) in all(delivery, report.accepted_at) {
            if seen.0.insert((place, what)) {
                news.push((at, tame(&format!("{}: {says}", delivery.target))));
            }
        }
    }
    news.sort_by_key(|(at, _)| *at);
    news.into_iter().map(|(_, line)| line).collect()
}

/// All that happened to one delivery, oldest first.
fn all(delivery: &Delivery, accepted: Timestamp) -> Vec<(What, Timestamp, String)> {
    let waits = waits(delivery, accepted);
    let mut waits = waits.iter().map(waited).peekable();
    let mut all = Vec::new();
    let mut before = None;
    for record in &delivery.attempts {
        let (number, begun) = (record.started.attempt, record.started.at);
        while let Some((_, wait)) = waits.next_if(|(attempt, _)| *attempt <= number) {
            all.push(wait);
        }
        if let Some(why) = before.and_then(|before| words::turn(before, record)) {
            let says = format!("{why}, now {}", words::now_by(record));
            all.push((What::Turned(number), begun, says));
        }
        if let Some(at) = record.ended_at() {
            let (which, answer) = (words::attempt(delivery, record), words::answer(record));
            let says = format!("{which}: {answer}, {}", took(at.since(begun)));
            all.push((What::Ended(number), at, says));
        }
        before = Some(record);
    }
    all.extend(waits.map(|(_, wait)| wait));
    if let (DeliveryState::Settled, Some(at)) = (delivery.state, delivery.settled_at) {
        let wire = wire::Delivery::from(delivery);
        let says = format!("{}: {}", text::outcome(&wire), text::says(&wire));
        all.push((What::Settled, at, says));
    }
    all
}

/// With the attempt that it stands before.
fn waited(wait: &Wait) -> (u32, (What, Timestamp, String)) {
    let (what, verb) = match wait.held {
        true => (What::Held(wait.before), "was held back"),
        false => (What::Pause(wait.before), "waits"),
    };
    let says = format!("{verb} {}: {}", took(wait.until.since(wait.from)), wait.why);
    (wait.before, (what, wait.from, says))
}

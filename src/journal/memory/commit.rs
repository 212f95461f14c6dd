//! The changes of one commit, once it has been checked that all of them can be made.

use std::sync::Arc;

use fanfare_sdk::{TargetName, Timestamp};

use super::{
    record::Record,
    servings::{Rank, Servings},
};
use crate::{
    journal::{Committed, DeadLetter, Entry},
    policy::Tally,
    report::{CancelledBy, CompletedBy, DeliveryId, Event, Outcome, Rest, Verdict},
};

/// Makes an entry of the target `serving`. Gives the dead letter that it leaves.
pub(super) fn apply(
    record: &mut Record,
    servings: &mut Servings,
    (place, serving): (usize, u32),
    entry: Entry,
    now: Timestamp,
) -> Option<DeadLetter> {
    let slot = &mut record.slots[place];
    if slot.settled.is_some() {
        return None;
    }
    match entry {
        Entry::Event(_, event) => happen(record, servings, place, event),
        Entry::Due(_, due) if slot.serving == serving => requeue(record, servings, place, due),
        Entry::Due(..) => {}
        Entry::Settled(id, outcome) => return settle(record, servings, place, (id, outcome, now)),
    }
    None
}

/// Adds an event, with what follows from it. Asks nothing: whoever calls has checked.
pub(super) fn happen(record: &mut Record, servings: &mut Servings, place: usize, event: Event) {
    let slot = &mut record.slots[place];
    let at = event.at();
    let boot = if let Event::Started(started) = &event { Some(started.boot) } else { None };
    let to = if let Event::Moved { to, .. } = &event { Some(to.clone()) } else { None };
    if !slot.history.push(event) {
        return;
    }
    match (boot, to) {
        (Some(boot), _) => servings.get_mut(slot.serving).note_boot(boot),
        (None, Some(to)) => hand_over(record, servings, place, (&to, at)),
        (None, None) if slot.due > at => requeue(record, servings, place, at),
        (None, None) => {}
    }
}

fn requeue(record: &mut Record, servings: &mut Servings, place: usize, due: Timestamp) {
    let before = record.rank(place);
    if before.due == due {
        return;
    }
    let slot = &mut record.slots[place];
    slot.due = due;
    let queue = &mut servings.get_mut(slot.serving).queue;
    if let Some(broadcast) = queue.remove(&before) {
        queue.insert(Rank { due, ..before }, broadcast);
    }
}

fn hand_over(
    record: &mut Record,
    servings: &mut Servings,
    place: usize,
    (to, at): (&TargetName, Timestamp),
) {
    let before = record.rank(place);
    let slot = &mut record.slots[place];
    let from = servings.get_mut(slot.serving);
    from.queue.remove(&before);
    slot.serving = servings.number(to);
    slot.due = at;
    let stand_in = servings.get_mut(slot.serving);
    slot.history.in_flight().for_each(|started| stand_in.note_boot(started.boot));
    stand_in.queue.insert(Rank { due: at, ..before }, Arc::clone(&record.broadcast));
}

fn settle(
    record: &mut Record,
    servings: &mut Servings,
    place: usize,
    (id, outcome, now): (DeliveryId, Outcome, Timestamp),
) -> Option<DeadLetter> {
    let rank = record.rank(place);
    let slot = &mut record.slots[place];
    slot.settled = Some((outcome, now));
    servings.get_mut(slot.serving).queue.remove(&rank);
    record.open -= 1;
    match outcome {
        Outcome::Failed(_)
        | Outcome::Indeterminate(_)
        | Outcome::Substituted
        | Outcome::Expired => Some(DeadLetter { id, outcome, settled_at: now }),
        Outcome::Delivered { .. } | Outcome::Cancelled(_) | Outcome::Skipped => None,
    }
}

/// Writes the wish into every open delivery, and lists them.
pub(super) fn cancel(
    record: &mut Record,
    servings: &mut Servings,
    by: CancelledBy,
    now: Timestamp,
    committed: &mut Committed,
) {
    for place in 0..record.slots.len() {
        if record.slots[place].settled.is_some() {
            continue;
        }
        happen(record, servings, place, Event::CancelAsked { by, at: now });
        let serving = servings.get(record.slots[place].serving).name.clone();
        let recipient = record.broadcast.recipients[place].recipient.clone();
        committed
            .cancelled
            .push((serving, DeliveryId { broadcast: record.broadcast.id, recipient }));
    }
}

/// Gives the verdict as soon as it is certain, and cancels what is then left where that is wanted.
pub(super) fn fold(
    record: &mut Record,
    servings: &mut Servings,
    now: Timestamp,
    committed: &mut Committed,
) {
    if record.verdict.is_some() {
        return;
    }
    let Tally::Closed { satisfied, by } = record.tally(now) else { return };
    give_verdict(record, Verdict { satisfied, by, at: now }, committed);
    if record.broadcast.rest == Rest::Cancel {
        cancel(record, servings, CancelledBy::Verdict, now, committed);
    }
}

/// The verdict of a broadcast that was cancelled before it had one.
pub(super) fn give_up(record: &mut Record, now: Timestamp, committed: &mut Committed) {
    if record.verdict.is_none() {
        let by = CompletedBy::Cancelled;
        give_verdict(record, Verdict { satisfied: false, by, at: now }, committed);
    }
}

fn give_verdict(record: &mut Record, verdict: Verdict, committed: &mut Committed) {
    record.verdict = Some(verdict);
    committed.verdicts.push((record.broadcast.id, verdict));
}

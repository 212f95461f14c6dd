//! The changes of one commit, once it has been checked that all of them can be made.

use fanfare_sdk::{TargetName, Timestamp};

use super::{Books, Rank, Record};
use crate::{
    journal::{Committed, DeadLetter, Entry, JournalError},
    policy::Tally,
    report::{
        CancelledBy, CompletedBy, DeliveryId, Event, NoticeOf, Occasion, Outcome, Rest, Verdict,
    },
};

/// Makes an entry of the target `serving`. Gives the dead letter that it leaves.
pub(in crate::journal) fn apply(
    record: &mut Record,
    books: &mut impl Books,
    (place, serving): (usize, u32),
    entry: Entry,
    now: Timestamp,
) -> Option<DeadLetter> {
    let slot = &mut record.slots[place];
    if slot.settled.is_some() {
        return None;
    }
    match entry {
        Entry::Event(_, event) => happen(record, books, place, event),
        Entry::Due(_, due) if slot.serving == serving => requeue(record, books, place, due),
        Entry::Due(..) => {}
        Entry::Settled(id, outcome) => return settle(record, books, place, (id, outcome, now)),
    }
    None
}

/// Adds an event, with what follows from it. Asks nothing: whoever calls has checked.
pub(in crate::journal) fn happen(
    record: &mut Record,
    books: &mut impl Books,
    place: usize,
    event: Event,
) {
    let slot = &mut record.slots[place];
    let at = event.at();
    let boot = if let Event::Started(started) = &event { Some(started.boot) } else { None };
    let to = if let Event::Moved { to, .. } = &event { Some(to.clone()) } else { None };
    if !slot.history.push(event) {
        return;
    }
    match (boot, to) {
        (Some(boot), _) => books.note_boot(slot.serving, boot),
        (None, Some(to)) => hand_over(record, books, place, (&to, at)),
        (None, None) if slot.due > at => requeue(record, books, place, at),
        (None, None) => {}
    }
    books.touch(record.rank(place).order);
}

fn requeue(record: &mut Record, books: &mut impl Books, place: usize, due: Timestamp) {
    let before = record.rank(place);
    if before.due == due {
        return;
    }
    let slot = &mut record.slots[place];
    slot.due = due;
    books.leave(slot.serving, before);
    books.join(slot.serving, Rank { due, ..before }, &record.broadcast);
    books.touch(before.order);
}

fn hand_over(
    record: &mut Record,
    books: &mut impl Books,
    place: usize,
    (to, at): (&TargetName, Timestamp),
) {
    let before = record.rank(place);
    let slot = &mut record.slots[place];
    books.leave(slot.serving, before);
    slot.serving = books.number(to);
    slot.due = at;
    slot.history.in_flight().for_each(|started| books.note_boot(slot.serving, started.boot));
    books.join(slot.serving, Rank { due: at, ..before }, &record.broadcast);
}

fn settle(
    record: &mut Record,
    books: &mut impl Books,
    place: usize,
    (id, outcome, now): (DeliveryId, Outcome, Timestamp),
) -> Option<DeadLetter> {
    let rank = record.rank(place);
    let slot = &mut record.slots[place];
    slot.settled = Some((outcome, now));
    books.leave(slot.serving, rank);
    books.touch(rank.order);
    record.open -= 1;
    let route = record.broadcast.route.clone();
    let parked_until = slot.history.parked_until();
    let letter = DeadLetter { parked_until, id, route, outcome, settled_at: now };
    outcome.is_dead_letter().then_some(letter)
}

/// Writes the wish into every open delivery, and lists them.
pub(in crate::journal) fn cancel(
    record: &mut Record,
    books: &mut impl Books,
    by: CancelledBy,
    now: Timestamp,
    committed: &mut Committed,
) {
    for place in 0..record.slots.len() {
        if record.slots[place].settled.is_some() {
            continue;
        }
        happen(record, books, place, Event::CancelAsked { by, at: now });
        let serving = books.name(record.slots[place].serving);
        let recipient = record.broadcast.recipients[place].recipient.clone();
        committed
            .cancelled
            .push((serving, DeliveryId { broadcast: record.broadcast.id, recipient }));
    }
}

/// Gives the verdict as soon as it is certain, and cancels what is then left where that is wanted.
pub(in crate::journal) fn fold(
    record: &mut Record,
    books: &mut impl Books,
    now: Timestamp,
    committed: &mut Committed,
) {
    if record.verdict.is_some() {
        return;
    }
    let Tally::Closed { satisfied, by } = record.tally(now) else { return };
    give_verdict(record, Verdict { satisfied, by, at: now }, committed);
    if record.broadcast.rest == Rest::Cancel {
        cancel(record, books, CancelledBy::Verdict, now, committed);
    }
}

/// The verdict of a broadcast that was cancelled before it had one.
pub(in crate::journal) fn give_up(record: &mut Record, now: Timestamp, committed: &mut Committed) {
    if record.verdict.is_none() {
        let by = CompletedBy::Cancelled;
        give_verdict(record, Verdict { satisfied: false, by, at: now }, committed);
    }
}

fn give_verdict(record: &mut Record, verdict: Verdict, committed: &mut Committed) {
    record.verdict = Some(verdict);
    committed.verdicts.push((record.broadcast.id, verdict));
    note_owed(record, Occasion::Verdict, committed);
}

/// Takes note that nothing more can happen to it: it has a verdict, and no delivery is open. True once.
pub(in crate::journal) fn retire(record: &mut Record, committed: &mut Committed) -> bool {
    if record.open > 0 || record.verdict.is_none() || record.retired {
        return false;
    }
    record.retired = true;
    committed.settled.push(record.broadcast.id);
    note_owed(record, Occasion::Settled, committed);
    true
}

fn note_owed(record: &Record, occasion: Occasion, committed: &mut Committed) {
    if record.owes(occasion) {
        committed.owed.push(NoticeOf { broadcast: record.broadcast.id, occasion });
    }
}

/// A notice of it is accepted: once, and only where it is owed.
pub(in crate::journal) fn tell(
    record: &mut Record,
    occasion: Occasion,
) -> Result<(), JournalError> {
    if !record.owes(occasion) {
        return Err(JournalError::NotOwed);
    }
    record.told = record.told.with(occasion);
    Ok(())
}

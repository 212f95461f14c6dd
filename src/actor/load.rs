//! What the actor of a target begins with: its claim, and all that is open.

use fanfare_sdk::Timestamp;

use super::{
    Shared, Slot, attempt,
    beyond::{Beyond, HORIZON},
    starts::never_sent_end,
};
use crate::{
    journal::{Claim, JournalError, Open},
    report::{DeliveryId, Event, Started},
    sabotage::{self, Sabotage},
};

/// Claims the target and reads what is open: all of it, or, where the journal outlives the process, what is due soon.
/// What was written down as started and is not in flight was never sent.
pub(super) async fn read(
    shared: &Shared,
    slot: &Slot,
    held_max: usize,
) -> Result<(Claim, Vec<Open>, Beyond), JournalError> {
    let (journal, now) = (&shared.journal, shared.clock.now());
    // Seen before the histories are read: what has landed by then is in its history.
    let in_flight = in_flight(slot);
    let claim = journal.claim(&slot.name, shared.boot, now).await?;
    for (id, started) in slot.all_unwritten() {
        let attempt = started.attempt;
        journal.record(&id, Event::Started(started)).await?;
        slot.is_written(&id, attempt);
    }
    let count_max = if journal.waits() { held_max } else { usize::MAX };
    let (open, beyond) = begun(shared, slot, &claim, (count_max, |_| false, in_flight)).await?;
    Ok((claim, open, beyond))
}

/// Reads what is due soon, but for what is held.
pub(super) async fn page(
    shared: &Shared,
    slot: &Slot,
    claim: &Claim,
    (count_max, is_held): (usize, impl Fn(&DeliveryId) -> bool),
) -> Result<(Vec<Open>, Beyond), JournalError> {
    begun(shared, slot, claim, (count_max, is_held, in_flight(slot))).await
}

fn in_flight(slot: &Slot) -> Vec<(DeliveryId, u32)> {
    let mut in_flight = slot.in_flight();
    in_flight.retain(|_| !sabotage::is(Sabotage::FlightForgotten));
    in_flight
}

async fn begun(
    shared: &Shared,
    slot: &Slot,
    claim: &Claim,
    (count_max, is_held, in_flight): (usize, impl Fn(&DeliveryId) -> bool, Vec<(DeliveryId, u32)>),
) -> Result<(Vec<Open>, Beyond), JournalError> {
    let journal = &shared.journal;
    let now = shared.clock.now();
    let end_of_time = Timestamp::from_micros(i64::MAX);
    let until = if journal.waits() { now.after(HORIZON) } else { end_of_time };
    let mut page = journal.due(claim, until, count_max).await?;
    page.open.retain(|open| !is_held(&open.id()));
    for open in &mut page.open {
        mend(shared, slot, open, &in_flight).await?;
    }
    // Their turns are as they came.
    page.open.sort_by_key(|open| (open.broadcast.accepted_at, open.broadcast.id));
    Ok((page.open, Beyond::new(page.next_due, page.is_keyed)))
}

/// Reads one that is not held; none where it is not open any more, or cannot be read.
pub(super) async fn one(
    shared: &Shared,
    slot: &Slot,
    id: &DeliveryId,
) -> Result<Option<Open>, JournalError> {
    let in_flight = in_flight(slot);
    let mut open = match shared.journal.delivery(id).await {
        Ok(Some(open)) => open,
        Ok(None) | Err(JournalError::Unreadable) => return Ok(None),
        Err(error) => return Err(error),
    };
    if open.serving == slot.name {
        mend(shared, slot, &mut open, &in_flight).await?;
    }
    Ok(Some(open))
}

/// What was written down as started and is not in flight was never sent.
async fn mend(
    shared: &Shared,
    slot: &Slot,
    open: &mut Open,
    in_flight: &[(DeliveryId, u32)],
) -> Result<(), JournalError> {
    let (id, now) = (open.id(), shared.clock.now());
    let lost = |s: &&Started| !in_flight.contains(&(id.clone(), s.attempt));
    let never_sent: Vec<_> = open.history.in_flight().filter(lost).cloned().collect();
    for started in never_sent {
        let ended = never_sent_end(started.attempt, now);
        shared.journal.record(&id, Event::Ended(ended.clone())).await?;
        attempt::unsent(slot, open, &started, &ended);
        open.history.push(Event::Ended(ended));
    }
    Ok(())
}

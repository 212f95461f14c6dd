//! What the actor of a target begins with: its claim, and all that is open.

use fanfare_sdk::Timestamp;

use super::{Shared, Slot, attempt, starts::never_sent_end};
use crate::{
    journal::{Claim, JournalError, Open},
    report::{Event, Started},
    sabotage::{self, Sabotage},
};

/// Claims the target and reads what is open. What was written down as started and is not in flight was never sent.
pub(super) async fn read(shared: &Shared, slot: &Slot) -> Result<(Claim, Vec<Open>), JournalError> {
    let (journal, now) = (&shared.journal, shared.clock.now());
    // Seen before the histories are read: what has landed by then is in its history.
    let mut in_flight = slot.in_flight();
    in_flight.retain(|_| !sabotage::is(Sabotage::FlightForgotten));
    let claim = journal.claim(&slot.name, shared.boot, now).await?;
    for (id, started) in slot.all_unwritten() {
        let attempt = started.attempt;
        journal.record(&id, Event::Started(started)).await?;
        slot.is_written(&id, attempt);
    }
    let end_of_time = Timestamp::from_micros(i64::MAX);
    // All of them: the journal bounds how many may be open.
    let mut page = journal.due(&claim, end_of_time, usize::MAX).await?;
    for open in &mut page.open {
        let id = open.id();
        let lost = |s: &&Started| !in_flight.contains(&(id.clone(), s.attempt));
        let never_sent: Vec<_> = open.history.in_flight().filter(lost).cloned().collect();
        for started in never_sent {
            let ended = never_sent_end(started.attempt, now);
            journal.record(&id, Event::Ended(ended.clone())).await?;
            attempt::unsent(slot, open, &started, &ended);
            open.history.push(Event::Ended(ended));
        }
    }
    // Their turns are as they came.
    page.open.sort_by_key(|open| (open.broadcast.accepted_at, open.broadcast.id));
    Ok((claim, page.open))
}

//! Dead letters, taken off the list.

use rusqlite::{OptionalExtension, params};
use smallvec::SmallVec;

use super::{error::Stop, store::Store};
use crate::{
    journal::{JournalError, NewBroadcast},
    report::DeliveryId,
};

impl Store {
    /// What is replayed is a dead letter until then, and none from then on.
    pub(super) fn replay(&self, new: &NewBroadcast) -> Result<(), Stop> {
        let Some(original) = new.replay_of else { return Ok(()) };
        let mut letters = SmallVec::<[i64; 4]>::new();
        let mut find = self.connection.prepare_cached(
            "SELECT d.seq FROM broadcast AS b JOIN delivery AS d \
             ON d.seq >= b.seq AND d.seq < b.seq + b.recipients \
             WHERE b.id = $1 AND d.recipient = $2 AND d.dead = 1",
        )?;
        for recipient in &new.recipients {
            let number = self.targets.known(&recipient.recipient);
            let found = find.query_row(params![original.0.as_bytes(), number], |row| row.get(0));
            letters.push(found.optional()?.ok_or(JournalError::NoDeadLetter)?);
        }
        let mut strike =
            self.connection.prepare_cached("UPDATE delivery SET dead = 0 WHERE seq = $1")?;
        for letter in letters {
            strike.execute([letter])?;
        }
        Ok(())
    }

    /// Takes dead letters off the list; says how many were there.
    pub(super) fn discard(&mut self, letters: &[DeliveryId]) -> Result<usize, Stop> {
        let mut statement = self.connection.prepare_cached(
            "UPDATE delivery SET dead = 0 WHERE seq = (SELECT d.seq FROM broadcast AS b \
             JOIN delivery AS d ON d.seq >= b.seq AND d.seq < b.seq + b.recipients \
             WHERE b.id = $1 AND d.recipient = $2) AND dead = 1",
        )?;
        let mut count = 0;
        for letter in letters {
            let number = self.targets.known(&letter.recipient);
            count += statement.execute(params![letter.broadcast.0.as_bytes(), number])?;
        }
        Ok(count)
    }
}

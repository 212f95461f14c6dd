//! Dead letters, taken off the list.

use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;
use uuid::Uuid;

use super::{
    error::{Failure, Stop},
    rows,
    store::Store,
};
use crate::{
    journal::{JournalError, NewBroadcast, Parked},
    report::{BroadcastId, DeliveryId},
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

    /// It is not sent again by itself.
    pub(super) fn unpark(&mut self, letter: &DeliveryId) -> Result<(), Stop> {
        let number = self.targets.known(&letter.recipient);
        self.connection
            .prepare_cached(
                "UPDATE delivery SET parked_until = NULL WHERE seq = (SELECT d.seq FROM broadcast AS b \
                 JOIN delivery AS d ON d.seq >= b.seq AND d.seq < b.seq + b.recipients \
                 WHERE b.id = $1 AND d.recipient = $2)",
            )?
            .execute(params![letter.broadcast.0.as_bytes(), number])?;
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

/// Dead letters that are to be sent again by themselves until then, and when the next one is.
pub(super) fn parked(
    connection: &Connection,
    until: Timestamp,
    count_max: usize,
) -> Result<Parked, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, t.name, d.parked_until FROM delivery AS d \
         JOIN broadcast AS b ON b.seq = d.broadcast JOIN target AS t ON t.number = d.recipient \
         WHERE d.dead = 1 AND d.parked_until IS NOT NULL ORDER BY d.parked_until, d.seq LIMIT $1",
    )?;
    let mut found = statement.query([i64::try_from(count_max).unwrap_or(i64::MAX)])?;
    let mut parked = Parked::default();
    while let Some(row) = found.next()? {
        let at = rows::time(row.get(2)?);
        if at > until {
            parked.next = Some(at);
            break;
        }
        let broadcast = BroadcastId(Uuid::from_bytes(row.get(0)?));
        let recipient = TargetName::from(row.get::<_, String>(1)?);
        parked.letters.push(DeliveryId { broadcast, recipient });
    }
    Ok(parked)
}

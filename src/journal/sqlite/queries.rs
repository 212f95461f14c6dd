//! What is read beside the writer: only what is committed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    broadcasts::{self, Which},
    error::{Failure, Stop},
    rows,
};
use crate::{
    journal::{Claim, DeadLetter, JournalError, NewBroadcast, Open, Page},
    report::{BroadcastId, DeliveryId, History, Report},
};

/// Broadcasts that somebody holds: all deliveries of one share it.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<HashMap<u64, Weak<NewBroadcast>>>);

/// Entries from which on those that nobody holds any more are looked for.
const SWEEP_FROM: usize = 1_024;

impl Held {
    fn get(&self, seq: u64) -> Option<Arc<NewBroadcast>> {
        self.lock().get(&seq).and_then(Weak::upgrade)
    }

    fn put(&self, seq: u64, broadcast: &Arc<NewBroadcast>) {
        let mut held = self.lock();
        if held.len() >= SWEEP_FROM && held.len() == held.capacity() {
            held.retain(|_, broadcast| broadcast.strong_count() > 0);
        }
        held.insert(seq, Arc::downgrade(broadcast));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Weak<NewBroadcast>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The open deliveries of a claimed target that are due.
pub(super) fn due(
    connection: &Connection,
    held: &Held,
    claim: &Claim,
    (until, count_max): (Timestamp, usize),
) -> Result<Page, Stop> {
    let serving = fenced(connection, claim)?;
    let mut statement = connection.prepare_cached(
        "SELECT seq, broadcast, due_at, events FROM delivery \
         WHERE serving = $1 AND settled_at IS NULL ORDER BY due_at, seq LIMIT $2",
    )?;
    let count = i64::try_from(count_max).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = statement.query(params![serving, count])?;
    let mut page = Page::default();
    while let Some(row) = found.next()? {
        let due = rows::time(row.get(2)?);
        if due > until || page.open.len() == count_max {
            page.next_due = Some(due);
            break;
        }
        let (seq, first): (i64, i64) = (row.get(0)?, row.get(1)?);
        let history = match row.get::<_, i64>(3)? {
            0 => History::default(),
            _ => broadcasts::history(connection, seq.cast_unsigned())?,
        };
        page.open.push(Open {
            broadcast: broadcast(connection, held, first.cast_unsigned())?,
            place: usize::try_from(seq - first).unwrap_or(usize::MAX),
            serving: claim.serving.clone(),
            history,
            due,
        });
    }
    Ok(page)
}

fn fenced(connection: &Connection, claim: &Claim) -> Result<i64, Stop> {
    let mut statement =
        connection.prepare_cached("SELECT number FROM target WHERE name = $1 AND epoch = $2")?;
    let number = statement
        .query_row(params![claim.serving.as_str(), claim.epoch.cast_signed()], |row| row.get(0))
        .optional()?;
    number.ok_or(Stop::Refused(JournalError::Fenced))
}

fn broadcast(connection: &Connection, held: &Held, seq: u64) -> Result<Arc<NewBroadcast>, Failure> {
    if let Some(broadcast) = held.get(seq) {
        return Ok(broadcast);
    }
    let record = broadcasts::read(connection, Which::Seq(seq))?;
    let record = record.ok_or_else(|| Failure::corrupt("a delivery belongs to no broadcast"))?;
    held.put(seq, &record.broadcast);
    Ok(record.broadcast)
}

pub(super) fn view(connection: &Connection, id: BroadcastId) -> Result<Option<Report>, Failure> {
    Ok(broadcasts::read(connection, Which::Id(id))?.map(|record| record.report()))
}

pub(super) fn open_broadcasts(
    connection: &Connection,
) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT id, deadline FROM broadcast WHERE settled_at IS NULL ORDER BY seq",
    )?;
    let mut found = statement.query([])?;
    let mut open = Vec::new();
    while let Some(row) = found.next()? {
        let deadline: Option<i64> = row.get(1)?;
        open.push((BroadcastId(Uuid::from_bytes(row.get(0)?)), deadline.map(rows::time)));
    }
    Ok(open)
}

pub(super) fn dead_letters(
    connection: &Connection,
    count_max: usize,
) -> Result<Vec<DeadLetter>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, t.name, d.ended, d.settled_at FROM delivery AS d \
         JOIN broadcast AS b ON b.seq = d.broadcast JOIN target AS t ON t.number = d.recipient \
         WHERE d.dead = 1 ORDER BY d.settled_at DESC, d.seq DESC LIMIT $1",
    )?;
    let mut found = statement.query([i64::try_from(count_max).unwrap_or(i64::MAX)])?;
    let mut letters = Vec::new();
    while let Some(row) = found.next()? {
        let recipient = TargetName::from(row.get::<_, String>(1)?);
        letters.push(DeadLetter {
            id: DeliveryId { broadcast: BroadcastId(Uuid::from_bytes(row.get(0)?)), recipient },
            outcome: rows::from_json(&row.get::<_, String>(2)?)?,
            settled_at: rows::time(row.get(3)?),
        });
    }
    Ok(letters)
}

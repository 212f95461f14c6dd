//! A broadcast as a whole: taken out of a file, and put back into one.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::{
    broadcasts::{self, Which},
    error::Failure,
    notices,
    seals::Seals,
    targets::Targets,
    writing::{self, Row},
};
use crate::{
    journal::ledger::Record,
    report::{Outcome, Verdict},
};

/// All that a file has of one broadcast.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) record: Record,
    pub(super) settled_at: Option<i64>,
    /// By place: those that are dead letters still.
    pub(super) dead: Vec<bool>,
}

/// The broadcast of that number; none where there is none.
pub(super) fn read(
    connection: &Connection,
    seals: &Seals,
    seq: u64,
) -> Result<Option<Whole>, Failure> {
    let Some((record, _)) = broadcasts::read(connection, seals, Which::Seq(seq))? else {
        return Ok(None);
    };
    let seq = seq.cast_signed();
    let settled_at = connection
        .prepare_cached("SELECT settled_at FROM broadcast WHERE seq = $1")?
        .query_row([seq], |row| row.get(0))?;
    let end = seq + i64::try_from(record.slots.len()).unwrap_or(i64::MAX);
    let mut dead = connection
        .prepare_cached("SELECT dead FROM delivery WHERE seq >= $1 AND seq < $2 ORDER BY seq")?;
    let dead = dead.query_map([seq, end], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Some(Whole { record, settled_at, dead }))
}

/// Writes it under that number, where nothing stands. Whom it names is known, and numbered, in `targets`.
pub(super) fn write(
    connection: &Connection,
    seals: &Seals,
    targets: &mut Targets,
    whole: &Whole,
    seq: u64,
) -> Result<(), Failure> {
    let broadcast = Arc::clone(&whole.record.broadcast);
    let key = writing::insert(connection, seals, targets, &broadcast, seq)?;
    for (place, slot) in whole.record.slots.iter().enumerate() {
        let number = seq + place as u64;
        let row = Row { seq: number, broadcast: broadcast.id, place, key: key.as_ref() };
        writing::write_slot(connection, row, slot, &mut 0)?;
        connection
            .prepare_cached("UPDATE delivery SET dead = $1 WHERE seq = $2")?
            .execute(params![whole.dead.get(place), number.cast_signed()])?;
    }
    notices::promise(connection, targets, &whole.record, seq)?;
    let verdict = whole.record.verdict;
    connection
        .prepare_cached(
            "UPDATE broadcast SET satisfied = $1, completed_by = $2, verdict_at = $3, \
             settled_at = $4 WHERE seq = $5",
        )?
        .execute(params![
            verdict.map(|it: Verdict| it.satisfied),
            verdict.map(|it| it.by.code()),
            verdict.map(|it| it.at.as_micros()),
            whole.settled_at,
            seq.cast_signed(),
        ])?;
    Ok(())
}

/// Takes one out: its number, and how many recipients it has.
pub(super) fn forget(
    connection: &Connection,
    (seq, recipients): (i64, i64),
) -> Result<(), Failure> {
    for sql in [
        "DELETE FROM event WHERE delivery >= $1 AND delivery < $2",
        "DELETE FROM delivery WHERE seq >= $1 AND seq < $2",
    ] {
        connection.prepare_cached(sql)?.execute([seq, seq + recipients])?;
    }
    for sql in [
        "DELETE FROM payload WHERE broadcast = $1",
        "DELETE FROM notice WHERE broadcast = $1",
        "DELETE FROM broadcast WHERE seq = $1",
    ] {
        connection.prepare_cached(sql)?.execute([seq])?;
    }
    Ok(())
}

/// Whether an outcome makes a dead letter.
pub(super) fn is_dead_letter(outcome: Option<Outcome>) -> bool {
    outcome.is_some_and(|outcome| outcome.is_dead_letter())
}

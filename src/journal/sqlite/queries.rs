//! What is read beside the writer: only what is committed.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    broadcasts::{self, Which},
    error::{Failure, Stop},
    notices, rows,
    seals::Seals,
};
use crate::{
    journal::{
        BroadcastFilter, Claim, DeadLetter, DeadLetterFilter, JournalError, Letters, Mark,
        NewBroadcast, Open, Page, Summary,
        ledger::{self, Due, Rank},
    },
    policy::gate::GateSnapshot,
    report::{BroadcastId, DeliveryId, History, Priority, Report, Said},
};

/// What those who read have in common.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) seals: Arc<Seals>,
    /// Broadcasts that somebody holds: all deliveries of one share it.
    broadcasts: Mutex<HashMap<u64, Weak<NewBroadcast>>>,
    /// Deliveries that cannot be read: they wait for the next start, and the others do not wait for them.
    aside: Mutex<BTreeSet<u64>>,
}

/// Deliveries that are set aside at most. With more of them, it is not one row that was changed, but the file.
const ASIDE_MAX: usize = 1_000;

/// Entries from which on those that nobody holds any more are looked for.
const SWEEP_FROM: usize = 1_024;

impl Held {
    pub(super) fn new(seals: Arc<Seals>) -> Self {
        Self { seals, broadcasts: Mutex::default(), aside: Mutex::default() }
    }

    /// Sets a delivery aside, where only that is concerned.
    fn set_aside(&self, seq: u64, failure: Failure) -> Result<(), Failure> {
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if !failure.is_of_one() || aside.len() >= ASIDE_MAX {
            return Err(failure);
        }
        aside.insert(seq);
        let count = aside.len();
        tracing::error!(target: "fanfare", error = %failure.says, count, "a delivery cannot be read, and is set aside");
        Ok(())
    }

    /// A condition that leaves out what is set aside.
    fn without_aside(&self, column: &str) -> String {
        let aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        if aside.is_empty() {
            return String::new();
        }
        let aside: Vec<_> = aside.iter().map(ToString::to_string).collect();
        format!("AND {column} NOT IN ({})", aside.join(","))
    }

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
        self.broadcasts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The open deliveries of a claimed target that are due, and can be read.
pub(super) fn due(
    connection: &Connection,
    held: &Held,
    claim: &Claim,
    until: (Timestamp, usize),
) -> Result<Page, Stop> {
    let serving = fenced(connection, claim)?;
    // Where some had to be set aside, others may have their place. At most so many are.
    loop {
        if let Some(page) = page(connection, held, serving, until)? {
            return Ok(page);
        }
    }
}

/// None where some had to be set aside.
fn page(
    connection: &Connection,
    held: &Held,
    serving: i64,
    (until, count_max): (Timestamp, usize),
) -> Result<Option<Page>, Stop> {
    let mut page = Page::default();
    let sql = due_sql(&held.without_aside("d.seq"));
    let mut due = candidates(connection, (&sql, serving), (until, count_max))?;
    if due.len() > count_max {
        let mut statement = connection.prepare_cached(
            "SELECT 1 FROM delivery \
             WHERE recipient = $1 AND order_key IS NOT NULL AND settled_at IS NULL",
        )?;
        page.is_keyed = statement.exists([serving])?;
        if page.is_keyed {
            let sql = first_sql(&held.without_aside("d.seq"), &held.without_aside("e.seq"));
            due = candidates(connection, (&sql, serving), (until, count_max))?;
        }
    }
    let (due, rest) = ledger::choose(due, count_max);
    let later = later(connection, serving, until)?;
    page.next_due = [rest.map(|rank| rank.due), later].into_iter().flatten().min();
    let mut is_whole = true;
    for one in due {
        match open(connection, held, one.rank.order) {
            Ok(open) => page.open.extend(open),
            Err(failure) => {
                held.set_aside(one.rank.order, failure)?;
                is_whole = false;
            }
        }
    }
    Ok(is_whole.then_some(page))
}

fn due_sql(without: &str) -> String {
    format!(
        "SELECT due_at, seq FROM delivery AS d \
         WHERE serving = $1 AND priority = $2 AND settled_at IS NULL AND due_at <= $3 {without} \
         ORDER BY due_at, seq LIMIT $4"
    )
}

/// Only the first one with each order key.
fn first_sql(without: &str, without_before: &str) -> String {
    format!(
        "SELECT due_at, seq FROM delivery AS d \
         WHERE serving = $1 AND priority = $2 AND settled_at IS NULL AND due_at <= $3 {without} \
         AND (order_key IS NULL OR recipient <> serving OR NOT EXISTS (SELECT 1 FROM delivery AS e \
             WHERE e.recipient = d.recipient AND e.order_key = d.order_key AND e.settled_at IS NULL \
             AND e.serving = e.recipient AND e.seq < d.seq {without_before})) \
         ORDER BY due_at, seq LIMIT $4"
    )
}

/// What is due first, of each priority as many as there may be at most, and one more.
fn candidates(
    connection: &Connection,
    (sql, serving): (&str, i64),
    (until, count_max): (Timestamp, usize),
) -> Result<Vec<Due>, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut due = Vec::new();
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        let until = until.as_micros();
        let mut found =
            statement.query(params![serving, priority as i64, until, one_more(count_max)])?;
        while let Some(row) = found.next()? {
            let order = row.get::<_, i64>(1)?.cast_unsigned();
            due.push(Due { rank: Rank { due: rows::time(row.get(0)?), order }, priority });
        }
    }
    Ok(due)
}

/// When the first one is due after that time.
fn later(
    connection: &Connection,
    serving: i64,
    until: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT min(due_at) FROM delivery \
         WHERE serving = $1 AND priority = $2 AND settled_at IS NULL AND due_at > $3",
    )?;
    let mut first = None;
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        let found: Option<i64> = statement
            .query_row(params![serving, priority as i64, until.as_micros()], |row| row.get(0))?;
        first = [first, found.map(rows::time)].into_iter().flatten().min();
    }
    Ok(first)
}

/// One delivery; none where it is not known, or has settled.
pub(super) fn delivery(
    connection: &Connection,
    held: &Held,
    id: &DeliveryId,
) -> Result<Option<Open>, Failure> {
    match numbers(connection, id)? {
        Some((_, seq)) => open(connection, held, seq),
        None => Ok(None),
    }
}

/// What the API said at the end of its last attempt.
pub(super) fn said_last(
    connection: &Connection,
    seals: &Seals,
    id: &DeliveryId,
) -> Result<Option<Said>, Failure> {
    match numbers(connection, id)? {
        Some(numbers) => Ok(Said::last(&broadcasts::history(connection, seals, numbers)?)),
        None => Ok(None),
    }
}

/// The numbers of the first delivery of its broadcast and of itself.
fn numbers(connection: &Connection, id: &DeliveryId) -> Result<Option<(u64, u64)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.seq, d.seq FROM broadcast AS b JOIN delivery AS d \
         ON d.seq >= b.seq AND d.seq < b.seq + b.recipients JOIN target AS t \
         ON t.number = d.recipient WHERE b.id = $1 AND t.name = $2",
    )?;
    let found = statement
        .query_row(params![id.broadcast.0.as_bytes(), id.recipient.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        })
        .optional()?;
    Ok(found)
}

/// The delivery of that number; none where it has settled.
fn open(connection: &Connection, held: &Held, seq: u64) -> Result<Option<Open>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT d.broadcast, d.due_at, d.events, t.name FROM delivery AS d \
         JOIN target AS t ON t.number = d.serving WHERE d.seq = $1 AND d.settled_at IS NULL",
    )?;
    let found = statement.query_row([seq.cast_signed()], |row| {
        let first = row.get::<_, i64>(0)?.cast_unsigned();
        Ok((first, rows::time(row.get(1)?), row.get::<_, i64>(2)?, row.get::<_, String>(3)?))
    });
    let Some((first, due, events, serving)) = found.optional()? else { return Ok(None) };
    let history = match events {
        0 => History::default(),
        _ => broadcasts::history(connection, &held.seals, (first, seq))?,
    };
    Ok(Some(Open {
        broadcast: broadcast(connection, held, first)?,
        place: usize::try_from(seq - first).unwrap_or(usize::MAX),
        serving: TargetName::from(serving),
        history,
        due,
    }))
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
    let read = broadcasts::read(connection, &held.seals, Which::Seq(seq))?;
    let (record, _) = read.ok_or_else(|| Failure::corrupt("a delivery belongs to no broadcast"))?;
    held.put(seq, &record.broadcast);
    Ok(record.broadcast)
}

pub(super) fn view(
    connection: &Connection,
    seals: &Seals,
    id: BroadcastId,
) -> Result<Option<Report>, Failure> {
    Ok(broadcasts::read(connection, seals, Which::Id(id))?.map(|(record, _)| record.report()))
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
        open.push((id(row.get(0)?), deadline.map(rows::time)));
    }
    Ok(open)
}

/// Dead letters that fit, from the mark on; the newest first.
pub(super) fn dead_letters(
    connection: &Connection,
    filter: &DeadLetterFilter,
    (from, count_max): (Option<Mark>, usize),
) -> Result<Letters, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, t.name, b.route, d.ended, d.settled_at, d.seq, d.parked_until FROM delivery AS d \
         JOIN broadcast AS b ON b.seq = d.broadcast JOIN target AS t ON t.number = d.recipient \
         WHERE d.dead = 1 AND (d.settled_at, d.seq) <= ($1, $2) \
         AND ($3 IS NULL OR b.id = $3) AND ($4 IS NULL OR t.name = $4) \
         AND ($5 IS NULL OR b.route = $5) AND ($6 IS NULL OR d.outcome = $6) \
         AND ($7 IS NULL OR d.reason = $7) AND ($8 IS NULL OR d.settled_at >= $8) \
         AND ($9 IS NULL OR d.settled_at < $9) \
         AND ($10 IS NULL OR b.route IN (SELECT value FROM json_each($10))) \
         ORDER BY d.settled_at DESC, d.seq DESC LIMIT $11",
    )?;
    let last = Mark { at: Timestamp::from_micros(i64::MAX), order: u64::MAX >> 1 };
    let from = from.unwrap_or(last);
    let mut found = statement.query(params![
        from.at.as_micros(),
        from.order.cast_signed(),
        filter.broadcast.map(|id| id.0.into_bytes()),
        filter.target.as_ref().map(TargetName::as_str),
        filter.route,
        filter.outcome,
        filter.reason,
        filter.from.map(Timestamp::as_micros),
        filter.until.map(Timestamp::as_micros),
        routes(&filter.routes),
        one_more(count_max),
    ])?;
    let mut page = Letters::default();
    while let Some(row) = found.next()? {
        let settled_at = rows::time(row.get(4)?);
        if page.letters.len() == count_max {
            let order = row.get::<_, i64>(5)?.cast_unsigned();
            page.next = Some(Mark { at: settled_at, order });
            break;
        }
        let recipient = TargetName::from(row.get::<_, String>(1)?);
        let parked_until: Option<i64> = row.get(6)?;
        page.letters.push(DeadLetter {
            parked_until: parked_until.map(rows::time),
            id: DeliveryId { broadcast: id(row.get(0)?), recipient },
            route: row.get(2)?,
            outcome: rows::from_json(&row.get::<_, String>(3)?)?,
            settled_at,
        });
    }
    Ok(page)
}

/// Routes, as a statement takes several.
fn routes(routes: &Option<Vec<String>>) -> Option<String> {
    routes.as_ref().map(|routes| serde_json::json!(routes).to_string())
}

/// Broadcasts that fit; the newest first.
pub(super) fn broadcasts(
    connection: &Connection,
    filter: &BroadcastFilter,
    (before, count_max): (Option<BroadcastId>, usize),
) -> Result<Vec<Summary>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, b.route, b.accepted_at, b.satisfied, b.completed_by, b.verdict_at, \
         b.settled_at, b.replay_of, b.notice_of, b.occasion FROM broadcast AS b \
         WHERE ($1 IS NULL OR b.seq < (SELECT seq FROM broadcast WHERE id = $1)) \
         AND ($2 IS NULL OR b.route = $2) \
         AND ($3 IS NULL OR EXISTS (SELECT 1 FROM delivery AS d JOIN target AS t \
             ON t.number = d.recipient WHERE d.seq >= b.seq AND d.seq < b.seq + b.recipients \
             AND t.name = $3)) \
         AND ($4 IS NULL OR (b.settled_at IS NOT NULL) = $4) \
         AND ($5 IS NULL OR b.satisfied = $5) \
         AND ($6 IS NULL OR b.accepted_at >= $6) AND ($7 IS NULL OR b.accepted_at < $7) \
         AND ($8 IS NULL OR b.route IN (SELECT value FROM json_each($8))) \
         ORDER BY b.seq DESC LIMIT $9",
    )?;
    let mut found = statement.query(params![
        before.map(|id| id.0.into_bytes()),
        filter.route,
        filter.target.as_ref().map(TargetName::as_str),
        filter.settled,
        filter.satisfied,
        filter.from.map(Timestamp::as_micros),
        filter.until.map(Timestamp::as_micros),
        routes(&filter.routes),
        i64::try_from(count_max).unwrap_or(i64::MAX),
    ])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(Summary {
            id: id(row.get(0)?),
            route: row.get(1)?,
            accepted_at: rows::time(row.get(2)?),
            verdict: rows::verdict(row, 3)?,
            settled_at: row.get::<_, Option<i64>>(6)?.map(rows::time),
            replay_of: row.get::<_, Option<[u8; 16]>>(7)?.map(id),
            notice_of: notices::notice_of(row, 8)?,
        });
    }
    Ok(all)
}

/// The broadcast with its payload; none where that is not kept (any more).
pub(super) fn sent(
    connection: &Connection,
    seals: &Seals,
    id: BroadcastId,
) -> Result<Option<Arc<NewBroadcast>>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM payload WHERE broadcast = (SELECT seq FROM broadcast WHERE id = $1)",
    )?;
    if !statement.exists([id.0.as_bytes()])? {
        return Ok(None);
    }
    Ok(broadcasts::read(connection, seals, Which::Id(id))?.map(|(record, _)| record.broadcast))
}

/// How many deliveries are open, by the target that serves them.
pub(super) fn serving(connection: &Connection) -> Result<Vec<(TargetName, u64)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT t.name, count(*) FROM delivery AS d JOIN target AS t ON t.number = d.serving \
         WHERE d.settled_at IS NULL GROUP BY d.serving ORDER BY t.number",
    )?;
    let mut found = statement.query([])?;
    let mut serving = Vec::new();
    while let Some(row) = found.next()? {
        let count = row.get::<_, i64>(1)?.cast_unsigned();
        serving.push((TargetName::from(row.get::<_, String>(0)?), count));
    }
    Ok(serving)
}

/// What was kept of the gates. What cannot be read any more is forgotten, and said.
pub(super) fn gates(connection: &Connection) -> Result<Vec<(TargetName, GateSnapshot)>, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT name, gate FROM target WHERE gate IS NOT NULL ORDER BY number")?;
    let mut found = statement.query([])?;
    let mut gates = Vec::new();
    while let Some(row) = found.next()? {
        let name = TargetName::from(row.get::<_, String>(0)?);
        match rows::from_json(&row.get::<_, String>(1)?) {
            Ok(kept) => gates.push((name, kept)),
            Err(failure) => {
                tracing::warn!(target: "fanfare", %name, error = %failure.says, "a gate begins anew");
            }
        }
    }
    Ok(gates)
}

fn id(bytes: [u8; 16]) -> BroadcastId {
    BroadcastId(Uuid::from_bytes(bytes))
}

/// To see whether there are more.
fn one_more(count_max: usize) -> i64 {
    i64::try_from(count_max).unwrap_or(i64::MAX).saturating_add(1)
}

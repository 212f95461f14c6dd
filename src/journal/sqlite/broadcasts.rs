//! Reading whole broadcasts.

use std::sync::Arc;

use fanfare_sdk::TargetName;
use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;

use super::{
    error::Failure,
    rows::{self, BROADCAST, BroadcastRow},
};
use crate::{
    journal::{
        NewBroadcast, NewDelivery,
        ledger::{Record, Slot},
    },
    report::{BroadcastId, History},
};

/// Which one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    Id(BroadcastId),
    Seq(u64),
}

/// The broadcast; none where it is not there.
pub(super) fn read(connection: &Connection, which: Which) -> Result<Option<Record>, Failure> {
    let Some(BroadcastRow { seq, broadcast, verdict, settled }) = head(connection, which)? else {
        return Ok(None);
    };
    let (recipients, mut slots) = deliveries(connection, seq)?;
    let broadcast = NewBroadcast { recipients, ..broadcast };
    histories(connection, seq, &mut slots)?;
    Ok(Some(Record::restore(Arc::new(broadcast), slots, seq, (verdict, settled))))
}

fn head(connection: &Connection, which: Which) -> Result<Option<BroadcastRow>, Failure> {
    let from = "FROM broadcast AS b LEFT JOIN payload AS p ON p.broadcast = b.seq";
    let found = match which {
        Which::Id(id) => connection
            .prepare_cached(&format!("SELECT {BROADCAST} {from} WHERE b.id = $1"))?
            .query_row([id.0.as_bytes()], |row| Ok(rows::broadcast(row)))
            .optional()?,
        Which::Seq(seq) => connection
            .prepare_cached(&format!("SELECT {BROADCAST} {from} WHERE b.seq = $1"))?
            .query_row([seq.cast_signed()], |row| Ok(rows::broadcast(row)))
            .optional()?,
    };
    found.transpose()
}

type Slots = SmallVec<[Slot; 1]>;

fn deliveries(connection: &Connection, seq: u64) -> Result<(Vec<NewDelivery>, Slots), Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT t.name, d.required, d.skipped, d.seed, d.span_id, d.expires_at, d.order_key, \
         d.carried, d.serving, d.due_at, d.ended, d.settled_at \
         FROM delivery AS d JOIN target AS t ON t.number = d.recipient \
         WHERE d.broadcast = $1 AND d.seq >= $1 \
         ORDER BY d.seq LIMIT (SELECT recipients FROM broadcast WHERE seq = $1)",
    )?;
    let mut found = statement.query([seq.cast_signed()])?;
    let (mut recipients, mut slots) = (Vec::new(), Slots::new());
    while let Some(row) = found.next()? {
        let carried: Option<String> = row.get(7)?;
        let order_key: Option<String> = row.get(6)?;
        recipients.push(NewDelivery {
            recipient: TargetName::from(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?),
            required: row.get(1)?,
            skipped: row.get(2)?,
            seed: row.get::<_, i64>(3)?.cast_unsigned(),
            span_id: row.get::<_, i64>(4)?.to_be_bytes(),
            expires: rows::time(row.get(5)?),
            order_key: order_key.map(Arc::from),
            carried: carried.map(|text| rows::from_json(&text).map(Arc::new)).transpose()?,
        });
        let ended: Option<String> = row.get(10)?;
        let ended = ended.map(|text| rows::from_json(&text)).transpose()?;
        let settled_at = row.get::<_, Option<i64>>(11)?.map(rows::time);
        slots.push(Slot {
            serving: row.get(8)?,
            history: History::default(),
            due: rows::time(row.get(9)?),
            settled: ended.zip(settled_at),
        });
    }
    Ok((recipients, slots))
}

fn histories(connection: &Connection, seq: u64, slots: &mut Slots) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, event, body FROM event WHERE delivery >= $1 AND delivery < $2 \
         ORDER BY delivery, number",
    )?;
    let end = seq + slots.len() as u64;
    let mut found = statement.query(params![seq.cast_signed(), end.cast_signed()])?;
    while let Some(row) = found.next()? {
        let delivery = row.get::<_, i64>(0)?.cast_unsigned();
        let slot = usize::try_from(delivery - seq).ok().and_then(|place| slots.get_mut(place));
        let slot = slot.ok_or_else(|| Failure::corrupt("an event belongs to no delivery"))?;
        slot.history.push(rows::read_event(row, 1)?);
    }
    Ok(())
}

/// What happened to one delivery.
pub(super) fn history(connection: &Connection, delivery: u64) -> Result<History, Failure> {
    let mut statement = connection
        .prepare_cached("SELECT event, body FROM event WHERE delivery = $1 ORDER BY number")?;
    let mut found = statement.query([delivery.cast_signed()])?;
    let mut history = History::default();
    while let Some(row) = found.next()? {
        history.push(rows::read_event(row, 0)?);
    }
    Ok(history)
}

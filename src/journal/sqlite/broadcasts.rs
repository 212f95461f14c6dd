//! Reading whole broadcasts.

use std::sync::Arc;

use fanfare_sdk::TargetName;
use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;

use super::{
    crypto::DataKey,
    error::Failure,
    notices,
    rows::{self, BroadcastRow, Opener, PrivateDelivery},
    seals::{KEY, Seals},
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

/// The broadcast, and what seals it; none where it is not there.
pub(super) fn read(
    connection: &Connection,
    seals: &Seals,
    which: Which,
) -> Result<Option<(Record, Option<DataKey>)>, Failure> {
    let Some(BroadcastRow { seq, broadcast, verdict, settled, key, deliveries: private }) =
        head(connection, seals, which)?
    else {
        return Ok(None);
    };
    let (mut recipients, mut slots) = deliveries(connection, seq)?;
    for (recipient, PrivateDelivery { order_key, carried }) in recipients.iter_mut().zip(private) {
        (recipient.order_key, recipient.carried) = (order_key, carried);
    }
    let broadcast = NewBroadcast { recipients, ..broadcast };
    histories(connection, (seq, broadcast.id), key.as_ref(), &mut slots)?;
    let told = notices::told(connection, seq, &broadcast)?;
    let state = (verdict, settled, told);
    Ok(Some((Record::restore(Arc::new(broadcast), slots, seq, state), key)))
}

fn head(
    connection: &Connection,
    seals: &Seals,
    which: Which,
) -> Result<Option<BroadcastRow>, Failure> {
    let columns = rows::columns();
    let from = "FROM broadcast AS b LEFT JOIN payload AS p ON p.broadcast = b.seq";
    let found = match which {
        Which::Id(id) => connection
            .prepare_cached(&format!("SELECT {columns} {from} WHERE b.id = $1"))?
            .query_row([id.0.as_bytes()], |row| Ok(rows::broadcast(row, seals)))
            .optional()?,
        Which::Seq(seq) => connection
            .prepare_cached(&format!("SELECT {columns} {from} WHERE b.seq = $1"))?
            .query_row([seq.cast_signed()], |row| Ok(rows::broadcast(row, seals)))
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

fn histories(
    connection: &Connection,
    (seq, broadcast): (u64, BroadcastId),
    key: Option<&DataKey>,
    slots: &mut Slots,
) -> Result<(), Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT delivery, number, event, body FROM event WHERE delivery >= $1 AND delivery < $2 \
         ORDER BY delivery, number",
    )?;
    let end = seq + slots.len() as u64;
    let mut found = statement.query(params![seq.cast_signed(), end.cast_signed()])?;
    while let Some(row) = found.next()? {
        let delivery = row.get::<_, i64>(0)?.cast_unsigned();
        let slot = usize::try_from(delivery - seq).ok().and_then(|place| slots.get_mut(place));
        let slot = slot.ok_or_else(|| Failure::corrupt("an event belongs to no delivery"))?;
        let opener = key.map(|key| Opener { key, broadcast, place: delivery - seq });
        slot.history.push(rows::read_event(row, 1, opener)?);
    }
    Ok(())
}

/// What happened to one delivery of the broadcast that is numbered `first`.
pub(super) fn history(
    connection: &Connection,
    seals: &Seals,
    (first, delivery): (u64, u64),
) -> Result<History, Failure> {
    let sql = format!("SELECT b.id, {KEY} FROM broadcast AS b WHERE b.seq = $1");
    let (broadcast, key) =
        connection.prepare_cached(&sql)?.query_row([first.cast_signed()], |row| {
            let id = BroadcastId(uuid::Uuid::from_bytes(row.get(0)?));
            Ok((id, seals.key(id, row, 1)))
        })?;
    let key = key?;
    let opener = key.as_ref().map(|key| Opener { key, broadcast, place: delivery - first });
    let mut statement = connection.prepare_cached(
        "SELECT number, event, body FROM event WHERE delivery = $1 ORDER BY number",
    )?;
    let mut found = statement.query([delivery.cast_signed()])?;
    let mut history = History::default();
    while let Some(row) = found.next()? {
        history.push(rows::read_event(row, 0, opener)?);
    }
    Ok(history)
}

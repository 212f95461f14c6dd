//! What is accepted, and what has changed, as rows: sealed where there is a key.

use fanfare_sdk::Timestamp;
use rusqlite::{Connection, params};

use super::{
    crypto::{Column, DataKey},
    error::Failure,
    rows::{self, Opener},
    seals::{Seals, Wrapped},
    targets::Targets,
};
use crate::{
    journal::{
        NewBroadcast,
        ledger::{self, Books, Slot},
    },
    report::{BroadcastId, Outcome},
};

/// Writes a broadcast that was not there before. Gives what its events are to be sealed with.
pub(super) fn insert(
    connection: &Connection,
    seals: &Seals,
    targets: &mut Targets,
    new: &NewBroadcast,
    seq: u64,
) -> Result<Option<DataKey>, Failure> {
    let drawn = seals.draw()?;
    insert_head(connection, (seals, drawn.as_ref()), new, seq)?;
    let bytes: &[u8] = new.payload.bytes();
    let content_type = new.payload.content_type();
    let sealed = match &drawn {
        Some(it) => Some(it.key.seal(new.id, Column::Payload(content_type), &[bytes])?),
        None => None,
    };
    connection
        .prepare_cached("INSERT INTO payload (broadcast, content_type, bytes) VALUES ($1, $2, $3)")?
        .execute(params![seq.cast_signed(), content_type, sealed.as_deref().unwrap_or(bytes)])?;
    let mut delivery = connection.prepare_cached(
        "INSERT INTO delivery (seq, broadcast, recipient, required, skipped, seed, span_id, \
         expires_at, priority, order_key, carried, serving, due_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $3, $12)",
    )?;
    for (place, one) in (0..).zip(&new.recipients) {
        let number = targets.number(&one.recipient);
        let order_key = one.order_key.as_deref();
        let hashed = order_key.and_then(|key| seals.name("order key", key));
        let carried = one.carried.as_deref().filter(|_| drawn.is_none());
        delivery.execute(params![
            (seq + place).cast_signed(),
            seq.cast_signed(),
            number,
            one.required,
            one.skipped,
            one.seed.cast_signed(),
            i64::from_be_bytes(one.span_id),
            one.expires.as_micros(),
            new.priority as i64,
            hashed.as_deref().or(order_key),
            carried.map(rows::json).transpose()?,
            new.accepted_at.as_micros(),
        ])?;
    }
    targets.write_names(connection)?;
    Ok(drawn.map(|it| it.key))
}

fn insert_head(
    connection: &Connection,
    (seals, drawn): (&Seals, Option<&Wrapped>),
    new: &NewBroadcast,
    seq: u64,
) -> Result<(), Failure> {
    let key = new.caller_key.as_ref();
    let hashed = key.and_then(|key| seals.name("caller key", &key.key));
    let fingerprint = key.and_then(|key| seals.fingerprint(&key.fingerprint));
    let sealed = match drawn {
        Some(it) => Some(it.key.seal(new.id, Column::Pinned, &[rows::private(new)?.as_bytes()])?),
        None => None,
    };
    let pinned = if drawn.is_some() { String::new() } else { rows::pinned(new)? };
    connection
        .prepare_cached(
            "INSERT INTO broadcast (seq, id, recipients, route, accepted_at, deadline, pinned, \
             caller_key, fingerprint, replay_of, master, wrapped, sealed, notice_of, occasion) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )?
        .execute(params![
            seq.cast_signed(),
            new.id.0.as_bytes(),
            ledger::small(new.recipients.len()),
            new.route,
            new.accepted_at.as_micros(),
            new.deadline.map(Timestamp::as_micros),
            pinned,
            hashed.as_deref().or(key.map(|key| key.key.as_str())),
            fingerprint.or(key.map(|key| key.fingerprint)),
            new.replay_of.map(|id| id.0.into_bytes()),
            drawn.map(|it| it.master.0),
            drawn.map(|it| it.wrapped),
            sealed,
            new.notice_of.map(|of| of.broadcast.0.into_bytes()),
            new.notice_of.map(|of| of.occasion.code()),
        ])?;
    Ok(())
}

/// Which delivery, and what its events are sealed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) seq: u64,
    pub(super) broadcast: BroadcastId,
    pub(super) place: usize,
    pub(super) key: Option<&'a DataKey>,
}

/// Writes what has changed of a delivery.
pub(super) fn write_slot(
    connection: &Connection,
    row: Row<'_>,
    slot: &Slot,
    written: &mut usize,
) -> Result<(), Failure> {
    let seq = row.seq;
    let events = slot.history.events();
    for (number, event) in events.iter().enumerate().skip(*written) {
        let number = ledger::small(number);
        let mut insert = connection.prepare_cached(
            "INSERT INTO event (delivery, number, event, body) VALUES ($1, $2, $3, $4)",
        )?;
        if let Some(key) = row.key {
            let to = Opener { key, broadcast: row.broadcast, place: row.place as u64 };
            let sealed = rows::sealed_event(event, number, to)?;
            insert.execute(params![seq.cast_signed(), number, "", sealed])?;
        } else {
            let (text, body) = rows::event(event)?;
            insert.execute(params![seq.cast_signed(), number, text, body])?;
        }
    }
    *written = events.len();
    let outcome = slot.settled.map(|(outcome, _)| outcome);
    connection
        .prepare_cached(
            "UPDATE delivery SET serving = $1, due_at = $2, events = $3, boot = $4, outcome = $5, \
             reason = $6, ended = $7, settled_at = $8, dead = $9, parked_until = $10 WHERE seq = $11",
        )?
        .execute(params![
            slot.serving,
            slot.due.as_micros(),
            ledger::small(events.len()),
            if outcome.is_none() { rows::boot(&slot.history) } else { None },
            outcome.map(Outcome::code),
            outcome.and_then(Outcome::reason),
            outcome.as_ref().map(rows::json).transpose()?,
            slot.settled.map(|(_, at)| at.as_micros()),
            outcome.is_some_and(|outcome| outcome.is_dead_letter()),
            outcome.and(slot.history.parked_until()).map(Timestamp::as_micros),
            seq.cast_signed(),
        ])?;
    Ok(())
}

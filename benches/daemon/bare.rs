//! The rival: the same rows in the same tables, committed in groups by one thread, and nothing else.

use std::{
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use rusqlite::{Connection, params};

use crate::{Res, now};

const SCHEMA: &str = include_str!("../../src/journal/sqlite/schema.sql");

/// As much as a broadcast with two recipients pins.
const PINNED: &str = r#"{"completion":"all","rest":"finish","priority":"normal","trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7","parent_id":null,"parent_is_remote":false,"flags":3,"state":null,"baggage":null}}"#;

/// Broadcasts that are committed a second where so many callers each wait for their own, and so many go together.
pub(crate) fn commits(
    folder: &Path,
    (callers, group): (usize, usize),
    payload: &[u8],
    period: Duration,
) -> Res<f64> {
    let connection = Connection::open(folder.join(format!("bare-{callers}.db")))?;
    connection.execute_batch("PRAGMA auto_vacuum = 2; PRAGMA journal_mode = WAL")?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096")?;
    let fresh: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if fresh == 0 {
        connection.execute_batch(SCHEMA)?;
    }
    let (ask, asked) = mpsc::channel::<mpsc::SyncSender<()>>();
    let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let begun = now();
    thread::scope(|scope| {
        for _ in 0..callers {
            let ask = ask.clone();
            let (done, over) = (&done, &over);
            scope.spawn(move || {
                let (answer, answered) = mpsc::sync_channel(1);
                while !over.load(Ordering::Relaxed) {
                    if ask.send(answer.clone()).is_err() || answered.recv().is_err() {
                        return;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        drop(ask);
        let over = &over;
        scope.spawn(move || {
            thread::sleep(period);
            over.store(true, Ordering::Relaxed);
        });
        write(&connection, &asked, (group, payload))
    })?;
    Ok(done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64())
}

/// Commits as many together as a group has.
fn write(
    connection: &Connection,
    asked: &mpsc::Receiver<mpsc::SyncSender<()>>,
    (group_max, payload): (usize, &[u8]),
) -> Res<()> {
    let mut seq: i64 =
        connection
            .query_row("SELECT coalesce(max(seq), 0) + 1 FROM delivery", [], |row| row.get(0))?;
    while let Ok(first) = asked.recv() {
        let mut group = vec![first];
        while group.len() < group_max {
            match asked.recv_timeout(Duration::from_micros(200)) {
                Ok(next) => group.push(next),
                Err(_) => break,
            }
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in &group {
            insert(connection, seq, payload)?;
            seq += 2;
        }
        connection.execute_batch("COMMIT")?;
        for answer in group {
            // At the end, whoever asked may be gone.
            answer.send(()).unwrap_or_default();
        }
    }
    Ok(())
}

fn insert(connection: &Connection, seq: i64, payload: &[u8]) -> Res<()> {
    let now = seq + 1_700_000_000_000_000;
    let mut id = [0_u8; 16];
    id[8..].copy_from_slice(&seq.to_be_bytes());
    connection
        .prepare_cached(
            "INSERT INTO broadcast (seq, id, recipients, route, accepted_at, pinned) VALUES ($1, $2, 2, 'both', $3, $4)",
        )?
        .execute(params![seq, id, now, PINNED])?;
    connection
        .prepare_cached("INSERT INTO payload (broadcast, content_type, bytes) VALUES ($1, $2, $3)")?
        .execute(params![seq, "application/json", payload])?;
    let mut delivery = connection.prepare_cached(
        "INSERT INTO delivery (seq, broadcast, recipient, required, skipped, seed, span_id, expires_at, priority, \
         serving, due_at) VALUES ($1, $2, $3, 1, 0, $4, $5, $6, 1, $3, $7)",
    )?;
    for place in 0..2 {
        let drawn = (seq + place).wrapping_mul(0x5851_F42D_4C95_7F2D);
        delivery.execute(params![seq + place, seq, place + 1, drawn, !drawn, now + 1, now])?;
    }
    Ok(())
}

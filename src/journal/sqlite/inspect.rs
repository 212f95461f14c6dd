//! What stands in a file, and whether it is as it must be. Only reads; another process may have the journal.

use std::{fs, path::Path};

use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::Connection;
use serde::Serialize;
use uuid::Uuid;

use super::{
    MasterKey, OpenError, SqliteJournal,
    broadcasts::{self, Which},
    error::{Extent, Failure},
    open, queries, rows,
    seals::{self, Seals},
};
use crate::policy::gate::GateSnapshot;

/// What stands in a journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct JournalStats {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of it that are free for what comes next.
    pub bytes_free: u64,
    /// Bytes of the log beside it, which are written back from time to time.
    pub log_bytes: u64,
    /// Broadcasts.
    pub broadcasts: u64,
    /// Those that have not settled.
    pub broadcasts_open: u64,
    /// Deliveries.
    pub deliveries: u64,
    /// Those that have not settled.
    pub deliveries_open: u64,
    /// Dead letters that were neither replayed nor discarded.
    pub dead_letters: u64,
    /// Events of all histories.
    pub events: u64,
    /// Bytes of the payloads.
    pub payload_bytes: u64,
    /// How often an engine was started on it.
    pub boots: u64,
    /// When the oldest broadcast that has not settled was accepted; microseconds since 1970.
    #[serde(serialize_with = "micros")]
    pub oldest_open: Option<Timestamp>,
    /// The master keys that something is sealed with, by their ids; empty where nothing is.
    pub master_keys: Vec<String>,
    /// By target, those that have something open or dead.
    pub targets: Vec<TargetStats>,
}

/// What a journal has of one target.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct TargetStats {
    /// Its name.
    pub name: String,
    /// Deliveries that it serves and that have not settled.
    pub open: u64,
    /// Dead letters to it.
    pub dead_letters: u64,
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn micros<S: serde::Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::as_micros).serialize(to)
}

/// What a look at all of it has found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Checked {
    /// What is not as it must be, a line each.
    pub wrong: Vec<String>,
    /// Broadcasts that were not opened, since their master key was not given.
    pub locked: u64,
}

/// How many problems are told.
const TOLD_MAX: usize = 100;

impl SqliteJournal {
    /// What stands in the file.
    ///
    /// # Errors
    /// Where it is no journal, or cannot be read.
    pub fn stats(path: &Path) -> Result<JournalStats, OpenError> {
        let connection = open::inspector(path)?;
        let sqlite =
            |failure: Failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says };
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log_bytes = fs::metadata(log).map_or(0, |log| log.len());
        stats(&connection, log_bytes).map_err(sqlite)
    }

    /// What the gates of its targets must not forget: pauses, versions that were rejected, what was announced.
    ///
    /// # Errors
    /// Where it is no journal, or cannot be read.
    pub fn kept_gates(path: &Path) -> Result<Vec<(TargetName, GateSnapshot)>, OpenError> {
        let connection = open::inspector(path)?;
        queries::gates(&connection)
            .map_err(|failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says })
    }

    /// What is not as it must be: the file itself, and what stands in it. Reads all of it; what is sealed, where its key
    /// is there.
    ///
    /// # Errors
    /// Where it is no journal, or cannot be read at all.
    pub fn check(path: &Path, keys: &[MasterKey]) -> Result<Checked, OpenError> {
        let connection = open::inspector(path)?;
        let mut checked = Checked::default();
        if let Err(failure) = check(&connection, keys, &mut checked) {
            checked.wrong.push(failure.says);
        }
        Ok(checked)
    }
}

fn number(connection: &Connection, sql: &str) -> Result<u64, Failure> {
    let number = connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?;
    Ok(number.unwrap_or(0).cast_unsigned())
}

fn stats(connection: &Connection, log_bytes: u64) -> Result<JournalStats, Failure> {
    let reading = connection.unchecked_transaction()?;
    let number = |sql: &str| number(&reading, sql);
    let page = number("PRAGMA page_size")?;
    let mut targets = Vec::new();
    let mut of_targets = reading.prepare(
        "SELECT t.name, \
         (SELECT count(*) FROM delivery AS d WHERE d.serving = t.number AND d.settled_at IS NULL) AS open, \
         (SELECT count(*) FROM delivery AS d WHERE d.recipient = t.number AND d.dead = 1) AS dead \
         FROM target AS t ORDER BY t.name",
    )?;
    let mut found = of_targets.query([])?;
    while let Some(row) = found.next()? {
        let count = |at| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let target = TargetStats { name: row.get(0)?, open: count(1)?, dead_letters: count(2)? };
        if target.open + target.dead_letters > 0 {
            targets.push(target);
        }
    }
    let oldest: Option<i64> = reading.query_row(
        "SELECT min(accepted_at) FROM broadcast WHERE settled_at IS NULL",
        [],
        |row| row.get(0),
    )?;
    Ok(JournalStats {
        bytes: number("PRAGMA page_count")? * page,
        bytes_free: number("PRAGMA freelist_count")? * page,
        log_bytes,
        broadcasts: number("SELECT count(*) FROM broadcast")?,
        broadcasts_open: number("SELECT count(*) FROM broadcast WHERE settled_at IS NULL")?,
        deliveries: number("SELECT count(*) FROM delivery")?,
        deliveries_open: number("SELECT count(*) FROM delivery WHERE settled_at IS NULL")?,
        dead_letters: number("SELECT count(*) FROM delivery WHERE dead = 1")?,
        events: number("SELECT count(*) FROM event")?,
        payload_bytes: number("SELECT sum(length(bytes)) FROM payload")?,
        boots: number("SELECT max(value) FROM counter WHERE name = 'boot'")?,
        oldest_open: oldest.map(rows::time),
        master_keys: seals::noted(&reading)?.iter().map(|(id, _)| id.to_string()).collect(),
        targets,
    })
}

/// What must never be, as questions that find it.
const NEVER: [(&str, &str); 9] = [
    (
        "deliveries without a broadcast",
        "SELECT count(*) FROM delivery AS d WHERE NOT EXISTS (SELECT 1 FROM broadcast AS b WHERE b.seq = d.broadcast)",
    ),
    (
        "events without a delivery",
        "SELECT count(*) FROM event AS e WHERE NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq = e.delivery)",
    ),
    (
        "payloads without a broadcast",
        "SELECT count(*) FROM payload AS p WHERE NOT EXISTS (SELECT 1 FROM broadcast AS b WHERE b.seq = p.broadcast)",
    ),
    (
        "broadcasts without a payload",
        "SELECT count(*) FROM broadcast AS b WHERE NOT EXISTS (SELECT 1 FROM payload AS p WHERE p.broadcast = b.seq)",
    ),
    (
        "deliveries whose events were not counted as they are",
        "SELECT count(*) FROM delivery AS d WHERE d.events <> (SELECT count(*) FROM event AS e WHERE e.delivery = d.seq)",
    ),
    (
        "deliveries that have ended and have no outcome, or the other way round",
        "SELECT count(*) FROM delivery WHERE (settled_at IS NULL) <> (outcome IS NULL) \
         OR (outcome IS NULL) <> (ended IS NULL) OR (dead = 1 AND settled_at IS NULL)",
    ),
    (
        "broadcasts that have settled while a delivery is open, or without a verdict, or have not, though nothing is open",
        "SELECT count(*) FROM broadcast AS b WHERE (b.settled_at IS NOT NULL) <> \
         (b.satisfied IS NOT NULL AND NOT EXISTS (SELECT 1 FROM delivery AS d WHERE d.seq >= b.seq \
         AND d.seq < b.seq + b.recipients AND d.settled_at IS NULL))",
    ),
    (
        "notices without a broadcast",
        "SELECT count(*) FROM notice AS n WHERE NOT EXISTS (SELECT 1 FROM broadcast AS b WHERE b.seq = n.broadcast)",
    ),
    (
        "notices that are owed before their occasion, or not owed after it",
        "SELECT count(*) FROM notice AS n JOIN broadcast AS b ON b.seq = n.broadcast WHERE n.due <> \
         CASE n.occasion WHEN 'verdict' THEN b.satisfied IS NOT NULL ELSE b.settled_at IS NOT NULL END",
    ),
];

fn check(
    connection: &Connection,
    keys: &[MasterKey],
    checked: &mut Checked,
) -> Result<(), Failure> {
    let reading = connection.unchecked_transaction()?;
    let wrong = &mut checked.wrong;
    let mut file = reading.prepare(&format!("PRAGMA integrity_check({TOLD_MAX})"))?;
    let mut found = file.query([])?;
    while let Some(row) = found.next()? {
        let says: String = row.get(0)?;
        wrong.extend((says != "ok").then_some(says));
    }
    for (what, sql) in NEVER {
        let count = number(&reading, sql)?;
        wrong.extend((count > 0).then(|| format!("{count} {what}")));
    }
    let seals = Seals::look(&reading, keys)?;
    let mut all = reading.prepare("SELECT seq, id, recipients FROM broadcast ORDER BY seq")?;
    let mut found = all.query([])?;
    while let Some(row) = found.next()? {
        if wrong.len() >= TOLD_MAX {
            wrong.push("and perhaps more: only so many are told".to_owned());
            break;
        }
        let (seq, id): (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
        let recipients: i64 = row.get(2)?;
        let id = Uuid::from_bytes(id);
        match broadcasts::read(&reading, &seals, Which::Seq(seq.cast_unsigned())) {
            Ok(Some((record, _))) if i64::try_from(record.slots.len()) == Ok(recipients) => {}
            Ok(Some((record, _))) => {
                let count = record.slots.len();
                wrong.push(format!("broadcast {id} has {count} deliveries of {recipients}"));
            }
            Ok(None) => wrong.push(format!("broadcast {id} cannot be found")),
            Err(failure) if failure.extent == Extent::Locked => checked.locked += 1,
            Err(failure) if failure.extent == Extent::Row => wrong.push(failure.says),
            Err(failure) => {
                wrong.push(format!("broadcast {id} cannot be read: {}", failure.says));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::super::tests::{at, broadcast, delivery, settings};
    use super::SqliteJournal;
    use crate::{
        journal::{Entry, Journal},
        report::{Boot, Outcome},
    };

    async fn journal(folder: &TempDir) -> SqliteJournal {
        let journal = SqliteJournal::open(settings(folder)).unwrap();
        for number in [1, 2] {
            drop(journal.accept(broadcast(number)).await.unwrap());
        }
        let claim = journal.claim(&"crm".into(), Boot(1), at(2)).await.unwrap();
        let settled = vec![Entry::Settled(delivery(1, "crm"), Outcome::Expired)];
        drop(journal.append(&claim, settled, at(3)).await.unwrap());
        journal
    }

    #[tokio::test]
    async fn it_is_told_while_it_is_used() {
        let folder = TempDir::new().unwrap();
        let _journal = journal(&folder).await;
        let stats = SqliteJournal::stats(&settings(&folder).path).unwrap();
        assert_eq!((stats.broadcasts, stats.broadcasts_open), (2, 2));
        assert_eq!((stats.deliveries, stats.deliveries_open, stats.dead_letters), (4, 3, 1));
        assert_eq!((stats.payload_bytes, stats.oldest_open), (8, Some(at(1))));
        let targets: Vec<_> =
            stats.targets.iter().map(|it| (it.name.as_str(), it.open, it.dead_letters)).collect();
        assert_eq!(targets, [("audit", 2, 0), ("crm", 1, 1)]);
        let checked = SqliteJournal::check(&settings(&folder).path, &[]).unwrap();
        assert_eq!(checked.wrong, [""; 0]);
    }

    #[tokio::test]
    async fn what_must_never_be_is_found() {
        for (damage, expected) in [
            ("DELETE FROM payload WHERE broadcast = 1", "1 broadcasts without a payload"),
            (
                "UPDATE delivery SET settled_at = NULL WHERE seq = 1",
                "1 deliveries that have ended and have no outcome, or the other way round",
            ),
            (
                "UPDATE broadcast SET settled_at = 1 WHERE seq = 1",
                "1 broadcasts that have settled while a delivery is open, or without a verdict, or have not, \
                 though nothing is open",
            ),
            (
                "INSERT INTO event (delivery, number, event) VALUES (2, 9, '{}')",
                "1 deliveries whose events were not counted as they are",
            ),
            (
                "DELETE FROM delivery WHERE seq = 2",
                "broadcast 00000000-0000-0000-0000-000000000001 has 1 deliveries of 2",
            ),
        ] {
            let folder = TempDir::new().unwrap();
            drop(journal(&folder).await);
            let path = settings(&folder).path;
            Connection::open(&path).unwrap().execute_batch(damage).unwrap();
            let wrong = SqliteJournal::check(&path, &[]).unwrap().wrong;
            assert!(wrong.iter().any(|says| says == expected), "{damage}: {wrong:?}");
        }
    }
}

//! Forgets what is too old, or too much: a little at a time, so that others can write.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use rusqlite::params;
use uuid::Uuid;

use super::{SqliteSettings, error::Stop, store::Store, whole};
use crate::report::BroadcastId;

/// Broadcasts that are looked at in one commit.
const AT_ONCE: i64 = 100;

/// Free pages that stay in the file for what comes next: 16 MB.
const FREE_PAGES: u64 = 4_096;

/// Pages that are given back in one commit.
const VACUUM_PAGES: u64 = 256;

/// How long what is kept.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    settled: Duration,
    dead_letters: Duration,
    bytes_max: Option<u64>,
}

/// When a broadcast had settled, and its number: how far it has been looked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(i64, i64);

/// A broadcast that may be too old.
struct Candidate {
    mark: Mark,
    id: BroadcastId,
    recipients: i64,
}

impl Default for Mark {
    fn default() -> Self {
        Self(i64::MIN, i64::MIN)
    }
}

impl Keep {
    pub(super) fn of(settings: &SqliteSettings) -> Self {
        Self {
            settled: settings.keep,
            dead_letters: settings.keep_dead_letters,
            bytes_max: settings.bytes_max,
        }
    }
}

impl Store {
    /// Forgets some. Says whether there is more.
    pub(super) fn prune(&mut self, keep: &Keep, now: Timestamp) -> Result<bool, Stop> {
        let before = |wait: Duration| {
            now.as_micros().saturating_sub(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
        };
        let is_too_much = match keep.bytes_max {
            Some(max) => self.bytes_used()? > max,
            None => false,
        };
        let settled = if is_too_much { now.as_micros() } else { before(keep.settled) };
        let dead = before(keep.dead_letters);
        let candidates = self.candidates(settled.max(dead))?;
        let is_full = candidates.len() == usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        self.pruned = match candidates.last() {
            Some(last) if is_full => last.mark,
            // From the beginning, the next time.
            _ => Mark::default(),
        };
        let mut forgotten = 0;
        for Candidate { mark: Mark(at, seq), id, recipients } in candidates {
            let limit = if self.has_dead_letter(seq, recipients)? { dead } else { settled };
            if at < limit {
                whole::forget(&self.connection, (seq, recipients))?;
                drop(self.cache.remove(id));
                forgotten += 1;
            }
        }
        if forgotten > 0 {
            // Numbers are given once, also where the newest broadcast is forgotten.
            self.connection
                .prepare_cached(
                    "INSERT INTO counter (name, value) VALUES ('seq', $1) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                )?
                .execute([self.next_seq.cast_signed()])?;
        }
        let gives_back = self.give_back()?;
        Ok(is_full || gives_back)
    }

    fn candidates(&self, before: i64) -> Result<Vec<Candidate>, Stop> {
        let Mark(at, seq) = self.pruned;
        let mut statement = self.connection.prepare_cached(
            "SELECT settled_at, seq, id, recipients FROM broadcast \
             WHERE settled_at IS NOT NULL AND (settled_at, seq) > ($1, $2) AND settled_at < $3 \
             AND NOT EXISTS (SELECT 1 FROM notice AS n WHERE n.broadcast = seq) \
             ORDER BY settled_at, seq LIMIT $4",
        )?;
        let found = statement.query_map(params![at, seq, before, AT_ONCE], |row| {
            Ok(Candidate {
                mark: Mark(row.get(0)?, row.get(1)?),
                id: BroadcastId(Uuid::from_bytes(row.get(2)?)),
                recipients: row.get(3)?,
            })
        })?;
        Ok(found.collect::<Result<_, _>>()?)
    }

    fn has_dead_letter(&self, seq: i64, recipients: i64) -> Result<bool, Stop> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM delivery WHERE seq >= $1 AND seq < $2 AND dead = 1 LIMIT 1",
        )?;
        Ok(statement.exists([seq, seq + recipients])?)
    }

    fn pragma(&self, name: &str) -> Result<u64, Stop> {
        let number = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        Ok(self.connection.pragma_query_value(None, name, number)?.cast_unsigned())
    }

    fn bytes_used(&self) -> Result<u64, Stop> {
        let pages = self.pragma("page_count")?.saturating_sub(self.pragma("freelist_count")?);
        Ok(pages * self.pragma("page_size")?)
    }

    /// Gives free pages back to the file system. Says whether there are more.
    fn give_back(&self) -> Result<bool, Stop> {
        let free = self.pragma("freelist_count")?;
        if free <= FREE_PAGES {
            return Ok(false);
        }
        self.connection.execute_batch(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"))?;
        Ok(free > FREE_PAGES + VACUUM_PAGES)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Payload;
    use tempfile::TempDir;

    use super::super::tests::{at, broadcast, delivery, settings};
    use super::Duration;
    use crate::{
        journal::{
            BroadcastFilter, DeadLetterFilter, Entry, Journal, NewBroadcast, SqliteJournal,
            SqliteSettings,
        },
        report::{Boot, Outcome},
    };

    const SECOND: i64 = 1_000_000;

    /// 250 broadcasts, each accepted at the second of its number. All but the last one settle then; an audit of the
    /// fifth one expires.
    async fn journal(settings: SqliteSettings) -> SqliteJournal {
        let journal = SqliteJournal::inline(settings).unwrap();
        for number in 1..=250 {
            let now = at(i64::try_from(number).unwrap() * SECOND);
            let payload = Payload::new("text/plain", vec![b'x'; 10_000]);
            let new = NewBroadcast { accepted_at: now, payload, ..broadcast(number) };
            drop(journal.accept(new).await.unwrap());
            if number == 250 {
                break;
            }
            for name in ["crm", "audit"] {
                let claim = journal.claim(&name.into(), Boot(1), now).await.unwrap();
                let outcome = match (number, name) {
                    (5, "audit") => Outcome::Expired,
                    _ => Outcome::Delivered { attempt: 1 },
                };
                let settled = vec![Entry::Settled(delivery(number, name), outcome)];
                drop(journal.append(&claim, settled, now).await.unwrap());
            }
        }
        journal
    }

    /// Prunes at that second until there is nothing more to be forgotten. Gives what is left.
    async fn left(journal: &SqliteJournal, second: i64) -> Vec<u128> {
        while journal.prune(at(second * SECOND)).await.unwrap() {}
        let all = BroadcastFilter::default();
        let left = journal.broadcasts(&all, None, 1_000).await.unwrap();
        left.iter().rev().map(|summary| summary.id.0.as_u128()).collect()
    }

    fn keep(folder: &TempDir) -> SqliteSettings {
        let (keep, dead) = (Duration::from_secs(100), Duration::from_secs(1_000));
        SqliteSettings { keep, keep_dead_letters: dead, ..settings(folder) }
    }

    #[tokio::test]
    async fn what_is_too_old_is_forgotten_and_what_is_open_is_not() {
        let folder = TempDir::new().unwrap();
        let journal = journal(keep(&folder)).await;
        assert_eq!(left(&journal, 100).await.len(), 250);
        let expected: Vec<u128> = [5].into_iter().chain(200..=250).collect();
        assert_eq!(left(&journal, 300).await, expected);
        assert!(journal.sent(broadcast(199).id).await.unwrap().is_none());
        assert!(journal.sent(broadcast(5).id).await.unwrap().is_some());
        // A dead letter that was discarded is none any more.
        assert_eq!(journal.discard(&[delivery(5, "audit")]).await.unwrap(), 1);
        assert_eq!(left(&journal, 300).await, expected[1..]);
        assert_eq!(left(&journal, 2_000).await, [250]);
    }

    #[tokio::test]
    async fn dead_letters_have_a_time_of_their_own() {
        let folder = TempDir::new().unwrap();
        let journal = journal(keep(&folder)).await;
        assert_eq!(left(&journal, 1_000).await, [5, 250]);
        assert_eq!(left(&journal, 1_006).await, [250]);
    }

    #[tokio::test]
    async fn what_is_too_much_is_forgotten_earlier() {
        let folder = TempDir::new().unwrap();
        let journal = journal(SqliteSettings { bytes_max: Some(1_500_000), ..keep(&folder) }).await;
        let left = left(&journal, 251).await;
        assert!(left.len() < 200, "{left:?}");
        assert!(left.contains(&5) && left.contains(&250), "{left:?}");
        assert!(!left.contains(&4) && left.contains(&249), "the oldest first: {left:?}");
    }

    #[tokio::test]
    async fn a_number_is_not_given_twice() {
        let folder = TempDir::new().unwrap();
        let journal = journal(keep(&folder)).await;
        for name in ["crm", "audit"] {
            let claim = journal.claim(&name.into(), Boot(1), at(0)).await.unwrap();
            let settled = vec![Entry::Settled(delivery(250, name), Outcome::Expired)];
            drop(journal.append(&claim, settled, at(250 * SECOND)).await.unwrap());
        }
        assert_eq!(left(&journal, 10_000).await, [0; 0]);
        drop(journal);
        let journal = SqliteJournal::inline(keep(&folder)).unwrap();
        drop(journal.accept(broadcast(300)).await.unwrap());
        let number = journal.write(|store| Ok(store.next_seq)).await.unwrap();
        assert_eq!(number, 2 * 251 + 1);
        let all = DeadLetterFilter::default();
        assert_eq!(journal.dead_letters(&all, None, 10).await.unwrap().letters, []);
    }
}

//! Other master keys for a journal that is closed: the data keys are wrapped anew, and what they seal is not touched. Only
//! where a journal is sealed that was not, or the other way round, everything is written anew.
//!
//! Each step is a commit of its own and leaves a journal that the same call goes on with: a crash in between loses nothing.

use std::{io, path::Path};

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    MasterKey, OpenError, SqliteJournal,
    crypto::DataKey,
    error::Failure,
    open::{self, Lock},
    place,
    seals::{self, KEY, Seals},
    targets::Targets,
    whole,
};
use crate::report::BroadcastId;

/// Data keys that are wrapped in one commit.
const WRAPPED_AT_ONCE: i64 = 1_000;

/// Broadcasts that are written anew in one commit.
const WRITTEN_AT_ONCE: i64 = 100;

/// What was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Rekeyed {
    /// Broadcasts whose data key was wrapped anew.
    pub wrapped: u64,
    /// Broadcasts that were sealed.
    pub sealed: u64,
    /// Broadcasts that are not sealed any more.
    pub unsealed: u64,
    /// Broadcasts that do not open, and stay as they are.
    pub left: u64,
}

impl SqliteJournal {
    /// Wraps all data keys by `to`, and seals what is not sealed; without `to`, nothing is sealed any more. `from` opens
    /// what is sealed, and is empty where nothing is.
    ///
    /// # Errors
    /// Where somebody has the journal open, a key is missing, or the file cannot be read or written.
    pub fn rekey(
        path: &Path,
        from: &[MasterKey],
        to: Option<&MasterKey>,
    ) -> Result<Rekeyed, OpenError> {
        let (_lock, mut connection) = closed(path)?;
        let says =
            |failure: Failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says };
        let noted = seals::noted(&connection).map_err(says)?;
        let keys: Vec<_> = to.into_iter().chain(from).cloned().collect();
        let is_given = |id| keys.iter().any(|key| key.id() == id);
        let missing: Vec<_> = noted.iter().map(|it| it.0).filter(|id| !is_given(*id)).collect();
        if !missing.is_empty() {
            return Err(OpenError::KeyMissing { path: path.to_owned(), missing });
        }
        let names = seals::names(&noted, &keys).map_err(says)?;
        rekey(&mut connection, &keys, to, names).map_err(says)
    }
}

/// The journal, which must be there, and nobody may have it open.
pub(super) fn closed(path: &Path) -> Result<(Lock, Connection), OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    if !path.exists() {
        return Err(io(io::Error::new(io::ErrorKind::NotFound, "there is no such file")));
    }
    let path = place::resolved(path).map_err(io)?;
    let lock = Lock::take(&path)?;
    Ok((lock, open::writer(&path)?))
}

fn rekey(
    connection: &mut Connection,
    keys: &[MasterKey],
    to: Option<&MasterKey>,
    names: Option<DataKey>,
) -> Result<Rekeyed, Failure> {
    let mut done = Rekeyed::default();
    let is_between = seals::is_between(connection)?;
    let is_sealed = names.is_some();
    let Some(to) = to else {
        if is_sealed {
            begin(connection, None)?;
            done.unsealed = rewrite(connection, (keys, false), &mut done.left)?;
            end(connection, None)?;
        }
        return Ok(done);
    };
    let names = names.map_or_else(DataKey::draw, Ok)?;
    if is_between || !is_sealed {
        begin(connection, Some((to, &names)))?;
        done.sealed = rewrite(connection, (keys, true), &mut done.left)?;
        // What was there before is still in free pages.
        compact(connection)?;
    } else {
        seals::note(connection, to, &names)?;
    }
    let seals = Seals::look(connection, keys)?;
    let mut last = 0;
    while let Some(seq) = wrap(connection, (&seals, to), last, &mut done)? {
        last = seq;
    }
    end(connection, Some(to))?;
    Ok(done)
}

/// From here on the journal opens for nothing else.
fn begin(connection: &mut Connection, to: Option<(&MasterKey, &DataKey)>) -> Result<(), Failure> {
    let change = connection.transaction()?;
    change.execute("INSERT OR IGNORE INTO counter (name, value) VALUES ('resealing', 1)", [])?;
    if let Some((to, names)) = to {
        seals::note(&change, to, names)?;
    }
    Ok(change.commit()?)
}

/// Forgets the keys that nothing is sealed with any more.
fn end(connection: &mut Connection, to: Option<&MasterKey>) -> Result<(), Failure> {
    let change = connection.transaction()?;
    change.execute(
        "DELETE FROM master_key WHERE id IS NOT $1 \
         AND id NOT IN (SELECT DISTINCT master FROM broadcast WHERE master IS NOT NULL)",
        [to.map(|key| key.id().0)],
    )?;
    change.execute("DELETE FROM counter WHERE name = 'resealing'", [])?;
    Ok(change.commit()?)
}

/// Writes anew what is not as it is to be. Says how many that were.
fn rewrite(
    connection: &mut Connection,
    (keys, seal): (&[MasterKey], bool),
    left: &mut u64,
) -> Result<u64, Failure> {
    let seals = Seals::look(connection, keys)?;
    let plain = Seals::default();
    let to = if seal { &seals } else { &plain };
    let (mut done, mut last) = (0, 0);
    loop {
        let change = connection.transaction()?;
        let found: Vec<i64> = change
            .prepare_cached(
                "SELECT seq FROM broadcast WHERE seq > $1 AND (master IS NULL) = $2 ORDER BY seq LIMIT $3",
            )?
            .query_map(params![last, seal, WRITTEN_AT_ONCE], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let Some(newest) = found.last() else { return Ok(done) };
        last = *newest;
        let mut targets = Targets::read(&change)?;
        for seq in found.into_iter().map(i64::cast_unsigned) {
            match whole::read(&change, &seals, seq) {
                Ok(Some(it)) => {
                    let recipients = i64::try_from(it.record.slots.len()).unwrap_or(i64::MAX);
                    whole::forget(&change, (seq.cast_signed(), recipients))?;
                    whole::write(&change, to, &mut targets, &it, seq)?;
                    done += 1;
                }
                Ok(None) => {}
                Err(failure) if failure.is_of_one() => {
                    tracing::error!(target: "fanfare", error = %failure.says, "it stays as it is");
                    *left += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
        change.commit()?;
    }
}

/// Wraps some data keys. Gives the number of the last one; none where there are no more.
fn wrap(
    connection: &mut Connection,
    (seals, to): (&Seals, &MasterKey),
    last: i64,
    done: &mut Rekeyed,
) -> Result<Option<i64>, Failure> {
    let change = connection.transaction()?;
    let sql = format!(
        "SELECT b.seq, b.id, {KEY} FROM broadcast AS b \
         WHERE b.seq > $1 AND b.master IS NOT NULL AND b.master <> $2 ORDER BY b.seq LIMIT $3"
    );
    let mut keys = Vec::new();
    {
        let mut statement = change.prepare_cached(&sql)?;
        let mut found = statement.query(params![last, to.id().0, WRAPPED_AT_ONCE])?;
        while let Some(row) = found.next()? {
            let id = BroadcastId(Uuid::from_bytes(row.get(1)?));
            keys.push((row.get::<_, i64>(0)?, seals.key(id, row, 2)));
        }
    }
    let newest = keys.last().map(|it| it.0);
    for (seq, key) in keys {
        match key {
            Ok(Some(key)) => {
                change
                    .prepare_cached(
                        "UPDATE broadcast SET master = $1, wrapped = $2 WHERE seq = $3",
                    )?
                    .execute(params![to.id().0, to.wrap(&key)?, seq])?;
                done.wrapped += 1;
            }
            Ok(None) => {}
            Err(failure) if failure.is_of_one() => {
                tracing::error!(target: "fanfare", error = %failure.says, "it stays as it is");
                done.left += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    change.commit()?;
    Ok(newest)
}

/// Leaves nothing in the file, and in its log, but what belongs there.
pub(super) fn compact(connection: &Connection) -> Result<(), Failure> {
    connection.execute_batch("VACUUM")?;
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection.query_row(checkpoint, [], |row| row.get(0))?;
    if busy != 0 {
        return Err(Failure::corrupt("somebody reads the file: its log could not be written back"));
    }
    Ok(())
}

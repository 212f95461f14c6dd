//! A journal as lines of JSON. Only reads; another process may have the journal.

use std::{
    io::{self, Write},
    path::Path,
};

use thiserror::Error;

use super::{
    MasterKey, OpenError, SqliteJournal,
    error::Failure,
    line::{self, EndLine, FORMAT, HeadLine, Line, TargetLine},
    open, queries,
    seals::{self, Seals},
    targets::Targets,
    whole,
};
use crate::journal::ledger::Books;

/// What was exported.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Exported {
    /// Broadcasts.
    pub broadcasts: u64,
    /// What could not be read and was left out, a line each.
    pub left: Vec<String>,
}

/// Why nothing, or not all, was exported or imported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The lines.
    #[error(transparent)]
    Lines(#[from] io::Error),
    /// The lines are none of a journal, or of a newer release.
    #[error("line 1: {0}")]
    Foreign(String),
}

impl SqliteJournal {
    /// Writes all of it as lines of JSON, as it stands at one moment; holds one broadcast at a time.
    ///
    /// # Errors
    /// Where a master key is missing, the journal cannot be read, or the lines cannot be written.
    pub fn export(
        path: &Path,
        keys: &[MasterKey],
        to: &mut impl Write,
    ) -> Result<Exported, TransferError> {
        let connection = open::inspector(path)?;
        let says =
            |failure: Failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says };
        let sqlite = |error: rusqlite::Error| says(error.into());
        let reading = connection.unchecked_transaction().map_err(sqlite)?;
        if seals::is_between(&reading).map_err(says)? {
            return Err(OpenError::HalfSealed { path: path.to_owned() }.into());
        }
        let is_given = |id| keys.iter().any(|key: &MasterKey| key.id() == id);
        let noted = seals::noted(&reading).map_err(says)?;
        let missing: Vec<_> = noted.iter().map(|it| it.0).filter(|id| !is_given(*id)).collect();
        if !missing.is_empty() {
            return Err(OpenError::KeyMissing { path: path.to_owned(), missing }.into());
        }
        let seals = Seals::look(&reading, keys).map_err(says)?;
        let boots = "SELECT coalesce(max(value), 0) FROM counter WHERE name = 'boot'";
        let boots: i64 = reading.query_row(boots, [], |row| row.get(0)).map_err(sqlite)?;
        let head = HeadLine { format: FORMAT, boots: boots.cast_unsigned() };
        write(to, &Line::Journal(head))?;
        let targets = Targets::read(&reading).map_err(says)?;
        let gates = queries::gates(&reading).map_err(says)?;
        for number in 0..targets.count() {
            let name = targets.name(number);
            let gate = gates.iter().find(|it| it.0 == name).map(|it| it.1.clone());
            let (name, epoch) = (name.as_str().to_owned(), targets.epoch(number));
            write(to, &Line::Target(Box::new(TargetLine { name, epoch, gate })))?;
        }
        let mut exported = Exported::default();
        let mut all = reading.prepare("SELECT seq FROM broadcast ORDER BY seq").map_err(sqlite)?;
        let mut found = all.query([]).map_err(sqlite)?;
        while let Some(row) = found.next().map_err(sqlite)? {
            let seq = row.get::<_, i64>(0).map_err(sqlite)?.cast_unsigned();
            match whole::read(&reading, &seals, seq) {
                Ok(Some(whole)) => {
                    let line = line::of(&whole, &targets).map_err(says)?;
                    write(to, &Line::Broadcast(Box::new(line)))?;
                    exported.broadcasts += 1;
                }
                Ok(None) => {}
                Err(failure) if failure.is_of_one() => exported.left.push(failure.says),
                Err(failure) => return Err(says(failure).into()),
            }
        }
        write(to, &Line::End(EndLine { broadcasts: exported.broadcasts }))?;
        to.flush()?;
        Ok(exported)
    }
}

fn write(to: &mut impl Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *to, line)?;
    to.write_all(b"\n")
}

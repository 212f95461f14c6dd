//! Copies of a journal, and its file as small as it can be.

use std::{fs, fs::File, io, path::Path};

use super::{
    OpenError, SqliteJournal,
    error::Failure,
    open::{self, private},
    rekey::{closed, compact},
};

/// What the file has lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Vacuumed {
    /// Its bytes before, with those of its log.
    pub before: u64,
    /// Its bytes now.
    pub after: u64,
}

impl SqliteJournal {
    /// Copies it as it stands at one moment; whoever has it open goes on. What is sealed stays sealed.
    ///
    /// # Errors
    /// Where there is a file of that name, or one of both cannot be read or written.
    pub fn backup(path: &Path, to: &Path) -> Result<u64, OpenError> {
        let connection = open::inspector(path)?;
        let io = |source: io::Error| OpenError::Io { path: to.to_owned(), source };
        let target = to.to_str().ok_or_else(|| io(io::ErrorKind::InvalidFilename.into()))?;
        // SQLite takes a file that is empty: this one is ours, and only its owner reads it.
        private().create_new(true).open(to).map_err(io)?;
        let copied = connection
            .execute("VACUUM INTO $1", [target])
            .map_err(|error| OpenError::Sqlite { path: to.to_owned(), says: error.to_string() });
        let synced = copied.and_then(|_| {
            let file = File::options().write(true).open(to).map_err(io)?;
            file.sync_all().map_err(io)?;
            open::sync_folder(to)?;
            file.metadata().map(|it| it.len()).map_err(io)
        });
        if synced.is_err() {
            // Half a copy is none.
            drop(fs::remove_file(to));
        }
        synced
    }

    /// Gives back all that is free in the file of a closed journal.
    ///
    /// # Errors
    /// Where somebody has it open, or it cannot be read or written.
    pub fn vacuum(path: &Path) -> Result<Vacuumed, OpenError> {
        let bytes = |end: &str| fs::metadata(open::beside(path, end)).map_or(0, |it| it.len());
        let before = bytes("") + bytes("-wal");
        let (_lock, connection) = closed(path)?;
        compact(&connection).map_err(|failure: Failure| OpenError::Sqlite {
            path: path.to_owned(),
            says: failure.says,
        })?;
        Ok(Vacuumed { before, after: bytes("") })
    }
}

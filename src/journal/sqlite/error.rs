//! What goes wrong with the file.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::journal::JournalError;

/// Why a journal on disk does not open.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it.
    #[error("{path}: another process has this journal open")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is a file of another program.
    #[error("{path}: this is not a journal of fanfare")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer release.
    #[error("{path}: written by a newer release (schema {found}, this one knows {known})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one that is known.
        known: i64,
    },
    /// The disk or the file system does not do what it takes.
    #[error("{path}: {what}")]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What it does not do.
        what: String,
    },
    /// The file cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// SQLite says no.
    #[error("{path}: {says}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it says.
        says: String,
    },
}

/// Why a call is not carried out.
#[derive(Debug)]
pub(super) enum Stop {
    /// It does not fit; nothing of it was changed, and others go on.
    Refused(JournalError),
    /// The file fails: nothing of the whole group is committed.
    Failed(Failure),
}

/// How the file fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) says: String,
    /// It may heal by itself: the disk is full, say.
    pub(super) may_heal: bool,
}

impl Failure {
    /// Something stands in the file that we have not written.
    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self { says: what.into(), may_heal: false }
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Refused(error)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        let may_heal = matches!(
            error.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::OutOfMemory
                    // No file descriptor is left, say.
                    | ErrorCode::CannotOpen
            )
        );
        Self { says: error.to_string(), may_heal }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

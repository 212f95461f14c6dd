//! What goes wrong with the file.

use std::{io, path::PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use super::crypto::KeyId;
use crate::{journal::JournalError, report::BroadcastId};

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
    /// It was written by an older release, and only an engine that starts on it brings it up to date.
    #[error(
        "{path}: written by an older release (schema {found}, this one knows {known}): start on it once"
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one that is known.
        known: i64,
    },
    /// Something in it is sealed with a master key that was not given.
    #[error("{path}: sealed with the master key {}, which was not given", ids(missing))]
    KeyMissing {
        /// The file.
        path: PathBuf,
        /// The keys that are missing.
        missing: Vec<KeyId>,
    },
    /// A master key was given, and what stands in it is not sealed.
    #[error(
        "{path}: it is not sealed, and a master key was given: `fanfare journal rekey --from none` seals it"
    )]
    NotSealed {
        /// The file.
        path: PathBuf,
    },
    /// A change between sealed and not sealed was begun and has not ended.
    #[error(
        "{path}: some of it is sealed and some is not: run the `fanfare journal rekey` again that has not ended"
    )]
    HalfSealed {
        /// The file.
        path: PathBuf,
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
    pub(super) extent: Extent,
}

/// How much of the file it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Extent {
    All,
    /// A sealed value that was changed: one broadcast, or one delivery of it. All else goes on.
    Row,
    /// What is sealed with a master key that was not given.
    Locked,
}

impl Failure {
    /// Something stands in the file that we have not written.
    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self { says: what.into(), may_heal: false, extent: Extent::All }
    }

    /// A sealed value of that broadcast does not open, though its key is there.
    pub(super) fn changed(broadcast: BroadcastId, what: &str) -> Self {
        let says = format!("broadcast {broadcast}: {what} was changed since it was sealed");
        Self { says, may_heal: false, extent: Extent::Row }
    }

    /// Whether all else can be read.
    pub(super) fn is_of_one(&self) -> bool {
        match self.extent {
            Extent::Row | Extent::Locked => true,
            Extent::All => false,
        }
    }

    /// Its master key was not given.
    pub(super) fn locked(id: KeyId) -> Self {
        let says = format!("sealed with the master key {id}, which was not given");
        Self { says, may_heal: false, extent: Extent::Locked }
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
        Self { says: error.to_string(), may_heal, extent: Extent::All }
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

fn ids(ids: &[KeyId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and with ")
}

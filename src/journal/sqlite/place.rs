//! Whether the names of the journal's files still lead to them. Whoever removes or replaces one while it is open takes away
//! what is committed from then on: no write fails, and after the process has ended all of it is gone.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use super::{error::Failure, open::beside};

/// What the names led to when it was opened.
#[derive(Debug)]
pub(super) struct Place {
    /// The file, and its log; none where the log was not there yet.
    files: [(PathBuf, Option<FileId>); 2],
}

/// What tells a file from every other one as long as it is open: device and number.
type FileId = (u64, u64);

impl Place {
    /// Of a file that was just opened.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            files: [path.to_owned(), beside(path, "-wal")].map(|name| (name.clone(), id(&name))),
        }
    }

    /// Whether what is written can be found again.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        for (path, opened) in &mut self.files {
            let found = id(path);
            if opened.is_none() {
                // SQLite makes the log with the first commit.
                *opened = found;
            }
            if *opened != found {
                let name = path.file_name().map(OsString::from).unwrap_or_default();
                let says = format!("{} was removed or replaced while it was open", name.display());
                return Err(Failure::corrupt(says));
            }
        }
        Ok(())
    }
}

/// The file itself, whatever the name that it is opened under: the lock stands beside it.
pub(super) fn resolved(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        resolved => resolved,
    }
}

/// How many names the file has. Under another one, another process would neither see the lock nor the log.
#[cfg(unix)]
pub(super) fn names(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map_or(0, |file| if file.is_file() { file.nlink() } else { 0 })
}

/// Not known here.
#[cfg(not(unix))]
pub(super) fn names(_: &Path) -> u64 {
    1
}

#[cfg(unix)]
fn id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Where a file that is open can be neither removed nor replaced.
#[cfg(not(unix))]
fn id(_: &Path) -> Option<FileId> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use tempfile::TempDir;

    use super::super::{
        SqliteJournal, SqliteSettings,
        tests::{broadcast, settings},
    };
    use crate::journal::{Accepted, Journal, JournalError};

    /// A journal with one broadcast in it, whose files are treated so while it is open.
    #[track_caller]
    fn check(treat: impl Fn(&TempDir), expected: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = TempDir::new().unwrap();
            let journal = SqliteJournal::open(settings(&folder)).unwrap();
            assert!(matches!(journal.accept(broadcast(1)).await.unwrap(), Accepted::New(_)));
            treat(&folder);
            let refused = [journal.accept(broadcast(2)).await, journal.accept(broadcast(3)).await];
            let refused = refused.map(Result::unwrap_err);
            assert_eq!(refused, [JournalError::Unknown, JournalError::Unavailable]);
            assert_eq!(journal.trouble().unwrap(), expected);
        });
    }

    #[test]
    fn nothing_is_accepted_into_a_file_that_nobody_finds_again() {
        let gone = "journal.db was removed or replaced while it was open";
        let file = |folder: &TempDir| folder.path().join("journal.db");
        check(|folder| fs::remove_file(file(folder)).unwrap(), gone);
        let replace = |folder: &TempDir| {
            let copy = folder.path().join("copy");
            fs::copy(file(folder), &copy).unwrap();
            fs::rename(&copy, file(folder)).unwrap();
        };
        check(replace, gone);
        let log = |folder: &TempDir| folder.path().join("journal.db-wal");
        check(
            |folder| fs::remove_file(log(folder)).unwrap(),
            "journal.db-wal was removed or replaced while it was open",
        );
    }

    #[test]
    fn another_name_of_the_file_is_no_way_around_its_lock() {
        let folder = TempDir::new().unwrap();
        let open = |name: &str| {
            let settings = SqliteSettings::new(folder.path().join(name));
            SqliteJournal::open(settings).map_err(|error| error.to_string())
        };
        let first = open("journal.db").unwrap();
        symlink(folder.path().join("journal.db"), folder.path().join("soft.db")).unwrap();
        let soft = open("soft.db").unwrap_err();
        assert!(soft.ends_with("journal.db: another process has this journal open"), "{soft}");
        drop(first);
        drop(open("soft.db").unwrap());
        fs::hard_link(folder.path().join("journal.db"), folder.path().join("hard.db")).unwrap();
        let hard = open("hard.db").unwrap_err();
        assert!(hard.contains("it has 2 names (hard links)"), "{hard}");
    }
}

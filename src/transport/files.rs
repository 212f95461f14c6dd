//! Files that are read again when they have changed.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use crate::telemetry;

/// Which file stands under a path, and in which state: where two of them are equal, nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FileState(Option<Found>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Found {
    /// Behind all links.
    resolved: PathBuf,
    inode: Option<Inode>,
    bytes: u64,
    modified: Option<SystemTime>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Inode {
    device: u64,
    number: u64,
    /// In seconds and nanoseconds: this also changes with the permissions.
    changed: (i64, i64),
}

/// What is made of files, and made again when they have changed.
#[derive(Debug)]
pub(super) struct Made<T: ?Sized> {
    files: Vec<PathBuf>,
    make: fn(&[PathBuf]) -> Result<Arc<T>, String>,
    kept: Mutex<(Vec<FileState>, Arc<T>)>,
}

// === impl Made ===

impl<T: ?Sized> Made<T> {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// What is wrong with them, without what stands in them.
    pub(super) fn try_new(
        files: Vec<PathBuf>,
        make: fn(&[PathBuf]) -> Result<Arc<T>, String>,
    ) -> Result<Self, String> {
        // Before they are read: a change between the two is seen.
        let seen = identities(&files);
        let kept = Mutex::new((seen, make(&files)?));
        Ok(Self { files, make, kept })
    }

    /// What is made of them as they are now. Files that are wrong are told of once, and what was made before goes on.
    ///
    /// It looks at files, and waits for that: to be called when a connection is made, not for every request.
    pub(super) fn now(&self) -> Arc<T> {
        let seen = identities(&self.files);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0 != seen {
            kept.0 = seen;
            match (self.make)(&self.files) {
                Ok(made) => {
                    kept.1 = made;
                    telemetry::files_read_again(&self.files[0]);
                }
                Err(says) => telemetry::files_refused(&self.files[0], &says),
            }
        }
        kept.1.clone()
    }

    /// What was made of them at the last look.
    pub(super) fn last(&self) -> Arc<T> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

fn identities(files: &[PathBuf]) -> Vec<FileState> {
    files.iter().map(|file| FileState::of(file)).collect()
}

// === impl FileState ===

impl FileState {
    /// What stands there now.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let found = || {
            let resolved = fs::canonicalize(path).ok()?;
            let metadata = fs::metadata(&resolved).ok()?;
            let modified = metadata.modified().ok();
            Some(Found { resolved, inode: inode(&metadata), bytes: metadata.len(), modified })
        };
        Self(found())
    }

    /// Of a file of that many bytes that is not there.
    #[cfg(test)]
    pub(crate) fn of_bytes(bytes: u64) -> Self {
        let resolved = PathBuf::from("/f");
        Self(Some(Found { resolved, inode: None, bytes, modified: None }))
    }
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> Option<Inode> {
    use std::os::unix::fs::MetadataExt as _;

    let changed = (metadata.ctime(), metadata.ctime_nsec());
    Some(Inode { device: metadata.dev(), number: metadata.ino(), changed })
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> Option<Inode> {
    None
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Arc};

    use super::{FileState, Made};

    #[test]
    fn what_is_wrong_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("number");
        let write = |text: &str| fs::write(&path, text).expect("writable");
        write("one");
        let made = Made::<String>::try_new(vec![path.clone()], |files| {
            let text = fs::read_to_string(&files[0]).map_err(|error| error.to_string())?;
            if text.is_empty() { Err("is empty".to_owned()) } else { Ok(Arc::new(text)) }
        });
        let made = made.expect("it is there");
        let first = made.now();
        assert!(Arc::ptr_eq(&first, &made.now()), "nothing was done");
        write("");
        assert!(Arc::ptr_eq(&first, &made.now()), "it is wrong");
        fs::remove_file(&path).expect("there");
        assert!(Arc::ptr_eq(&first, &made.now()), "it is gone");
        write("three");
        assert_eq!(*made.now(), "three");
    }

    /// What somebody does to a file, and whether it is seen.
    #[track_caller]
    fn sees(what: &str, change: impl FnOnce(&Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.pem");
        fs::write(&path, "one").expect("writable");
        let before = FileState::of(&path);
        assert_eq!(before, FileState::of(&path), "nothing was done");
        change(&path);
        assert_ne!(before, FileState::of(&path), "{what}");
    }

    #[test]
    fn whatever_is_done_to_a_file_is_seen() {
        sees("written longer", |path| fs::write(path, "three").expect("writable"));
        sees("taken away", |path| fs::remove_file(path).expect("there"));
        sees("replaced by an editor", |path| {
            let other = path.with_extension("new");
            fs::write(&other, "two").expect("writable");
            fs::rename(&other, path).expect("renamed");
        });
    }

    /// As Kubernetes has it: `key.pem -> ..data/key.pem`, `..data -> ..2026`.
    #[cfg(unix)]
    #[test]
    fn a_swapped_link_is_seen() {
        use std::os::unix::fs::symlink;

        sees("the folder behind it is another one", |path| {
            let folder = path.parent().expect("a folder");
            let at = |name: &str| folder.join(name);
            let version = |name: &str| {
                fs::create_dir(at(name)).expect("made");
                fs::write(at(name).join("key.pem"), "one").expect("writable");
            };
            version("..one");
            symlink("..one", at("..data")).expect("linked");
            fs::remove_file(path).expect("there");
            symlink("..data/key.pem", path).expect("linked");
            let before = FileState::of(path);
            version("..two");
            symlink("..two", at("..tmp")).expect("linked");
            fs::rename(at("..tmp"), at("..data")).expect("renamed");
            assert_ne!(before, FileState::of(path), "swapped");
        });
    }
}

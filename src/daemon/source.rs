//! Where the daemon's configuration comes from, again and again.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use fanfare_sdk::Registry;

use super::FileState;
use crate::{
    config::{Config, ConfigError, Lookup, Surroundings, load_by},
    engine::Connecting,
    policy::Connection,
};

/// The files that a configuration was read from, as they were before they were read.
pub type Seen = BTreeMap<PathBuf, FileState>;

/// A file, and the kinds of targets that it may name.
#[derive(Clone)]
pub struct Source {
    file: PathBuf,
    kinds: Arc<Registry>,
}

/// Looks at each file before it reads it.
struct Recording {
    here: Box<dyn Lookup>,
    directory: PathBuf,
    seen: RefCell<Seen>,
}

impl Source {
    /// That file; what it refers to is looked up in the environment and beside it.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>, kinds: Registry) -> Self {
        Self { file: file.into(), kinds: Arc::new(kinds) }
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads and checks it. Says also what it was read from, right or wrong. Blocks on the disk.
    pub fn load(&self) -> (Result<Config, ConfigError>, Seen) {
        let directory = self.file.parent().unwrap_or(Path::new("")).to_owned();
        let seen = [(self.file.clone(), FileState::of(&self.file))].into();
        // Where no client can be made at all, whoever starts an engine is told.
        let here: Box<dyn Lookup> = match Connecting::try_new(&directory) {
            Ok(connecting) => Box::new(connecting),
            Err(_) => Box::new(Surroundings::new(&directory)),
        };
        let lookup = Recording { here, directory, seen: RefCell::new(seen) };
        let config = load_by(&self.file, &self.kinds, &lookup);
        (config, lookup.seen.into_inner())
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Lookup for Recording {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        self.here.env(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.record(path);
        self.here.file(path)
    }

    fn document(&self, path: &str) -> Result<String, String> {
        self.record(path);
        self.here.document(path)
    }

    fn command(&self, command: &str) -> Result<String, String> {
        self.here.command(command)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.here.path(path)
    }

    fn unconnected(&self, connection: &Arc<Connection>) -> Vec<(&'static str, String)> {
        self.here.unconnected(connection)
    }
}

impl Recording {
    /// Whoever is referred to twice is as it was at first.
    fn record(&self, path: &str) {
        let at = self.directory.join(path);
        let before = FileState::of(&at);
        self.seen.borrow_mut().entry(at).or_insert(before);
    }
}

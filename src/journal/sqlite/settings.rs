//! How a journal on disk is kept.

use std::{path::PathBuf, time::Duration};

use super::MasterKey;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How a journal on disk is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SqliteSettings {
    /// The file. SQLite puts two more beside it (`-wal` and `-shm`), and so do we (`-lock`).
    pub path: PathBuf,
    /// Calls that are committed together at most. More in one commit are more calls that fail with it.
    pub group_max: usize,
    /// Calls that wait for the writer at most; beyond them, callers wait to be let in.
    pub waiting_max: usize,
    /// Connections that read beside the writer. Each holds up to 8 MB of pages.
    pub readers: usize,
    /// Broadcasts that the writer holds in memory beside the file, so as not to read again what it has just written.
    pub cached_max: usize,
    /// How long a broadcast is kept after it has settled, where none of its deliveries is a dead letter.
    pub keep: Duration,
    /// How long it is kept where one is.
    pub keep_dead_letters: Duration,
    /// Bytes in use beyond which broadcasts are forgotten earlier, the oldest first; but never what is open, nor dead
    /// letters. None is no limit.
    pub bytes_max: Option<u64>,
    /// Deliveries that have not settled at most; beyond them, broadcasts are refused. Bounds the disk.
    pub deliveries_open_max: u64,
    /// The first one seals what is accepted from now on; the others open what they have sealed. None: nothing is sealed.
    pub master_keys: Vec<MasterKey>,
}

impl SqliteSettings {
    /// For that file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            group_max: 256,
            waiting_max: 4_096,
            readers: 2,
            cached_max: 8_192,
            keep: 30 * DAY,
            keep_dead_letters: 90 * DAY,
            bytes_max: None,
            deliveries_open_max: 10_000_000,
            master_keys: Vec::new(),
        }
    }
}

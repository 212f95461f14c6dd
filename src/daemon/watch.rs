//! Sees that files have changed, by looking at them each second.
//!
//! It looks instead of being told: what tells (inotify) follows inodes, and is not told of the renames of editors, of the
//! swapped links of Kubernetes and of files on network disks what it needs to know.

use std::{
    collections::BTreeMap,
    mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::sleep;

use crate::transport::FileState;

/// How often it looks. Who changes a file waits for about two of them.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks after which a change is told, although the files have not come to rest: somebody writes all the time.
const RESTLESS_MAX: u32 = 10;

/// Tells when files have changed.
#[derive(Debug)]
pub struct FileWatch {
    /// As they were when the last change was told.
    told: BTreeMap<PathBuf, FileState>,
    /// As they were at the last look, where that was something else.
    restless: Option<BTreeMap<PathBuf, FileState>>,
    looks: u32,
    look: Look,
}

#[derive(Clone)]
struct Look(Arc<dyn Fn(&Path) -> FileState + Send + Sync>);

// === impl FileWatch ===

impl FileWatch {
    /// Looks at these files now, and tells from here on when they have changed. Begin before you read them: a change
    /// between the two is then told.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let seen = |path: PathBuf| {
            let identity = FileState::of(&path);
            (path, identity)
        };
        Self::since(paths.into_iter().map(seen).collect())
    }

    /// Tells when they are not any more what was seen of them before they were read.
    #[must_use]
    pub fn since(seen: BTreeMap<PathBuf, FileState>) -> Self {
        Self { told: seen, restless: None, looks: 0, look: Look(Arc::new(FileState::of)) }
    }

    /// The paths that have changed, once they have not changed any more for a second. One that is gone, or is there again,
    /// has changed too.
    ///
    /// # Cancel safety
    /// What was seen is kept; nothing is lost.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            sleep(LOOK_EVERY).await;
            let now = self.look().await;
            if now == self.told {
                (self.restless, self.looks) = (None, 0);
                continue;
            }
            self.looks += 1;
            let is_at_rest = self.restless.as_ref() == Some(&now);
            if is_at_rest || self.looks >= RESTLESS_MAX {
                (self.restless, self.looks) = (None, 0);
                let before = mem::replace(&mut self.told, now);
                let other = |(path, seen): (PathBuf, FileState)| {
                    (self.told.get(&path) != Some(&seen)).then_some(path)
                };
                return before.into_iter().filter_map(other).collect();
            }
            self.restless = Some(now);
        }
    }

    /// On a thread that may wait for a disk.
    async fn look(&self) -> BTreeMap<PathBuf, FileState> {
        let (paths, look) = (self.told.keys().cloned().collect::<Vec<_>>(), self.look.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let seen = |path: PathBuf| {
                let identity = (look.0)(&path);
                (path, identity)
            };
            paths.into_iter().map(seen).collect()
        });
        // Where the runtime ends, there is nothing more to see.
        looked.await.unwrap_or_else(|_| self.told.clone())
    }
}

// === impl Look ===

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Look")
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::{Path, PathBuf},
        sync::{
            Arc, Mutex,
            atomic::{AtomicU64, Ordering},
        },
        time::Duration,
    };

    use tokio::time::timeout;

    use super::{FileState, FileWatch, Look};

    /// A file that is of that version at each look; none: it is not there.
    fn version(version: Option<u64>) -> FileState {
        version.map_or_else(FileState::default, FileState::of_bytes)
    }

    /// The looks at one file, second by second (the last one goes on), and when a change of it is told.
    #[track_caller]
    fn check(looks: &[Option<u64>], told: &[u64]) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let seen = runtime.expect("a runtime").block_on(async {
            let left: Vec<_> = looks.iter().rev().copied().collect();
            let left = Mutex::new(left);
            let seconds = Arc::new(AtomicU64::new(0));
            let looked = seconds.clone();
            let look = move |_: &Path| {
                looked.fetch_add(1, Ordering::Relaxed);
                let mut left = left.lock().expect("no panic");
                let now = left.last().copied().flatten();
                if left.len() > 1 {
                    left.pop();
                }
                version(now)
            };
            let path = PathBuf::from("/f");
            let mut watch = FileWatch::since([(path.clone(), look(&path))].into());
            watch.look = Look(Arc::new(look));
            let mut seen = Vec::new();
            while let Ok(changed) = timeout(Duration::from_secs(30), watch.changed()).await {
                assert_eq!(changed, vec![path.clone()]);
                // One look at the beginning, then one a second.
                seen.push(seconds.load(Ordering::Relaxed) - 1);
            }
            seen
        });
        assert_eq!(seen, told, "{looks:?}");
    }

    #[test]
    fn a_change_is_told_once_when_the_file_has_come_to_rest() {
        let (none, a, b, c) = (None, Some(1), Some(2), Some(3));
        check(&[a], &[]);
        check(&[a, b], &[2]);
        check(&[a, a, a, b], &[4]);
        check(&[a, b, c], &[3]);
        check(&[a, b, b, c], &[2, 4]);
        // Between two renames, for a moment.
        check(&[a, none, b], &[3]);
        check(&[a, none, a], &[]);
        check(&[a, none], &[2]);
        check(&[none, a], &[2]);
        // Somebody writes all the time.
        check(&(0..16).map(Some).collect::<Vec<_>>(), &[10, 16]);
    }
}

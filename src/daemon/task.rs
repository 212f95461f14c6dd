//! The one place where the daemon's tasks are spawned.

use std::future::Future;

/// Runs `work` beside everything else.
#[expect(clippy::disallowed_methods, reason = "the one place where the daemon's tasks are spawned")]
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    drop(tokio::spawn(work));
}

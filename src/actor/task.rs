//! The one place where tasks are spawned.

use std::future::Future;

use tokio::task::AbortHandle;

/// Runs `work` on the runtime. A task is in no span of its sender: its work belongs to its own delivery.
#[expect(clippy::disallowed_methods, reason = "the one place where tasks are spawned")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(work).abort_handle()
}

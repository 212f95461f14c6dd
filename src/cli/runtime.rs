//! Where the program's asynchronous work runs.

use std::{future::Future, io, time::Duration};

use tokio::runtime::Builder;

/// How long what is still busy may take to let go of what it holds.
const LET_GO_MAX: Duration = Duration::from_secs(2);

/// Runs `work` to its end. Whatever is still busy then is left behind: an expression that never ends holds nobody up.
pub(super) fn run<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

/// The same on as many threads as there are cores; what others hold is let go, and so a journal is closed.
pub(super) fn run_on_all_cores<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LET_GO_MAX);
    Ok(done)
}

//! Where the program's asynchronous work runs.

use std::{future::Future, io};

use tokio::runtime::Builder;

/// Runs `work` to its end. Whatever is still busy then is left behind: an expression that never ends holds nobody up.
pub(super) fn run<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(done)
}

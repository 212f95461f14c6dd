//! Where the program's asynchronous work runs.

use std::{future::Future, io};

use tokio::runtime::{Builder, Runtime};

/// Runs `work` to its end. Whatever is still busy then is left behind: an expression that never ends holds nobody up.
pub(super) fn run<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(finish(Builder::new_current_thread().enable_all().build()?, work))
}

/// The same on as many threads as there are cores.
pub(super) fn run_on_all_cores<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(finish(Builder::new_multi_thread().enable_all().build()?, work))
}

fn finish<T>(runtime: Runtime, work: impl Future<Output = T>) -> T {
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

//! The CPU time of one batch.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::{runtime::Runtime, task::JoinSet};

use super::{
    contender::Contender,
    row::{Flavour, Row},
};

/// The runtime of a row; both sides run on it.
pub(crate) fn runtime(flavour: Flavour) -> std::io::Result<Runtime> {
    let mut builder = match flavour {
        Flavour::CurrentThread => tokio::runtime::Builder::new_current_thread(),
        Flavour::MultiThread => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.worker_threads(2).enable_all().build()
}

/// Microseconds of this process's CPU time per delivery, user and system, all threads.
pub(crate) fn run(
    runtime: &Runtime,
    contender: &impl Contender,
    row: &Row,
    broadcasts: usize,
) -> f64 {
    let before = cpu_time();
    runtime.block_on(send_all(contender, row.at_once, broadcasts));
    let spent = cpu_time().saturating_sub(before);
    let deliveries = u32::try_from(broadcasts * row.targets).unwrap_or(u32::MAX);
    spent.as_secs_f64() * 1e6 / f64::from(deliveries)
}

/// Each sender is a task, as the handlers of a service are: also where there is only one.
async fn send_all(contender: &impl Contender, at_once: usize, broadcasts: usize) {
    let mut senders = JoinSet::new();
    for sender in 0..at_once {
        let contender = contender.clone();
        let share = broadcasts / at_once + usize::from(sender < broadcasts % at_once);
        senders.spawn(async move {
            for _ in 0..share {
                contender.broadcast().await;
            }
        });
    }
    // Panics with the first sender that panicked.
    senders.join_all().await;
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

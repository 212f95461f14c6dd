//! What the process has used, as the system sees it.

use std::{fs, io, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// Bytes of a page, on the machines that this is measured on.
const PAGE: usize = 4_096;

/// Bytes of memory that the process has now (Linux).
pub(crate) fn resident() -> io::Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    Ok(pages.ok_or_else(|| io::Error::other("/proc/self/statm is odd"))? * PAGE)
}

/// CPU time of the process, of all threads.
pub(crate) fn cpu() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = u32::try_from(spent.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), nanos)
}

/// Now.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

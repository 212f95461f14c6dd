//! The clock that a test pauses.

use std::{thread, time::Duration};

use tokio::time::Instant;

#[expect(clippy::disallowed_methods, reason = "tokio's clock is the one that a test pauses")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether it stands still while the world goes on.
pub(crate) fn is_paused() -> bool {
    let before = now();
    thread::sleep(Duration::from_millis(1));
    now() == before
}

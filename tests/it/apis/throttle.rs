//! An API that asks to be left alone for a while, and means it.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

/// Refuses the first request, and every other one that comes before its time is over.
pub(super) struct Throttle {
    wait: Duration,
    until: Mutex<Option<Instant>>,
}

impl Throttle {
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, until: Mutex::default() }
    }

    /// Whether this request comes too early.
    #[expect(clippy::disallowed_methods, reason = "tokio's clock is the one that a test pauses")]
    pub(super) fn refuses(&self) -> bool {
        let now = Instant::now();
        now < *self.until.lock().unwrap().get_or_insert(now + self.wait)
    }
}

//! How the attempts at a target went lately, for whoever looks on.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::policy::Durations;

/// How the attempts at a target went lately.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    attempts: AtomicU64,
    failed: AtomicU64,
    took: Mutex<Durations>,
}

impl Pulse {
    /// An attempt has ended; where it was answered, after that time.
    pub(super) fn ended(&self, well: bool, took: Option<Duration>) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(!well), Ordering::Relaxed);
        if let Some(took) = took {
            self.took.lock().unwrap_or_else(PoisonError::into_inner).add(took);
        }
    }

    /// Attempts that have ended in this life of the process, and those of them that did not succeed.
    pub(crate) fn attempts(&self) -> (u64, u64) {
        (self.attempts.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    /// The median and the 99th percentile of the latest that were answered.
    pub(crate) fn percentiles(&self) -> Option<(Duration, Duration)> {
        let took = self.took.lock().unwrap_or_else(PoisonError::into_inner).clone();
        took.percentiles()
    }
}

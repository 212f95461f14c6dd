//! Time and chance, read here and nowhere else; everybody below is given them as arguments.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use fanfare_sdk::Timestamp;
use tokio::time::Instant;

/// The clock of an engine: wall time at its start, and monotonic from there on.
///
/// It runs on the runtime's time, so that a paused runtime pauses it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    anchor: Timestamp,
    started: Instant,
}

impl Clock {
    /// Starts at the system's time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the system's clock is read")]
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(Timestamp::default().after(since))
    }

    /// Starts at that time: for simulations and tests.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the runtime's clock is read"
    )]
    pub fn starting_at(anchor: Timestamp) -> Self {
        Self { anchor, started: Instant::now() }
    }

    /// Now; never before an earlier answer.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.anchor.after(self.started.elapsed())
    }

    /// Waits until then.
    pub(crate) async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep_until(self.started + at.since(self.anchor)).await;
    }

    /// Waits that long.
    pub(crate) async fn sleep(&self, wait: Duration) {
        self.sleep_until(self.now().after(wait)).await;
    }
}

/// Chance: seeds, ids of traces and spans, nonces. Not for secrets.
#[derive(Debug)]
pub struct Entropy(Mutex<fastrand::Rng>);

impl Entropy {
    /// Seeded by the system.
    #[must_use]
    pub fn system() -> Self {
        Self::seeded(RandomState::new().build_hasher().finish())
    }

    /// The same seed gives the same numbers: for simulations and tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Any number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).u64(..)
    }

    /// Eight bytes, not all of them zero.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        self.number().max(1).to_be_bytes()
    }

    /// Sixteen bytes, not all of them zero.
    #[must_use]
    pub fn bytes(&self) -> [u8; 16] {
        let mut rng = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rng.u128(1..).to_be_bytes()
    }
}

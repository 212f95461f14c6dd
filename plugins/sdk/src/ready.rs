//! What an authorizer may use to become ready, also for longer than whoever has asked waits.

use std::{
    fmt,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{AuthError, Timestamp, Wire};

/// Work that nobody has to wait for.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an authorizer may use to become ready. Owned, so that an `async fn` with it needs no lifetime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ready {
    /// The time when it was asked.
    pub now: Timestamp,
    /// Chance: another one for each asking.
    pub nonce: [u8; 16],
    /// The way out of the target, without what its authorizers add to a request.
    pub wire: Wire,
    background: Arc<dyn Background>,
}

/// Where work goes on when nobody waits for it any more. The engine's; without an engine everything is done in place.
pub trait Background: fmt::Debug + Send + Sync + 'static {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Runs the work to its end, or drops it after that time. What is returned ends with it, and may be dropped.
    fn detach(&self, work: Work, within: Duration) -> Work;

    /// Runs what blocks where it holds nobody up. Once begun, it comes to its end. What is returned ends with it.
    fn block(&self, work: Box<dyn FnOnce() + Send>) -> Work;

    /// Tells whoever is on call of what nobody else is told.
    fn warn(&self, error: &AuthError);
}

/// Whoever asks does it all.
#[derive(Debug)]
struct InPlace(Timestamp);

// === impl Ready ===

impl Ready {
    /// What an authorizer may use. Time stands still, and work is done by whoever waits for it.
    #[must_use]
    pub fn new(now: Timestamp, nonce: [u8; 16], wire: Wire) -> Self {
        Self { now, nonce, wire, background: Arc::new(InPlace(now)) }
    }

    /// With that background.
    #[must_use]
    pub fn on(mut self, background: Arc<dyn Background>) -> Self {
        self.background = background;
        self
    }

    /// The time by now: later than `now` where something was waited for.
    #[must_use]
    pub fn by_now(&self) -> Timestamp {
        self.background.now()
    }

    /// Runs the work to its end, whether or not somebody waits for what is returned. After that time, and after a minute at
    /// the latest, it is dropped.
    pub fn detach(
        &self,
        within: Duration,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> Work {
        self.background.detach(Box::pin(work), within)
    }

    /// Runs what blocks (files, above all) where it holds nobody up; none where it panicked.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let done = Arc::new(Mutex::new(None));
        let put = done.clone();
        let work = move || {
            let value = work();
            *put.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        };
        self.background.block(Box::new(work)).await;
        done.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells whoever is on call of what nobody else is told: no delivery fails of it.
    pub fn warn(&self, error: &AuthError) {
        self.background.warn(error);
    }
}

// === impl InPlace ===

impl Background for InPlace {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn detach(&self, work: Work, _within: Duration) -> Work {
        work
    }

    fn block(&self, work: Box<dyn FnOnce() + Send>) -> Work {
        work();
        Box::pin(ready(()))
    }

    fn warn(&self, _error: &AuthError) {}
}

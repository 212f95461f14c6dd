//! One timer for all that waits in an actor.

use fanfare_sdk::Timestamp;
use tokio::task::AbortHandle;

use super::{Clock, task};

/// Wakes an actor at the earliest of the times it was set to.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    armed: Option<(Timestamp, AbortHandle)>,
}

impl Alarm {
    /// Rings no later than `at`. An earlier ringing stays: it does no harm.
    pub(super) fn set(
        &mut self,
        clock: Clock,
        at: Timestamp,
        ring: impl FnOnce() + Send + 'static,
    ) {
        if self.armed.as_ref().is_some_and(|(armed, _)| *armed <= at) {
            return;
        }
        self.clear();
        let sleeper = task::spawn(async move {
            clock.sleep_until(at).await;
            ring();
        });
        self.armed = Some((at, sleeper));
    }

    /// It has rung, or need not ring.
    pub(super) fn clear(&mut self) {
        if let Some((_, sleeper)) = self.armed.take() {
            sleeper.abort();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clear();
    }
}

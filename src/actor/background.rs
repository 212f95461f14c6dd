//! Where authorizers go on with what they have begun when nobody waits for it any more.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_sdk::{AuthError, Background, TargetName, Timestamp, Work};
use futures_util::FutureExt;
use tokio::{sync::oneshot, task::spawn_blocking, time::timeout};

use super::{Clock, task};
use crate::telemetry;

/// How long work may go on beside everything: a token endpoint that has not answered by then does not answer.
const DETACHED_MAX: Duration = Duration::from_secs(60);

/// What an engine has going on beside its deliveries; its end waits for that a little.
#[derive(Clone, Debug, Default)]
pub(crate) struct Detached(Arc<AtomicUsize>);

/// The background of the authorizers of one target.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) target: TargetName,
    pub(super) clock: Clock,
    pub(super) detached: Detached,
}

/// One is going on.
struct Going(Detached);

// === impl Detached ===

impl Detached {
    /// Whether nothing is going on.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    fn one(&self) -> Going {
        self.0.fetch_add(1, Ordering::SeqCst);
        Going(self.clone())
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

// === impl Beside ===

impl Background for Beside {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn detach(&self, work: Work, within: Duration) -> Work {
        let (going, (ends, ended)) = (self.detached.one(), oneshot::channel::<()>());
        task::spawn(async move {
            // What has panicked has ended, too: whoever waits sees that there is nothing.
            let work = AssertUnwindSafe(work).catch_unwind();
            drop(timeout(within.min(DETACHED_MAX), work).await);
            drop((going, ends));
        });
        Box::pin(async move { drop(ended.await) })
    }

    fn block(&self, work: Box<dyn FnOnce() + Send>) -> Work {
        let work = spawn_blocking(work);
        Box::pin(async move { drop(work.await) })
    }

    fn warn(&self, error: &AuthError) {
        telemetry::auth_warned(&self.target, error);
    }
}

//! The batches of those who run in this process.

use std::{error::Error, future::Future, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use tokio::task::JoinSet;

use super::{contender::Contender, stage::Stage};

/// Sends one payload to all its targets.
pub(crate) trait Sender: Clone + Send + Sync + 'static {
    /// Ends when each target has answered.
    ///
    /// # Panics
    /// When one of them was not delivered to.
    fn broadcast(&self) -> impl Future<Output = ()> + Send;

    /// Does what a batch has left to do later. It counts as the batch's, and not as that of whoever is next.
    fn finish(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Lets go of everything.
    fn end(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// On the runtime of the row, in this process.
#[derive(Debug)]
pub(crate) struct InProcess<'a, S: Sender> {
    stage: &'a Stage<'a>,
    sender: S,
}

impl<'a, S: Sender> InProcess<'a, S> {
    /// Ends the sender when it is dropped.
    pub(crate) fn new(stage: &'a Stage<'a>, sender: S) -> Self {
        Self { stage, sender }
    }

    /// Each sender is a task, as the handlers of a service are: also where there is only one.
    async fn send_all(&self, broadcasts: usize) {
        let at_once = self.stage.row.at_once;
        let mut senders = JoinSet::new();
        for place in 0..at_once {
            let sender = self.sender.clone();
            let share = broadcasts / at_once + usize::from(place < broadcasts % at_once);
            senders.spawn(async move {
                for _ in 0..share {
                    sender.broadcast().await;
                }
            });
        }
        // Panics with the first sender that panicked.
        senders.join_all().await;
        self.sender.finish().await;
    }
}

impl<S: Sender> Contender for InProcess<'_, S> {
    fn batch(&mut self, broadcasts: usize) -> Result<Duration, Box<dyn Error>> {
        let before = cpu_time();
        self.stage.runtime.block_on(self.send_all(broadcasts));
        Ok(cpu_time().saturating_sub(before))
    }
}

impl<S: Sender> Drop for InProcess<'_, S> {
    fn drop(&mut self) {
        self.stage.runtime.block_on(self.sender.end());
    }
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

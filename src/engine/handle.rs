//! A broadcast that was accepted.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::Gone;
use crate::{
    actor::{CoordinatorMsg, Shared, Until, Waiter},
    journal::JournalError,
    report::{BroadcastId, CancelledBy, Report},
};

/// A broadcast that was accepted. Dropping it cancels nothing.
#[derive(Clone, Debug)]
pub struct BroadcastHandle {
    pub(super) shared: Arc<Shared>,
    pub(super) id: BroadcastId,
}

impl BroadcastHandle {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> BroadcastId {
        self.id
    }

    /// Waits for the verdict; deliveries may go on after it.
    ///
    /// # Errors
    /// When the engine is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be asked again.
    pub async fn verdict(&self) -> Result<Report, Gone> {
        self.wait(Until::Verdict).await
    }

    /// Waits until every delivery has ended.
    ///
    /// # Errors
    /// When the engine is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be asked again.
    pub async fn settled(&self) -> Result<Report, Gone> {
        self.wait(Until::Settled).await
    }

    /// What is known now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn report(&self) -> Result<Option<Report>, JournalError> {
        self.shared.journal.view(self.id).await
    }

    /// Ends what has not ended: what is in flight gets the target's grace.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing was cancelled, or that is not known.
    pub async fn cancel(&self) -> Result<(), JournalError> {
        let now = self.shared.clock.now();
        let committed = self.shared.journal.ask_cancel(self.id, CancelledBy::Caller, now).await?;
        self.shared.route(&committed, CancelledBy::Caller);
        Ok(())
    }

    async fn wait(&self, until: Until) -> Result<Report, Gone> {
        if let Ok(Some(report)) = self.shared.journal.view(self.id).await
            && until.is_over(&report)
        {
            return Ok(report);
        }
        let (answer, report) = oneshot::channel();
        let desk = self.shared.desk(self.id);
        desk.wait(self.id, Waiter { until, answer, is_accepted: true });
        desk.address.tell(CoordinatorMsg::Watch(self.id));
        report.await.map_err(|_| Gone)
    }
}

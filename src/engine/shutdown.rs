//! How an engine ends: with everything cancelled, or with everything left where another one goes on.

use std::{collections::HashSet, sync::atomic::Ordering, time::Duration};

use super::Engine;
use crate::{
    journal::JournalError,
    report::{BroadcastId, CancelledBy},
    telemetry,
};

/// What a shutdown allows beyond the longest grace, for the last ends to be recorded.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(3);

/// How long the end waits for what authorizers have begun: whoever does not hear the answer of a token endpoint may have
/// lost the next refresh token.
const DETACHED_GRACE: Duration = Duration::from_secs(5);

/// The pause before it is looked again whether all attempts have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// How a shutdown went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Shutdown {
    /// Broadcasts that had not settled when its time was over.
    pub unsettled: usize,
}

impl Engine {
    /// Ends everything: nothing is accepted any more, what waits is cancelled, what is in flight gets its grace.
    /// Every delivery has an outcome when it returns, unless the journal has failed.
    pub async fn shutdown(&self) -> Shutdown {
        let shared = &self.0.shared;
        shared.closing.store(true, Ordering::SeqCst);
        let grace = shared
            .slots
            .all()
            .values()
            .map(|slot| slot.parts().policy.cancel_grace)
            .max()
            .unwrap_or_default();
        let ended = tokio::time::timeout(grace + SHUTDOWN_MARGIN, self.cancel_all()).await;
        let unsettled = match ended {
            Ok(()) => 0,
            Err(_) => shared.journal.open_broadcasts().await.map_or(usize::MAX, |open| open.len()),
        };
        self.answer_all().await;
        drop(tokio::time::timeout(DETACHED_GRACE, self.nothing_detached()).await);
        self.0.end();
        Shutdown { unsettled }
    }

    /// Tells those who still wait what became of it.
    async fn answer_all(&self) {
        let shared = &self.0.shared;
        for desk in &shared.desks {
            for id in desk.waited_for() {
                if let Ok(Some(report)) = shared.journal.view(id).await {
                    desk.answer(report);
                }
            }
        }
        let Some(observed) = &shared.observed else { return };
        for id in observed.watched() {
            if let Ok(Some(report)) = shared.journal.view(id).await {
                observed.tell(&report);
            }
        }
        observed.close();
    }

    /// Ends, and leaves everything in the journal for another engine to go on with: nothing is accepted and nothing
    /// begins any more, and what is in flight may end for that long. What has not ended by then ends by its effect. Says
    /// how many broadcasts are left open.
    ///
    /// Only for a journal that outlives the process: with another one, what is left is lost.
    pub async fn drain(&self, grace: Duration) -> Shutdown {
        let shared = &self.0.shared;
        shared.closing.store(true, Ordering::SeqCst);
        shared.draining.store(true, Ordering::SeqCst);
        if tokio::time::timeout(grace, self.landed()).await.is_err() {
            for slot in shared.slots.all().values() {
                slot.abort_all();
            }
            drop(tokio::time::timeout(SHUTDOWN_MARGIN, self.landed()).await);
        }
        let unsettled =
            shared.journal.open_broadcasts().await.map_or(usize::MAX, |open| open.len());
        self.answer_all().await;
        drop(tokio::time::timeout(DETACHED_GRACE, self.nothing_detached()).await);
        self.0.end();
        Shutdown { unsettled }
    }

    /// Waits until no attempt is in flight, and nothing is being accepted.
    async fn landed(&self) {
        let shared = &self.0.shared;
        let is_busy = || {
            let in_flight = |slot: &crate::actor::Slot| slot.in_flight_count() > 0;
            shared.accepting.load(Ordering::SeqCst) > 0
                || shared.slots.all().values().any(|slot| in_flight(slot))
        };
        while is_busy() {
            shared.clock.sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until authorizers have ended what they have begun.
    async fn nothing_detached(&self) {
        let shared = &self.0.shared;
        while !shared.detached.is_empty() {
            shared.clock.sleep(LOOK_AGAIN).await;
        }
    }

    async fn cancel_all(&self) {
        let shared = &self.0.shared;
        let mut asked = HashSet::new();
        loop {
            let settled = shared.settled.notified();
            let mut settled = std::pin::pin!(settled);
            settled.as_mut().enable();
            match self.cancel_new(&mut asked).await {
                Ok(0) if shared.accepting.load(Ordering::SeqCst) == 0 => return,
                Ok(_) => settled.await,
                Err(error) => {
                    telemetry::journal_failed("shutdown", &error);
                    shared.clock.sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    /// Asks all broadcasts to end that were not asked yet; says how many are open.
    async fn cancel_new(&self, asked: &mut HashSet<BroadcastId>) -> Result<usize, JournalError> {
        let shared = &self.0.shared;
        let open = shared.journal.open_broadcasts().await?;
        for (id, _) in &open {
            if !asked.contains(id) {
                let committed = shared
                    .journal
                    .ask_cancel(*id, CancelledBy::Shutdown, shared.clock.now())
                    .await?;
                shared.route(&committed, CancelledBy::Shutdown);
                asked.insert(*id);
            }
        }
        Ok(open.len())
    }
}

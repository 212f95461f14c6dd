//! A lock around the store.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use fanfare_sdk::{TargetName, Timestamp};

use super::{MemoryLimits, Occupancy, store::Store};
use crate::{
    journal::{
        Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, Journal,
        JournalError, Letters, Mark, NewBroadcast, Open, Page, Summary,
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, Limit, NoticeOf, Report, Usage},
};

/// A journal in memory: as fast as it gets, and gone with the process.
///
/// # Cancel safety
///
/// No method ever waits: once polled, it is done.
pub struct MemoryJournal {
    store: Mutex<Store>,
    limits: MemoryLimits,
}

impl MemoryJournal {
    /// A journal that holds nothing yet.
    #[must_use]
    pub fn new(limits: MemoryLimits) -> Self {
        Self { store: Mutex::new(Store::new(limits)), limits }
    }

    /// How much it holds.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        self.store().occupancy()
    }

    /// The store changes only after all checks, so it is whole even when a thread panicked with the lock.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new(MemoryLimits::default())
    }
}

impl fmt::Debug for MemoryJournal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryJournal").field(&self.occupancy()).finish()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        self.store().accept(broadcast)
    }

    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError> {
        Ok(self.store().claim(serving, boot, now))
    }

    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        self.store().due(claim, until, count_max)
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError> {
        Ok(self.store().delivery(id))
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        self.store().append(claim, entries, now)
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        self.store().record(id, fact)
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        Ok(self.store().ask_cancel(id, by, now))
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        Ok(self.store().judge(id, now))
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        Ok(self.store().view(id))
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        Ok(self.store().open_broadcasts())
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError> {
        Ok(self.store().dead_letters(filter, from, count_max))
    }

    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError> {
        Ok(self.store().discard(letters))
    }

    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError> {
        Ok(self.store().broadcasts(filter, before, count_max))
    }

    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError> {
        Ok(self.store().sent(id))
    }

    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        Ok(self.store().serving())
    }

    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        Ok(self.store().owing())
    }

    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError> {
        Ok(self.store().owed(target, count_max))
    }

    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError> {
        Ok(self.store().forgo(target))
    }

    fn waits(&self) -> bool {
        false
    }

    fn usage(&self) -> Vec<Usage> {
        let (held, max) = (self.occupancy(), self.limits);
        let usage = |limit, used: usize, max: usize| Usage {
            limit,
            target: None,
            used: used as u64,
            max: max as u64,
        };
        vec![
            usage(Limit::DeliveriesOpen, held.deliveries_open, max.deliveries_open_max),
            usage(Limit::PayloadBytesOpen, held.payload_bytes_open, max.payload_bytes_max),
            usage(Limit::Settled, held.broadcasts_settled, max.settled_max),
            usage(Limit::DeadLetters, held.dead_letters, max.dead_letters_max),
        ]
    }
}

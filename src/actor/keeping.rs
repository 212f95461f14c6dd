//! What a gate must not forget, written down where the journal outlives the process.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::Mutex;

use super::{Shared, Slot, task};
use crate::{journal::JournalError, telemetry};

/// The revision of the gate that was written last. Held while one is written, so that no older one comes after it.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    written: Mutex<u64>,
    /// Somebody is about to write.
    is_asked: AtomicBool,
}

impl Slot {
    /// Writes down what the gate must not forget, unless that is written.
    pub(crate) async fn keep_gate(&self, shared: &Shared) -> Result<(), JournalError> {
        let mut written = self.keeping.written.lock().await;
        let (revision, kept) = {
            let gate = self.gate();
            (gate.revision(), gate.snapshot())
        };
        if *written != revision {
            shared.journal.keep_gate(&self.name, kept).await?;
            *written = revision;
        }
        Ok(())
    }

    /// The same beside all else, where the journal outlives the process. A failure is made up for by the next change.
    pub(super) fn keep_gate_soon(self: &Arc<Self>, shared: &Arc<Shared>) {
        let is_written = || {
            let written = self.keeping.written.try_lock();
            written.is_ok_and(|written| *written == self.gate().revision())
        };
        if !shared.journal.waits()
            || is_written()
            || self.keeping.is_asked.swap(true, Ordering::AcqRel)
        {
            return;
        }
        let (slot, shared) = (self.clone(), shared.clone());
        task::spawn(async move {
            // From here on, whoever changes it asks anew.
            slot.keeping.is_asked.store(false, Ordering::Release);
            if let Err(error) = slot.keep_gate(&shared).await {
                telemetry::journal_failed("keep a gate", &error);
            }
        });
    }
}

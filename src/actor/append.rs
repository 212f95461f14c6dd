//! Writing down what the actor of a target has decided, and beginning what may begin then.

use std::{mem, sync::Arc};

use fanfare_sdk::Repeat;

use super::{
    Shared, Slot, TargetMsg, decided::Decided, messages::Begun, target::TargetState, task,
};
use crate::{
    journal::{Claim, Committed, Entry, JournalError, Open},
    report::{BroadcastId, CancelledBy, DeliveryId, Event, Happening, Reason, What},
    sabotage::{self, Sabotage},
};

/// What was decided, on its way into the journal.
#[derive(Debug)]
struct Append {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    claim: Claim,
    decided: Decided,
    /// The starts in it, where whoever has launched them waits for that.
    started: Vec<(DeliveryId, u32)>,
    /// The broadcasts in it, where somebody looks at single ones.
    changed: Vec<BroadcastId>,
    /// Whether the target hedges.
    hedges: bool,
}

impl Append {
    /// Writes it down, and tells those whom it concerns. Gives what is to be begun now.
    ///
    /// In a box, and with nothing else that is kept while it waits: the future of each message makes room for it.
    async fn run(mut self: Box<Self>) -> Result<Begun, JournalError> {
        let entries = mem::take(&mut self.decided.entries);
        let journal = &self.shared.journal;
        if self.slot.live.watches() {
            self.changed = broadcasts(&entries);
        }
        self.started = if journal.waits() { started(&entries) } else { Vec::new() };
        let written = journal.append(&self.claim, entries, self.shared.clock.now()).await;
        match written {
            Ok(committed) => Ok(self.written(&committed)),
            Err(error) => Err(self.unwritten(error)),
        }
    }

    fn written(self, committed: &Committed) -> Begun {
        let Self { shared, slot, decided, started, changed, hedges, .. } = self;
        for (id, attempt) in started {
            slot.is_written(&id, attempt);
        }
        changed.into_iter().for_each(|id| slot.live.changed(id));
        for open in decided.moved {
            slot.live.tell(|| moved_on(&open));
            shared.deliver(open);
        }
        if !decided.settled.is_empty() {
            let now = shared.clock.now();
            for settled in decided.settled {
                if hedges {
                    slot.forget_success(&settled.id);
                }
                settled.tell(&slot, now);
            }
        }
        shared.route(committed, CancelledBy::Verdict);
        Begun(decided.orders)
    }

    fn unwritten(self, error: JournalError) -> JournalError {
        if sabotage::is(Sabotage::SentUnwritten) {
            for begun in self.decided.orders {
                self.slot.launch(&self.shared, begun, true);
            }
        }
        error
    }
}

/// The broadcasts to which something happened.
fn broadcasts(entries: &[Entry]) -> Vec<BroadcastId> {
    let mut ids: Vec<_> = entries.iter().map(|entry| entry.delivery().broadcast).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn moved_on(open: &Open) -> Happening {
    let (recipient, to) = (open.recipient().recipient.clone(), open.serving.clone());
    let moved = open.history.events().iter().rev().find_map(|event| match event {
        Event::Moved { because, at, .. } => Some((*at, *because)),
        Event::Started(_)
        | Event::Ended(_)
        | Event::Lost { .. }
        | Event::FellBack(_)
        | Event::CancelAsked { .. } => None,
    });
    let (at, because) = moved.unwrap_or((open.due, Reason::Cancelled));
    let (broadcast, route) = (Some(open.broadcast.id), open.broadcast.route.clone());
    Happening { at, broadcast, route, what: What::HandedOver { recipient, to, because } }
}

fn started(entries: &[Entry]) -> Vec<(DeliveryId, u32)> {
    let started = |entry: &Entry| match entry {
        Entry::Event(id, Event::Started(started)) => Some((id.clone(), started.attempt)),
        Entry::Event(..) | Entry::Due(..) | Entry::Settled(..) => None,
    };
    entries.iter().filter_map(started).collect()
}

impl TargetState {
    /// Writes down what was decided. Where that takes its time, what is decided meanwhile goes next, all together.
    pub(super) async fn commit(&mut self) {
        if self.decided.entries.is_empty() {
            return;
        }
        if !self.shared.journal.waits() {
            return self.commit_now().await;
        }
        if self.appending.is_some() {
            return;
        }
        let Some(append) = self.append() else { return };
        let (slot, epoch) = (self.slot.clone(), append.claim.epoch);
        self.appending = Some(epoch);
        task::spawn(async move {
            let appended = append.run().await;
            slot.address.tell(TargetMsg::Appended(epoch, appended));
        });
    }

    /// Whether something is being written down, or about to be.
    pub(super) fn is_writing(&self) -> bool {
        self.appending.is_some() || !self.decided.entries.is_empty()
    }

    /// The same, and waits for it.
    pub(super) async fn commit_now(&mut self) {
        if let Some(append) = self.append() {
            let appended = append.run().await;
            self.begin(appended);
        }
    }

    fn append(&mut self) -> Option<Box<Append>> {
        if self.decided.entries.is_empty() {
            return None;
        }
        let mut decided = mem::take(&mut self.decided);
        let claim = self.claim.clone()?;
        let (shared, slot) = (self.shared.clone(), self.slot.clone());
        let policy = &self.parts.policy;
        if shared.journal.waits() && policy.repeat != Repeat::Never {
            // A crash in between has it made again, which does no harm.
            for begun in mem::take(&mut decided.orders) {
                slot.launch(&shared, begun, false);
            }
        }
        let hedges = policy.hedge.is_some();
        let (started, changed) = (Vec::new(), Vec::new());
        Some(Box::new(Append { shared, slot, claim, decided, started, changed, hedges }))
    }

    /// What was decided by the owner of that claim is written, or not.
    pub(super) fn appended(&mut self, epoch: u64, appended: Result<Begun, JournalError>) {
        // Whoever has loaded since then has decided anew.
        if self.appending == Some(epoch) {
            self.appending = None;
            self.begin(appended);
        }
    }

    fn begin(&mut self, appended: Result<Begun, JournalError>) {
        match appended {
            Ok(Begun(orders)) => {
                for begun in orders {
                    self.slot.launch(&self.shared, begun, true);
                }
            }
            Err(error) => {
                self.unsure = true;
                self.load_later(&error);
            }
        }
    }
}

//! Records that the writer holds beside the file.

use smallvec::SmallVec;

use super::crypto::DataKey;
use crate::{
    journal::ledger::Record,
    report::{BroadcastId, IdMap},
};

/// A record, and how many events of each delivery are written.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) record: Record,
    pub(super) written: SmallVec<[usize; 2]>,
    /// Its verdict is written.
    pub(super) has_verdict: bool,
    /// What its events are sealed with; none where they are not.
    pub(super) key: Option<DataKey>,
}

/// The records of two generations: when the younger one is full, it becomes the older one, and what was not asked for
/// since is forgotten.
#[derive(Debug)]
pub(super) struct Cache {
    young: IdMap<BroadcastId, Box<Cached>>,
    old: IdMap<BroadcastId, Box<Cached>>,
    generation_max: usize,
}

impl Cache {
    pub(super) fn new(count_max: usize) -> Self {
        let (young, old) = (IdMap::default(), IdMap::default());
        Self { young, old, generation_max: (count_max / 2).max(1) }
    }

    pub(super) fn get_mut(&mut self, id: BroadcastId) -> Option<&mut Cached> {
        if let Some(cached) = self.old.remove(&id) {
            self.insert(id, cached);
        }
        self.young.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn insert(&mut self, id: BroadcastId, cached: Box<Cached>) {
        if self.young.len() >= self.generation_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, cached);
    }

    pub(super) fn remove(&mut self, id: BroadcastId) -> Option<Box<Cached>> {
        let (young, old) = (self.young.remove(&id), self.old.remove(&id));
        young.or(old)
    }

    /// What it holds may not be in the file.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

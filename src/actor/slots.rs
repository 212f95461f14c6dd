//! The slots of all targets. Targets come and go while the engine runs.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use fanfare_sdk::TargetName;

use super::Slot;

/// In the order of their names, so that the same seed gives the same order of events.
pub(crate) type ByName = BTreeMap<TargetName, Arc<Slot>>;

/// The slots of all targets.
#[derive(Default)]
pub(crate) struct Slots(RwLock<Arc<ByName>>);

impl Slots {
    pub(crate) fn new(slots: ByName) -> Self {
        Self(RwLock::new(Arc::new(slots)))
    }

    pub(crate) fn get(&self, name: &TargetName) -> Option<Arc<Slot>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// All of them as they are now.
    pub(crate) fn all(&self) -> Arc<ByName> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn insert(&self, name: TargetName, slot: Arc<Slot>) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut slots).insert(name, slot);
    }

    pub(crate) fn remove(&self, name: &TargetName) {
        let mut slots = self.0.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut slots).remove(name);
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().keys()).finish()
    }
}

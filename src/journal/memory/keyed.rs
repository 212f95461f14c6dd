//! A broadcast, found by its caller's key: the key's text is kept once.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::{
    journal::{CallerKey, NewBroadcast},
    report::BroadcastId,
};

/// Equal to every other broadcast with the same key.
#[derive(Debug)]
pub(super) struct Keyed(
    // Invariant: has a caller's key.
    Arc<NewBroadcast>,
);

impl Keyed {
    /// None where the caller gave no key.
    pub(super) fn new(broadcast: &Arc<NewBroadcast>) -> Option<Self> {
        broadcast.caller_key.is_some().then(|| Self(Arc::clone(broadcast)))
    }

    pub(super) fn id(&self) -> BroadcastId {
        self.0.id
    }

    pub(super) fn has_fingerprint(&self, fingerprint: &[u8; 32]) -> bool {
        self.key().is_some_and(|key| key.fingerprint == *fingerprint)
    }

    fn key(&self) -> Option<&CallerKey> {
        self.0.caller_key.as_ref()
    }
}

impl Borrow<str> for Keyed {
    fn borrow(&self) -> &str {
        self.key().map_or("", |key| &key.key)
    }
}

impl Hash for Keyed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Borrow::<str>::borrow(self).hash(state);
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        Borrow::<str>::borrow(self) == Borrow::<str>::borrow(other)
    }
}

impl Eq for Keyed {}

//! What requests are read by. It is replaced whole: a request that has taken it sees one configuration from its beginning to
//! its end.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::config::Route;

/// Routes and targets of one configuration.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) routes: BTreeMap<String, Route>,
    /// The kinds of the targets, by their names.
    pub(super) kinds: BTreeMap<String, String>,
    /// Those of targets that were taken out, and may still have open deliveries.
    pub(super) leaving: BTreeMap<String, String>,
}

/// The configuration that holds now.
#[derive(Debug)]
pub(super) struct Current(RwLock<Arc<Configured>>);

// === impl Configured ===

impl Configured {
    /// Whether it can be paused, resumed and looked at.
    pub(super) fn has(&self, target: &str) -> bool {
        self.kinds.contains_key(target) || self.leaving.contains_key(target)
    }
}

// === impl Current ===

impl Current {
    pub(super) fn new(configured: Configured) -> Self {
        Self(RwLock::new(Arc::new(configured)))
    }

    /// Take it once for a request.
    pub(super) fn get(&self) -> Arc<Configured> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// For all requests that come after.
    pub(super) fn set(&self, configured: Configured) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(configured);
    }
}

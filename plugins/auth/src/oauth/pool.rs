//! Those that are built from the same settings share one source, and so one token: also while a configuration is taken over,
//! when both the old and the new one are at work. That is why it is there once in a process.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

use super::{recipe::Fingerprint, source::Source};

static SOURCES: LazyLock<Mutex<HashMap<Fingerprint, Weak<Source>>>> = LazyLock::new(Mutex::default);

/// The source of these settings: the one that is there, or this one.
pub(super) fn shared(fingerprint: Fingerprint, new: Source) -> Arc<Source> {
    let mut sources = SOURCES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(source) = sources.get(&fingerprint).and_then(Weak::upgrade) {
        return source;
    }
    // Bounded by what is in use.
    sources.retain(|_, source| source.strong_count() > 0);
    let source = Arc::new(new);
    sources.insert(fingerprint, Arc::downgrade(&source));
    source
}

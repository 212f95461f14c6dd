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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare_sdk::check;
    use serde_json::json;

    use super::{SOURCES, Source, shared};
    use crate::oauth::{
        OAuth2Settings,
        recipe::{Fingerprint, Recipe, fingerprint},
    };

    fn build(id: &str) -> (Fingerprint, Arc<Source>) {
        let written =
            json!({ "token_url": "https://pool.example/", "client_id": id, "client_secret": "s" });
        let settings: OAuth2Settings = check::settings(written).expect("they have their form");
        let source = Source::new(Recipe::try_new(&settings).expect("they are right"));
        (fingerprint(&settings, 0), shared(fingerprint(&settings, 0), source))
    }

    #[test]
    fn what_nobody_uses_any_more_is_forgotten() {
        let (gone, _) = build("a");
        let (there, _source) = build("b");
        let sources = SOURCES.lock().expect("no panic");
        assert_eq!([gone, there].map(|it| sources.contains_key(&it)), [false, true]);
    }

    #[test]
    fn who_fetches_it_over_another_way_has_a_token_of_his_own() {
        let written =
            json!({ "token_url": "https://way.example/", "client_id": "c", "client_secret": "s" });
        let settings: OAuth2Settings = check::settings(written).expect("they have their form");
        let over = |way| {
            let source = Source::new(Recipe::try_new(&settings).expect("they are right"));
            shared(fingerprint(&settings, way), source)
        };
        let (one, same, other) = (over(1), over(1), over(2));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
    }
}

//! The caller's idempotency keys: `Idempotency-Key`, as the draft of the IETF's HTTPAPI group has it.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, HeaderName};

use super::problem::{Mistake, Problem, ProblemKind};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Keys whose first request is not answered yet.
#[derive(Debug, Default)]
pub(super) struct KeysInUse(Mutex<HashSet<String>>);

/// A key that is being used.
#[derive(Debug)]
pub(super) struct KeyUse<'k> {
    keys: &'k KeysInUse,
    key: String,
}

impl KeysInUse {
    /// Nobody else may use that key until it is let go.
    pub(super) fn take(&self, key: &str) -> Result<KeyUse<'_>, Problem> {
        if self.lock().insert(key.to_owned()) {
            return Ok(KeyUse { keys: self, key: key.to_owned() });
        }
        let says = "a request with the same Idempotency-Key is being accepted: ask again";
        Err(Problem::new(ProblemKind::KeyInUse, says))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for KeyUse<'_> {
    fn drop(&mut self) {
        self.keys.lock().remove(&self.key);
    }
}

/// The key of a request: a string as RFC 9651 writes it, or, as many send it, the text alone.
pub(super) fn key(headers: &HeaderMap, bytes_max: usize) -> Result<Option<String>, Mistake> {
    let wrong = |says: String| Mistake::in_header("Idempotency-Key", says);
    let mut lines = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        return Err(wrong("is given twice".to_owned()));
    }
    let text = line.to_str().map_err(|_| wrong("may have visible ASCII only".to_owned()))?.trim();
    let key = match sfv::Parser::new(text).parse::<sfv::Item>() {
        Ok(sfv::Item { bare_item: sfv::BareItem::String(key), .. }) => key.as_str().to_owned(),
        _ if text.starts_with('"') => {
            return Err(wrong("is no string as RFC 9651 has it: `\"…\"`".to_owned()));
        }
        _ => text.to_owned(),
    };
    match key.len() {
        0 => Err(wrong("is empty".to_owned())),
        bytes if bytes > bytes_max => {
            Err(wrong(format!("has {bytes} bytes, and may have {bytes_max}")))
        }
        _ => Ok(Some(key)),
    }
}

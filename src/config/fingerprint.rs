//! What was configured, in a few bytes: whether two configurations say the same of a target is seen without keeping what
//! they say, secrets included.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What was written under one key, references resolved. Two of them are equal where the same was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Of everything in a configuration.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Fingerprints {
    /// By the names of the targets.
    pub targets: BTreeMap<String, Fingerprint>,
    /// By the names of the routes.
    pub routes: BTreeMap<String, Fingerprint>,
    /// Of what else stands at the top: `engine`, `journal`.
    pub rest: BTreeMap<String, Fingerprint>,
}

impl Fingerprint {
    pub(super) fn of(value: &Value) -> Self {
        let mut hash = Sha256::new();
        feed(value, &mut hash);
        Self(hash.finalize().into())
    }
}

impl fmt::Debug for Fingerprint {
    /// A hash of a short secret gives it away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Keys in one order, whatever order they were written in; each part with its length, so that no two values are alike.
fn feed(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            hash.update(format!("{{{}", sorted.len()));
            for (key, value) in sorted {
                text(key, hash);
                feed(value, hash);
            }
        }
        Value::Array(items) => {
            hash.update(format!("[{}", items.len()));
            for item in items {
                feed(item, hash);
            }
        }
        Value::String(said) => text(said, hash),
        Value::Null | Value::Bool(_) | Value::Number(_) => hash.update(format!("{value};")),
    }
}

fn text(said: &str, hash: &mut Sha256) {
    hash.update(format!("\"{}:", said.len()));
    hash.update(said);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fingerprint;

    #[test]
    fn what_is_written_otherwise_and_means_the_same_is_the_same() {
        let same = |a, b| Fingerprint::of(&a) == Fingerprint::of(&b);
        assert!(same(json!({ "a": 1, "b": [2, null] }), json!({ "b": [2, null], "a": 1 })));
        assert!(!same(json!({ "a": 1 }), json!({ "a": "1" })));
        assert!(!same(json!(["ab", "c"]), json!(["a", "bc"])));
        assert!(!same(json!([["a"], "b"]), json!([["a", "b"]])));
        assert!(!same(json!({ "token": "one" }), json!({ "token": "two" })));
        let shown = format!("{:?}", Fingerprint::of(&json!("hunter2")));
        assert_eq!(shown, "Fingerprint");
    }
}

//! JSON Merge Patch (RFC 7396).

use serde_json::{Map, Value};

/// Applies a patch: `null` deletes, objects are merged, all else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        match value {
            Value::Null => drop(members.remove(name)),
            _ => merge(members.entry(name.clone()).or_insert(Value::Null), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::merge;

    #[test]
    fn the_cases_of_appendix_a() {
        // Facts of RFC 7396, appendix A.
        let cases: Value =
            serde_json::from_str(include_str!("vectors/merge_patch_rfc7396.json")).unwrap();
        let cases = cases["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 15);
        for case in cases {
            let mut target = case["original"].clone();
            merge(&mut target, &case["patch"]);
            assert_eq!(target, case["result"], "{case}");
        }
    }
}

//! Settings as a whole: from a JSON value to a type, with messages that do not repeat what was written.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::SettingErrors;

/// Reads settings.
///
/// # Errors
/// Where they do not fit the type: the place, what is wrong with it, and what would be right.
pub fn settings<T: DeserializeOwned>(written: Value) -> Result<T, SettingErrors> {
    serde_path_to_error::deserialize(written).map_err(|error| {
        let mut parts = Vec::new();
        for segment in error.path() {
            match segment {
                Segment::Map { key } => parts.push(key.clone()),
                Segment::Seq { index } => parts.push(index.to_string()),
                Segment::Enum { variant } => parts.push(variant.clone()),
                Segment::Unknown => {}
            }
        }
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let mut errors = SettingErrors::default();
        errors.push(&parts, without_value(&error.into_inner().to_string()));
        errors
    })
}

/// What serde says, without the value that it quotes.
fn without_value(says: &str) -> String {
    let expected = says.rsplit_once(", expected ").map(|(_, expected)| expected);
    if says.starts_with("missing field") || says.starts_with("unknown field") {
        return says.to_owned();
    }
    expected.map_or_else(
        || "does not fit".to_owned(),
        |expected| format!("is not what it should be: {expected}"),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::settings;
    use crate::Secret;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields, expecting = "a map of settings")]
    #[expect(dead_code, reason = "it is read, not used")]
    struct Demo {
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, Secret>,
        #[serde(default)]
        list: Vec<u32>,
        #[serde(default)]
        place: Place,
    }

    #[derive(Deserialize, Debug, Default)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "it is read, not used")]
    enum Place {
        #[default]
        Path,
        Header(String),
    }

    #[track_caller]
    fn check(written: Value, expected: &str) {
        let checked = settings::<Demo>(written);
        assert_eq!(
            checked.map_or_else(|wrong| wrong.to_string(), |_| "right".to_owned()),
            expected
        );
    }

    #[test]
    fn a_message_names_the_place_and_never_the_value() {
        check(json!({ "url": "a", "headers": { "b": "c" }, "place": { "header": "d" } }), "right");
        check(json!({}), ": missing field `url`");
        check(json!("s3cret"), ": is not what it should be: a map of settings");
        check(json!({ "url": 5 }), "/url: is not what it should be: a string");
        check(
            json!({ "url": "a", "headers": "s3cret" }),
            "/headers: is not what it should be: a map",
        );
        check(
            json!({ "url": "a", "headers": { "a/b": 1234 } }),
            "/headers/a~1b: is not what it should be: a string",
        );
        check(
            json!({ "url": "a", "list": [1, "s3cret"] }),
            "/list/1: is not what it should be: u32",
        );
        check(
            json!({ "url": "a", "place": "s3cret" }),
            "/place: is not what it should be: `path` or `header`",
        );
        check(
            json!({ "url": "a", "place": { "header": 1 } }),
            "/place/header: is not what it should be: a string",
        );
        check(
            json!({ "url": "a", "uri": "b" }),
            "/uri: unknown field `uri`, expected one of `url`, `headers`, `list`, `place`",
        );
    }
}

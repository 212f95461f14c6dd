//! What stands in a schema several times is written once: a definition, and references to it.
//!
//! A reference has nothing beside it, and an object still lists its keys: so editors complete and refuse as before,
//! those too that know draft 7 only.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

/// Bytes from which a schema is worth a definition: less is as well read where it stands.
const BYTES_MIN: usize = 200;

/// Keywords with schemas by name, with several schemas, and with one.
const BY_NAME: [&str; 3] = ["properties", "patternProperties", "dependentSchemas"];
const SEVERAL: [&str; 4] = ["oneOf", "anyOf", "allOf", "prefixItems"];
const ONE: [&str; 9] = [
    "additionalProperties",
    "items",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
];

/// Takes what stands there several times out of a schema without references. Gives the definitions.
pub(super) fn share(schema: &mut Value) -> Map<String, Value> {
    let mut shared = Shared::default();
    shared.count(schema);
    shared.take_out(schema, "");
    shared.definitions.into_iter().collect()
}

#[derive(Default)]
struct Shared {
    /// How often each schema stands somewhere; within one that was seen before it counts no more.
    counts: HashMap<String, usize>,
    /// What each is called that was taken out.
    names: HashMap<String, String>,
    definitions: BTreeMap<String, Value>,
}

impl Shared {
    fn count(&mut self, schema: &Value) {
        let count = self.counts.entry(schema.to_string()).or_default();
        *count += 1;
        if *count == 1 {
            parts(schema).into_iter().for_each(|(_, part)| self.count(part));
        }
    }

    /// Puts references where something stands several times; `name` is of where this one stands.
    fn take_out(&mut self, schema: &mut Value, name: &str) {
        let text = schema.to_string();
        let often = self.counts.get(&text).is_some_and(|count| *count > 1);
        if !often || text.len() < BYTES_MIN {
            return self.take_out_of_parts(schema, name);
        }
        if !self.names.contains_key(&text) {
            let name = self.free(&name_of(schema, name));
            self.names.insert(text.clone(), name.clone());
            let mut definition = schema.clone();
            self.take_out_of_parts(&mut definition, &name);
            self.definitions.insert(name, definition);
        }
        *schema = json!({ "$ref": format!("#/$defs/{}", self.names[&text]) });
    }

    fn take_out_of_parts(&mut self, schema: &mut Value, name: &str) {
        for (key, part) in parts_mut(schema) {
            self.take_out(part, key.as_deref().unwrap_or(name));
        }
    }

    /// A name that nothing has.
    fn free(&self, name: &str) -> String {
        let is_free = |name: &String| !self.names.values().any(|taken| taken == name);
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
    }
}

/// One of several forms is called as its only key that has to be there.
fn name_of(schema: &Value, place: &str) -> String {
    match schema.get("required").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(only)])
            if schema["properties"].as_object().is_some_and(|it| it.len() == 1) =>
        {
            only.clone()
        }
        _ => place.to_owned(),
    }
}

/// The schemas in a schema, with the key that each is for.
fn parts(schema: &Value) -> Vec<(Option<&str>, &Value)> {
    let mut parts = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match value {
            Value::Object(map) if BY_NAME.contains(&keyword.as_str()) => {
                parts.extend(map.iter().map(|(key, part)| (Some(key.as_str()), part)));
            }
            Value::Array(several) if SEVERAL.contains(&keyword.as_str()) => {
                parts.extend(several.iter().map(|part| (None, part)));
            }
            Value::Object(_) if ONE.contains(&keyword.as_str()) => parts.push((None, value)),
            _ => {}
        }
    }
    parts
}

fn parts_mut(schema: &mut Value) -> Vec<(Option<String>, &mut Value)> {
    let mut parts = Vec::new();
    for (keyword, value) in schema.as_object_mut().into_iter().flatten() {
        if ONE.contains(&keyword.as_str()) && value.is_object() {
            parts.push((None, value));
            continue;
        }
        match value {
            Value::Object(map) if BY_NAME.contains(&keyword.as_str()) => {
                parts.extend(map.iter_mut().map(|(key, part)| (Some(key.clone()), part)));
            }
            Value::Array(several) if SEVERAL.contains(&keyword.as_str()) => {
                parts.extend(several.iter_mut().map(|part| (None, part)));
            }
            _ => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::share;

    /// Puts definitions back where they are referred to.
    fn whole(schema: &Value, definitions: &serde_json::Map<String, Value>) -> Value {
        match schema {
            Value::Object(map) => match map.get("$ref").and_then(Value::as_str) {
                Some(name) => whole(&definitions[name.trim_start_matches("#/$defs/")], definitions),
                None => map.iter().map(|(key, it)| (key.clone(), whole(it, definitions))).collect(),
            },
            Value::Array(items) => items.iter().map(|it| whole(it, definitions)).collect(),
            other => other.clone(),
        }
    }

    #[test]
    fn what_stands_there_twice_is_written_once() {
        let says = "x".repeat(200);
        let backoff = json!({ "description": says, "properties": { "max": {} } });
        let retry = json!({ "description": says, "properties": { "backoff": backoff } });
        let of = |kind: &str, retry: &Value| json!({ "title": kind, "properties": { "retry": retry, "a": { "type": "string" } } });
        let other = json!({ "description": says, "default": 1 });
        let kinds = [of("one", &retry), of("two", &retry), of("three", &other)];
        let schema = json!({ "oneOf": kinds, "default": retry });
        let mut shared = schema.clone();
        let definitions = share(&mut shared);
        let there = json!({ "$ref": "#/$defs/retry" });
        assert_eq!(shared["oneOf"][0]["properties"]["retry"], there);
        assert_eq!(shared["oneOf"][1]["properties"]["retry"], there);
        assert_eq!(shared["oneOf"][1]["properties"]["a"], json!({ "type": "string" }), "short");
        assert_eq!(shared["oneOf"][2]["properties"]["retry"], other, "it stands there once");
        assert_eq!(shared["default"], retry, "that is no schema");
        // Within what is shared it stands once.
        assert_eq!(definitions.keys().collect::<Vec<_>>(), ["retry"]);
        assert_eq!(whole(&shared["oneOf"], &definitions), schema["oneOf"]);
    }

    #[test]
    fn two_of_one_name_are_told_apart() {
        let [one, two] = ["x", "y"].map(|it| json!({ "description": it.repeat(200) }));
        let only = json!({ "description": "z".repeat(200), "properties": { "basic": {} }, "required": ["basic"] });
        let of = |title: &str, it: &Value| json!({ "title": title, "properties": { "file": it, "auth": { "oneOf": [only] } } });
        let mut schema = json!([of("1", &one), of("2", &two), of("3", &one), of("4", &two)]);
        schema = json!({ "anyOf": schema });
        let before = schema.clone();
        let definitions = share(&mut schema);
        assert_eq!(definitions.keys().collect::<Vec<_>>(), ["auth", "file", "file_2"]);
        assert_eq!(whole(&schema, &definitions), before);
    }

    #[test]
    fn one_of_several_forms_is_called_as_its_key() {
        let form = |key: &str| json!({ "description": "z".repeat(200), "properties": { key: {} }, "required": [key] });
        let of = |title: &str| {
            let auth = json!({ "title": title, "oneOf": [form("basic"), form("bearer")] });
            json!({ "properties": { "auth": auth } })
        };
        let mut schema = json!({ "anyOf": [of("1"), of("2")] });
        assert_eq!(share(&mut schema).keys().collect::<Vec<_>>(), ["basic", "bearer"]);
    }
}

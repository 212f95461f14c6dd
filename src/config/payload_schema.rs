//! `schema` of a route: what its payloads have to look like. Compiled once; patterns run in linear time; nothing that is
//! not in the document is ever loaded.

use std::{collections::BTreeSet, fmt, sync::Arc};

use fanfare_sdk::Payload;
use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value;
use url::Url;

use super::{
    document::child,
    violation::{Violation, Violations, listed, meta_mistakes, one},
};

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Bytes of a payload of which everything is told: with each value wrong, the library needs some hundred bytes for each.
/// Of a larger one the first violation is told.
const LISTED_BYTES_MAX: usize = 256 << 10;

/// Bytes of one compiled pattern, and of what its engine remembers.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What a payload has to look like: JSON Schema 2020-12.
#[derive(Clone)]
pub struct PayloadSchema(Arc<Validator>);

/// Something that is wrong with a schema.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct SchemaMistake {
    /// Where it stands in the schema: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong.
    pub says: String,
}

impl PayloadSchema {
    /// Checks and compiles a schema.
    ///
    /// # Errors
    /// Everything that is wrong with it; a reference that leaves the document, too.
    pub fn try_new(schema: &Value) -> Result<Self, Vec<SchemaMistake>> {
        let mut wrong = Vec::new();
        match schema.get("$schema").map(|it| it.as_str().unwrap_or_default()) {
            Some(uri) if uri.trim_end_matches('#') != DIALECT => {
                wrong.push(SchemaMistake::of("/$schema", format!("must be `{DIALECT}`")));
            }
            Some(_) | None => {}
        }
        wrong.extend(meta_mistakes(schema).into_iter().map(SchemaMistake::from));
        references(schema, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let built = jsonschema::draft202012::options()
            .with_retriever(Nowhere)
            .with_pattern_options(patterns)
            .build(schema);
        built.map(|validator| Self(validator.into())).map_err(|error| {
            let (pointer, says) = match error.kind() {
                jsonschema::error::ValidationErrorKind::Format { .. } => {
                    let says = "is not a pattern that runs in linear time: without look-around, back-references and large repetitions it would be";
                    (error.instance_path().as_str(), says.to_owned())
                }
                jsonschema::error::ValidationErrorKind::Referencing(error) => {
                    ("", format!("has a reference that leads nowhere: {error}"))
                }
                _ => (error.instance_path().as_str(), error.masked().to_string()),
            };
            vec![SchemaMistake::of(pointer, says)]
        })
    }

    /// Whether a payload is so. A payload that is not JSON is not.
    ///
    /// # Errors
    /// What is not so, without values of the payload.
    pub fn check(&self, payload: &Payload) -> Result<(), Violations> {
        let Some(value) = payload.as_json() else {
            return Err(Violations::only(Violation::new("", "must be JSON")));
        };
        match self.0.validate(value) {
            Ok(()) => Ok(()),
            Err(first) if payload.bytes().len() > LISTED_BYTES_MAX => Err(one(&first)),
            Err(_) => Err(listed(self.0.iter_errors(value))),
        }
    }
}

impl fmt::Debug for PayloadSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PayloadSchema")
    }
}

impl SchemaMistake {
    fn of(pointer: &str, says: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), says: says.into() }
    }
}

impl From<Violation> for SchemaMistake {
    fn from(violation: Violation) -> Self {
        Self { pointer: violation.pointer, says: violation.says }
    }
}

/// Loads nothing.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("nothing is loaded".into())
    }
}

// === references ===

/// What does not hold schemas, but data.
const DATA: [&str; 5] = ["const", "enum", "default", "examples", "$comment"];

/// Maps from names to schemas: a name is no keyword.
const MAPS: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// Each reference must lead to somewhere in the document.
fn references(schema: &Value, wrong: &mut Vec<SchemaMistake>) {
    let (mut ids, mut found) = (BTreeSet::new(), Vec::new());
    walk(schema, "", "", &mut |keyword, pointer, base, text| match keyword {
        "$id" => drop(ids.insert(resolved(base, text))),
        _ => found.push((pointer.to_owned(), resolved(base, text))),
    });
    for (pointer, uri) in found {
        let resource = uri.split('#').next().unwrap_or_default();
        if !(resource.is_empty() || ids.contains(resource)) {
            let says = "leads out of the document, and nothing is loaded from elsewhere: `#/$defs/…` would be right";
            wrong.push(SchemaMistake::of(&pointer, says));
        }
    }
}

/// An absolute URI where there is a base, else as it stands.
fn resolved(base: &str, text: &str) -> String {
    let text = text.strip_suffix('#').unwrap_or(text);
    match Url::parse(base).and_then(|base| base.join(text)) {
        Ok(url) => url.to_string(),
        Err(_) if text.starts_with('#') => format!("{base}{text}"),
        Err(_) => text.to_owned(),
    }
}

/// Shows each `$id` and each reference, with the base in which it stands.
fn walk(value: &Value, pointer: &str, base: &str, found: &mut dyn FnMut(&str, &str, &str, &str)) {
    match value {
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{place}"), base, found);
            }
        }
        Value::Object(map) => {
            let id = map.get("$id").and_then(Value::as_str);
            let own = id.map(|id| resolved(base, id));
            if let Some(id) = id {
                found("$id", pointer, base, id);
            }
            let base = own.as_deref().unwrap_or(base);
            for (key, value) in map {
                let below = child(pointer, key);
                match (key.as_str(), value) {
                    ("$ref" | "$dynamicRef", Value::String(text)) => {
                        found(key, &below, base, text);
                    }
                    (name, Value::Object(schemas)) if MAPS.contains(&name) => {
                        for (name, schema) in schemas {
                            walk(schema, &child(&below, name), base, found);
                        }
                    }
                    (name, _) if DATA.contains(&name) => {}
                    (_, value) => walk(value, &below, base, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Payload;
    use serde_json::{Value, json};

    use super::{LISTED_BYTES_MAX, PayloadSchema};
    use crate::config::violation::VIOLATIONS_MAX;

    #[track_caller]
    fn wrong(schema: &Value, expected: &str) {
        let told = match PayloadSchema::try_new(schema) {
            Ok(_) => "-".to_owned(),
            Err(wrong) => {
                let told = wrong.iter().map(|it| format!("{} {}", it.pointer, it.says));
                told.collect::<Vec<_>>().join("; ")
            }
        };
        assert_eq!(told, expected, "{schema}");
    }

    #[test]
    fn a_schema_is_checked() {
        wrong(&json!(true), "-");
        wrong(&json!({"type": "object", "x-owner": "crm"}), "-");
        wrong(&json!({"$schema": "https://json-schema.org/draft/2020-12/schema#"}), "-");
        wrong(
            &json!({"$schema": "http://json-schema.org/draft-07/schema"}),
            "/$schema must be `https://json-schema.org/draft/2020-12/schema`",
        );
        wrong(
            &json!({"type": "strng", "minLength": -1, "properties": {"a/b": {"required": "x"}}}),
            "/properties/a~1b/required is text: a list would be right; /minLength is less than 0; /type is not one of `array`, `boolean`, `integer`, `null`, `number`, `object` or `string`",
        );
        wrong(
            &json!({"properties": {"a": {"pattern": "(?=a)b"}}}),
            "/properties/a/pattern is not a pattern that runs in linear time: without look-around, back-references and large repetitions it would be",
        );
        wrong(
            &json!({"patternProperties": {"(a)\\1": {}}}),
            "/patternProperties/(a)\\1 is not a pattern that runs in linear time: without look-around, back-references and large repetitions it would be",
        );
    }

    #[test]
    fn a_reference_stays_in_the_document() {
        let out = "leads out of the document, and nothing is loaded from elsewhere: `#/$defs/…` would be right";
        wrong(&json!({"$defs": {"a": true}, "$ref": "#/$defs/a"}), "-");
        wrong(&json!({"properties": {"$ref": {"const": {"$ref": "x"}}}, "$ref": "#"}), "-");
        wrong(&json!({"$ref": "https://a.example/b"}), &format!("/$ref {out}"));
        wrong(
            &json!({"items": [], "$defs": {"a": {"$dynamicRef": "b.json#c"}}, "$ref": "file:///etc/passwd"}),
            &format!(
                "/items is a list: `true` or `false` or a map would be right; /$defs/a/$dynamicRef {out}; /$ref {out}"
            ),
        );
        let bundled = |reference: &str| {
            json!({
                "$id": "https://a.example/order",
                "$defs": {"address": {"$id": "address", "type": "string"}},
                "$ref": reference,
            })
        };
        wrong(&bundled("address"), "-");
        wrong(&bundled("https://a.example/address"), "-");
        wrong(&bundled("https://a.example/person"), &format!("/$ref {out}"));
        wrong(
            &json!({"$ref": "#/$defs/a"}),
            " has a reference that leads nowhere: Pointer '/$defs/a' does not exist",
        );
    }

    #[track_caller]
    fn check(schema: &Value, payload: &str, expected: &str) {
        let schema = PayloadSchema::try_new(schema).expect("the schema is right");
        let payload = Payload::new("application/json", payload.to_owned());
        let told = schema.check(&payload).err().map_or("-".to_owned(), |it| it.to_string());
        assert_eq!(told.replace('\n', "; "), expected);
    }

    #[test]
    fn a_payload_is_checked() {
        let customer = json!({
            "type": "object",
            "required": ["name", "email"],
            "additionalProperties": false,
            "properties": {
                "name": {"type": "string", "minLength": 1, "pattern": "^[A-Z]+$"},
                "email": {"type": ["string", "null"]},
                "kind": {"enum": ["a", "b", 3]},
                "age": {"minimum": 18, "multipleOf": 2},
            },
        });
        let schema =
            json!({"$defs": {"c": customer}, "properties": {"customer": {"$ref": "#/$defs/c"}}});
        check(&schema, r#"{"customer": {"name": "A", "email": null}}"#, "-");
        check(&schema, r#"{"customer": {"name": "A"}}"#, "/customer/email is missing");
        check(
            &schema,
            r#"{"customer": {"name": "secret", "email": 7, "kind": "secret", "age": 7, "x/y": "secret"}}"#,
            "/customer/age is less than 18; \
             /customer/age is not a multiple of 2; /customer/email is a number: null or text would be right; \
             /customer/kind is not one of `a`, `b` or `3`; /customer/name does not have the right form; \
             /customer/x~1y is not allowed",
        );
        check(&schema, "no JSON", " must be JSON");
        check(&json!(false), "1", " is not allowed");
    }

    #[test]
    fn forms_are_told_where_one_is_meant() {
        let by = |kind: &str, key: &str| json!({"type": "object", "properties": {"kind": {"const": kind}, key: {"type": "number"}}, "required": [key]});
        let schema = json!({"oneOf": [by("a", "x"), by("b", "y"), {"type": "string"}]});
        check(&schema, r#"{"kind": "b", "y": 1}"#, "-");
        check(&schema, r#"{"kind": "b", "y": "secret"}"#, "/y is text: a number would be right");
        check(&schema, "7", " is not right: it fits none of the forms that are allowed");
        check(
            &json!({"propertyNames": {"maxLength": 3}, "contains": {"const": 1}, "not": {"type": "array"}}),
            "[2]",
            " has no item as it is to have one;  is what it must not be",
        );
        check(
            &json!({"propertyNames": {"maxLength": 3}}),
            r#"{"long": 1}"#,
            "/long is no right key: has more than 3 characters",
        );
    }

    #[test]
    fn of_many_violations_some_are_told() {
        let schema = json!({"items": {"type": "string"}});
        let wrong = |count: usize| format!("[{}]", vec!["1"; count].join(","));
        let schema_ = PayloadSchema::try_new(&schema).expect("the schema is right");
        let told = |count| {
            let payload = Payload::new("application/json", wrong(count));
            schema_.check(&payload).expect_err("numbers")
        };
        let some = told(VIOLATIONS_MAX + 7);
        assert_eq!((some.listed.len(), some.more), (VIOLATIONS_MAX, Some(7)));
        let many = told(LISTED_BYTES_MAX);
        assert_eq!((many.listed.len(), many.more), (1, None));
    }
}

//! The JSON Schemas (2020-12) of a configuration: for editors, and for the loader itself.

use fanfare_sdk::{Registry, TargetKind};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    daemon::DaemonSettings, engine::EngineSettings, journal::JournalSettings, route::RouteSettings,
    shared::share, target::TargetSettings,
};

/// What a target or a route may be called.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

/// The schema of a whole configuration, with every kind of target in it.
#[must_use]
pub fn config_schema(kinds: &Registry) -> Value {
    let mut targets = json!({ "oneOf": kinds.iter().map(target_schema).collect::<Vec<_>>() });
    // Each kind has all keys of the engine.
    let definitions = share(&mut targets);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://fanfare.dev/schemas/config.schema.json",
        "title": "fanfare configuration",
        "description": "Targets, and the routes that name them.",
        "type": "object",
        "properties": {
            "targets": {
                "description": "The APIs that can be delivered to, by name.",
                "type": "object",
                "propertyNames": { "pattern": NAME_PATTERN },
                "additionalProperties": targets,
            },
            "routes": {
                "description": "Recipient lists with their policies, by name.",
                "type": "object",
                "propertyNames": { "pattern": NAME_PATTERN },
                "additionalProperties": of::<RouteSettings>(),
            },
            "engine": engine_schema(),
            "journal": journal_schema(),
            "daemon": of::<DaemonSettings>(),
        },
        "patternProperties": { "^x-": { "description": "Free: a place for YAML anchors." } },
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// The schema of a target of that kind: the engine's keys and its own.
#[must_use]
pub fn target_schema(kind: &dyn TargetKind) -> Value {
    let mut schema = of::<TargetSettings>();
    let own = kind.schema();
    schema["title"] = own.get("title").cloned().unwrap_or_else(|| kind.kind().into());
    schema["description"] = own.get("description").cloned().unwrap_or_default();
    schema["properties"]["kind"] =
        json!({ "const": kind.kind(), "description": "What stands behind it." });
    schema["required"] = json!(["kind"]);
    merge(&mut schema, &own, "properties");
    merge(&mut schema, &own, "$defs");
    if let (Some(all), Some(own)) =
        (schema["required"].as_array_mut(), own.get("required").and_then(Value::as_array))
    {
        all.extend(own.iter().cloned());
    }
    // An authorizer that is added there is not known here.
    inline(&mut schema);
    bound(&mut schema);
    schema
}

/// The schema of a route.
pub(super) fn route_schema() -> Value {
    of::<RouteSettings>()
}

/// The schema of what holds for all targets together.
pub(super) fn engine_schema() -> Value {
    of::<EngineSettings>()
}

/// The schema of what is kept on disk.
pub(super) fn journal_schema() -> Value {
    of::<JournalSettings>()
}

/// Without `$ref`: what is put together from several schemas has no names that could clash.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().into();
    bound(&mut schema);
    schema
}

/// Numbers end where their types do: no number that the schema lets pass is too large to be read.
fn bound(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let most = match map.get("format").and_then(Value::as_str) {
                Some("uint32") => Some(u64::from(u32::MAX)),
                Some("uint64" | "uint") => Some(u64::MAX),
                Some(_) | None => None,
            };
            if let Some(most) = most {
                map.entry("maximum").or_insert_with(|| most.into());
            }
            map.values_mut().for_each(bound);
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn merge(schema: &mut Value, own: &Value, key: &str) {
    let Some(own) = own.get(key).and_then(Value::as_object) else { return };
    if let Some(map) = schema
        .as_object_mut()
        .and_then(|map| map.entry(key).or_insert_with(|| json!({})).as_object_mut())
    {
        map.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

/// Puts the definitions of a schema where they are referred to.
fn inline(schema: &mut Value) {
    let Some(Value::Object(definitions)) =
        schema.as_object_mut().and_then(|map| map.remove("$defs"))
    else {
        return;
    };
    // A kind whose settings contain themselves keeps its references at this depth.
    replace(schema, &definitions, 8);
}

fn replace(schema: &mut Value, definitions: &Map<String, Value>, depth: u8) {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str);
            let name = name.and_then(|reference| reference.strip_prefix("#/$defs/"));
            if let Some(found) = name.and_then(|name| definitions.get(name)).cloned()
                && depth > 0
            {
                map.remove("$ref");
                if let Value::Object(found) = found {
                    for (key, value) in found {
                        map.entry(key).or_insert(value);
                    }
                }
                return replace(schema, definitions, depth - 1);
            }
            map.values_mut().for_each(|value| replace(value, definitions, depth));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| replace(item, definitions, depth));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

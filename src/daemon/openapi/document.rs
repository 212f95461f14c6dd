//! The table of operations as OpenAPI 3.1.

use std::collections::BTreeMap;

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    operation::{Answers, Operation, Takes},
    operations::operations,
    parameter::of_path,
    plain::plain,
};
use crate::daemon::{Need, ProblemKind, problem::ProblemKind as Kind};

/// What anything may answer.
const COMMON: [Kind; 2] = [Kind::Forbidden, Kind::Internal];

const PROBLEM: &str = "application/problem+json";

/// The description of the daemon's API: OpenAPI 3.1.
#[must_use]
pub fn openapi() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for operation in operations() {
        let described = describe(&operation, &mut schemas);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "fanfare",
            "description": "One payload, many APIs, one answer that says what became of it at each of them.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
        "servers": [{ "url": "http://127.0.0.1:8080" }],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "A key, where the daemon asks for one." },
            },
        },
    })
}

/// Schemas of what is read, and of what is written: a key that may be left out of a request is always there in an answer.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        Self {
            read: settings().into_generator(),
            written: settings().for_serialize().into_generator(),
        }
    }

    fn all(mut self) -> BTreeMap<String, Value> {
        let mut all: BTreeMap<_, _> = self.written.take_definitions(true).into_iter().collect();
        all.extend(self.read.take_definitions(true));
        all.values_mut().for_each(plain);
        all
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let parameters = of_path(operation.path).into_iter().chain(operation.parameters.clone());
    let parameters: Vec<_> = parameters.map(|it| it.described()).collect();
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "parameters": parameters,
        "security": security(operation.need),
        "responses": responses(operation, schemas),
    });
    if let Some(Takes { types, required }) = &operation.takes {
        let content = types.iter().map(|(media_type, schema)| {
            // Whatever there is: some generators know no schema that is `true`.
            let schema = Some(schema(&mut schemas.read)).filter(|it| it.as_bool() != Some(true));
            ((*media_type).to_owned(), json!({ "schema": schema.unwrap_or_default() }))
        });
        let content: Map<_, _> = content.collect();
        described["requestBody"] = json!({ "required": required, "content": content });
    }
    described
}

/// A key, or none: not every daemon asks for one.
fn security(need: Need) -> Value {
    match need {
        Need::Nothing => json!([]),
        Need::Scope(_) | Need::Whole(_) => json!([{ "key": [] }, {}]),
    }
}

/// What an operation belongs to.
fn tag(path: &str) -> &str {
    path.strip_prefix("/v1/").and_then(|rest| rest.split('/').next()).unwrap_or("daemon")
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for Answers { status, summary, media_type, schema, headers } in &operation.answers {
        let mut response = json!({ "description": summary });
        if let Some(schema) = schema {
            let schema = schema(&mut schemas.written);
            response["content"] = json!({ *media_type: { "schema": schema } });
        }
        if !headers.is_empty() {
            response["headers"] = headers.iter().map(|(name, says)| header(name, says)).collect();
        }
        responses.insert(status.to_string(), response);
    }
    let mut by_status: BTreeMap<u16, Vec<ProblemKind>> = BTreeMap::new();
    for kind in COMMON.iter().chain(&operation.problems) {
        let kinds = by_status.entry(kind.status()).or_default();
        if !kinds.contains(kind) {
            kinds.push(*kind);
        }
    }
    let problem = schemas.written.subschema_for::<crate::wire::Problem>();
    for (status, kinds) in by_status {
        let codes: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.code())).collect();
        let types: Vec<_> = kinds.iter().map(|kind| kind.uri()).collect();
        let mut response = json!({
            "description": codes.join(", "),
            "content": { PROBLEM: { "schema": problem } },
            "x-problem-types": types,
        });
        if kinds.iter().any(|kind| kind.retry_after().is_some()) {
            response["headers"] =
                [header("Retry-After", "Seconds after which it may be asked again.")]
                    .into_iter()
                    .collect();
        }
        let whole = responses.entry(status.to_string()).or_insert_with(|| json!({}));
        merge(whole, response);
    }
    responses
}

fn header(name: &str, says: &str) -> (String, Value) {
    (name.to_owned(), json!({ "description": says, "schema": { "type": "string" } }))
}

/// A status that is answered with and without a problem.
fn merge(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                merge(whole.entry(key).or_insert(Value::Null), value);
            }
        }
        (whole @ Value::Null, part) => *whole = part,
        (_, _) => {}
    }
}

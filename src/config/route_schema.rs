//! `schema` of a route, as it is written: in place, or `{ file: PATH }`.

use serde_json::Value;

use super::{Lookup, PayloadSchema, SchemaMistake, document::parse, issues::Issues};

/// The schema of the key itself: any schema, or a map with `file`. What is in it is checked when it is compiled.
pub(super) fn setting(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": ["object", "boolean"],
        "properties": {
            "file": {
                "type": "string",
                "minLength": 1,
                "description": "The schema stands in that file, JSON or YAML, found from where the configuration is.",
            },
        },
        "default": null,
    })
}

/// Compiles what stands at `schema` of a route; `issues` are those of the route.
pub(super) fn compile(
    written: &Value,
    lookup: &dyn Lookup,
    issues: &mut Issues<'_>,
) -> Option<PayloadSchema> {
    let mut issues = issues.at("schema");
    let Some(path) = written.get("file") else {
        return PayloadSchema::try_new(written)
            .map_err(|wrong| {
                for SchemaMistake { pointer, says } in wrong {
                    let pointer = format!("{}{pointer}", issues.pointer);
                    issues.push_at(&pointer, says);
                }
            })
            .ok();
    };
    if written.as_object().is_some_and(|map| map.len() > 1) {
        issues.push("file", "stands alone: the schema is in the file, or here");
        return None;
    }
    let path = path.as_str().unwrap_or_default();
    from_file(path, lookup)
        .map_err(|wrong| {
            for says in wrong {
                issues.push("file", says);
            }
        })
        .ok()
}

/// What is wrong in the file, with the place in it.
fn from_file(path: &str, lookup: &dyn Lookup) -> Result<PayloadSchema, Vec<String>> {
    let text = lookup.document(path).map_err(|says| vec![format!("`{path}` {says}")])?;
    let node = parse(&text).map_err(|problem| {
        vec![format!("{path}:{}:{}: {}", problem.place.line, problem.place.column, problem.message)]
    })?;
    let mut problems = Vec::new();
    let (schema, places) = node.settle(&mut problems);
    match PayloadSchema::try_new(&schema) {
        Ok(compiled) if problems.is_empty() => return Ok(compiled),
        Ok(_) => {}
        Err(wrong) => {
            let mut issues = Issues::new("", &places, &mut problems);
            for SchemaMistake { pointer, says } in wrong {
                issues.push_at(&pointer, says);
            }
        }
    }
    let told = problems.into_iter().map(|it| {
        let colon = if it.key.is_empty() { "" } else { ": " };
        let (line, column) = (it.place.line, it.place.column);
        format!("{path}:{line}:{column}: {}{colon}{}", it.key, it.message)
    });
    Err(told.collect())
}

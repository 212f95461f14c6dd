//! `fanfare schema` and `fanfare targets`: what can be written, and what is printed.

use std::io;

use serde_json::Value;

use super::{
    args::{SchemaArgs, SchemaOf},
    kinds::kinds,
    output::{complain, print},
    run::Status,
};
use crate::{
    config::{config_schema, target_schema},
    daemon::openapi,
    wire::{event_schema, notice_schema, report_schema},
};

/// Prints a JSON Schema, or the description of the API.
pub(super) fn schema(args: &SchemaArgs) -> io::Result<Status> {
    let kinds = kinds();
    let schema = match (args.of, &args.kind) {
        (SchemaOf::Report, None) => report_schema(),
        (SchemaOf::Notice, None) => notice_schema(),
        (SchemaOf::Event, None) => event_schema(),
        (SchemaOf::Config, None) => config_schema(kinds),
        (SchemaOf::OpenApi, None) => openapi(),
        (SchemaOf::Target, Some(kind)) => match kinds.get(kind) {
            Some(kind) => target_schema(kind),
            None => {
                let known: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.kind())).collect();
                complain(&[format!(
                    "`{kind}` is not a kind of target: there is {}",
                    known.join(", ")
                )]);
                return Ok(Status::WrongUsage);
            }
        },
        (SchemaOf::Target, None) => {
            complain(&["which kind? `fanfare schema target http` would be right".to_owned()]);
            return Ok(Status::WrongUsage);
        }
        (
            SchemaOf::Report
            | SchemaOf::Notice
            | SchemaOf::Event
            | SchemaOf::Config
            | SchemaOf::OpenApi,
            Some(_),
        ) => {
            complain(&["only `fanfare schema target` has a kind".to_owned()]);
            return Ok(Status::WrongUsage);
        }
    };
    print(&format!("{schema:#}\n"))?;
    Ok(Status::Satisfied)
}

/// Prints the kinds of targets, with the keys of their own.
pub(super) fn targets() -> io::Result<Status> {
    let mut text = String::new();
    for kind in kinds().iter() {
        let schema = kind.schema();
        let says = schema["description"].as_str().unwrap_or_default().to_owned();
        text.push_str(&format!("{}: {says}\n", kind.kind()));
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (key, about) in schema["properties"].as_object().into_iter().flatten() {
            let needed =
                if required.contains(&Value::from(key.as_str())) { " (required)" } else { "" };
            text.push_str(&format!("  {key:<20} {}{needed}\n", first_sentence(about)));
        }
        text.push('\n');
    }
    text.push_str("The keys that every target has are in docs/configuration.md; `fanfare schema target KIND` has all.\n");
    print(&text)?;
    Ok(Status::Satisfied)
}

fn first_sentence(about: &Value) -> String {
    let text = about["description"].as_str().unwrap_or_default().replace('\n', " ");
    text.split_inclusive(". ").next().unwrap_or_default().trim().to_owned()
}

//! `docs/configuration.md` has every key with its default and its reason, taken from the schemas.

use std::fs;

use fanfare::{
    config::{config_schema, target_schema},
    sdk::{RESERVED_KEYS, TargetKind},
    targets::{github::GithubKind, http::HttpKind, slack::SlackKind, webhook::WebhookKind},
};
use serde_json::Value;

use crate::{config::kinds, schemas::check_file};

const PAGE: &str = "docs/configuration.md";

/// A table between two marks of the page.
struct Table {
    name: &'static str,
    rows: Vec<String>,
}

#[test]
fn every_key_stands_on_the_page_with_its_default() {
    let webhook = target_schema(&WebhookKind);
    let engine = |key: &str| RESERVED_KEYS.contains(&key);
    let route = config_schema(&kinds())["properties"]["routes"]["additionalProperties"].take();
    let journal = config_schema(&kinds())["properties"]["journal"].take();
    let engine_itself = config_schema(&kinds())["properties"]["engine"].take();
    let daemon = config_schema(&kinds())["properties"]["daemon"].take();
    let tables = [
        Table { name: "targets", rows: rows(&webhook, "", &|key| engine(key)) },
        Table { name: "http", rows: rows(&HttpKind.schema_inlined(), "", &|key| !engine(key)) },
        Table { name: "webhook", rows: rows(&webhook, "", &|key| !engine(key)) },
        Table { name: "slack", rows: rows(&target_schema(&SlackKind), "", &|key| !engine(key)) },
        Table { name: "github", rows: rows(&target_schema(&GithubKind), "", &|key| !engine(key)) },
        Table { name: "routes", rows: rows(&route, "", &|_| true) },
        Table { name: "engine", rows: rows(&engine_itself, "", &|_| true) },
        Table { name: "journal", rows: rows(&journal, "", &|_| true) },
        Table { name: "daemon", rows: rows(&daemon, "", &|_| true) },
    ];
    let path = format!("{}/{PAGE}", env!("CARGO_MANIFEST_DIR"));
    let mut page = fs::read_to_string(path).unwrap();
    for Table { name, rows } in tables {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let from =
            page.find(&begin).unwrap_or_else(|| panic!("{PAGE} lacks {begin}")) + begin.len();
        let to = page.find(&end).unwrap_or_else(|| panic!("{PAGE} lacks {end}"));
        let head = "| key | default | meaning | why this default |\n| --- | --- | --- | --- |\n";
        page.replace_range(from..to, &format!("{head}{}\n", rows.join("\n")));
    }
    check_file(PAGE, &page);
}

trait Inlined {
    fn schema_inlined(&self) -> Value;
}

impl<K: TargetKind> Inlined for K {
    /// As it stands in a configuration: without references.
    fn schema_inlined(&self) -> Value {
        target_schema(self)
    }
}

/// A row for every key, those of maps below it behind it.
fn rows(schema: &Value, above: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut rows = Vec::new();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (key, about) in schema["properties"].as_object().into_iter().flatten() {
        if !wanted(key) {
            continue;
        }
        let name = format!("{above}{key}");
        let map = maps(about);
        let says = about["description"].as_str().unwrap_or_default().replace(['\n', '|'], " ");
        let reason = about["x-reason"].as_str().unwrap_or_default();
        let default = match &about["default"] {
            // One of several maps of one key: whoever writes it has chosen.
            _ if !above.is_empty()
                && schema["properties"].as_object().is_some_and(|p| p.len() == 1) =>
            {
                String::new()
            }
            _ if required.contains(&Value::from(key.as_str())) => "required".to_owned(),
            Value::Null | Value::Object(_) => match map.is_empty() {
                false if about["default"].is_object() => "see below".to_owned(),
                _ => "none".to_owned(),
            },
            Value::String(text) => format!("`{text}`"),
            Value::Array(items) if items.is_empty() => "none".to_owned(),
            other => format!("`{other}`"),
        };
        let words = words(about);
        let words = match words.as_slice() {
            [] | [_] => String::new(),
            [most @ .., end] => format!(" {} or {end}.", most.join(", ")),
        };
        rows.push(format!("| `{name}` | {default} | {says}{words} | {reason} |"));
        for map in map {
            for row in self::rows(map, &format!("{name}."), &|_| true) {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
    }
    rows
}

/// The words that may stand there.
fn words(about: &Value) -> Vec<String> {
    if let Some(words) = about["enum"].as_array() {
        let text = |word: &Value| word.as_str().map(|word| format!("`{word}`"));
        return words.iter().filter_map(text).collect();
    }
    if let Some(word) = about["const"].as_str() {
        return vec![format!("`{word}`")];
    }
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| about[*key].as_array());
    branches.into_iter().flatten().flat_map(words).collect()
}

/// The maps with keys of their own that may stand there.
fn maps(about: &Value) -> Vec<&Value> {
    if about["properties"].is_object() {
        return vec![about];
    }
    if let Some(items) = about.get("items") {
        return maps(items);
    }
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| about[*key].as_array());
    branches.into_iter().flatten().flat_map(maps).collect()
}

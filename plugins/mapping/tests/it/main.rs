//! Mapping expressions, as their users see them.

mod limits;
mod outputs;
mod parse_errors;
mod properties;
mod run_errors;
mod texts;

use fanfare_mapping::{Filter, Limits, RunError};
use serde_json::Value;

#[track_caller]
fn parse(source: &str) -> Filter {
    Filter::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

/// An input, written as JSON.
#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("the test's input is JSON")
}

/// The first output as JSON text. That `run` gives the same is checked by the way.
#[track_caller]
fn first(input: &str, source: &str) -> Result<String, RunError> {
    let (filter, input) = (parse(source), json(input));
    let bytes = filter.run_bytes(&input, Limits::default());
    let value = filter.run(&input, Limits::default());
    let text = bytes.map(|it| String::from_utf8(it).expect("JSON is UTF-8"));
    assert_eq!(text.clone().map(|it| json(&it)), value, "{source}");
    text
}

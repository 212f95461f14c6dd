//! What is written down about the wire format is what the code says. `UPDATE=1 cargo test` writes it anew.

use std::{env, fs, path::PathBuf};

use fanfare::{
    daemon::openapi,
    wire::{event_schema, notice_schema, report_schema},
};

/// Compares a file of the project with what it should say, or writes it.
#[track_caller]
pub(crate) fn check_file(path: &str, expected: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(&file, expected).unwrap();
        return;
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == expected,
        "{path} is not up to date: run UPDATE=1 cargo test, and look at the change\n{expected}"
    );
}

#[test]
fn the_schema_of_a_report_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&report_schema()).unwrap();
    check_file("schemas/report.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_description_of_the_api_is_up_to_date() {
    let document = serde_json::to_string_pretty(&openapi()).unwrap();
    check_file("schemas/openapi.json", &format!("{document}\n"));
}

#[test]
fn the_schema_of_a_notice_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&notice_schema()).unwrap();
    check_file("schemas/notice.schema.json", &format!("{schema}\n"));
}

#[test]
fn the_schema_of_an_event_is_up_to_date() {
    let schema = serde_json::to_string_pretty(&event_schema()).unwrap();
    check_file("schemas/event.schema.json", &format!("{schema}\n"));
}

//! The specification and the checks say the same: no MUST without a check, no check without a MUST.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, SettingError, TargetKind};
use fanfare_testkit::{Conformance, Line};
use serde_json::{Value, json};

use crate::demo::{CANARY, Demo, Wrong};

const SPEC: &str = include_str!("../../../../docs/target-spec.md");

/// One requirement, as it is written: a row of a table.
struct Row {
    number: &'static str,
    says: &'static str,
    check: &'static str,
}

fn rows(letter: char) -> Vec<Row> {
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let is_number = |text: &str| {
            text.strip_prefix(letter).is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()))
        };
        match cells.as_slice() {
            ["", number, says, _, rest @ .., ""] if is_number(number) => {
                Some(Row { number, says, check: rest.first().unwrap_or(&"") })
            }
            _ => None,
        }
    };
    SPEC.lines().filter_map(row).collect()
}

#[derive(Debug)]
struct NoKind;

impl TargetKind for NoKind {
    fn kind(&self) -> &str {
        "none"
    }

    fn schema(&self) -> Value {
        json!({})
    }

    fn build(&self, _: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        Err(Vec::new())
    }
}

#[tokio::test(start_paused = true)]
async fn the_specification_and_the_checks_say_the_same() {
    let target = Conformance::builder().secret(CANARY).run(|| Demo::make(Wrong::Nothing)).await;
    let kind = Conformance::of_kind(&NoKind, &json!({}));
    let lines = target.lines().iter().chain(kind.lines());
    let said = |line: &Line| (line.must.to_owned(), line.name.to_owned());
    let checks: Vec<_> = lines.filter(|line| !line.must.is_empty()).map(said).collect();
    let written: Vec<_> =
        rows('T').iter().map(|row| (row.number.to_owned(), row.check.to_owned())).collect();
    assert_eq!(written, checks);
    let numbers: Vec<_> = written.iter().map(|(number, _)| number.clone()).collect();
    let counted: Vec<_> = (1..=written.len()).map(|number| format!("T{number}")).collect();
    assert_eq!(numbers, counted, "numbers are in order, and none is left out");
}

#[test]
fn a_requirement_says_how_strict_it_is() {
    for row in rows('T') {
        assert!(row.says.contains("MUST") && !row.says.contains("SHOULD"), "{}", row.number);
    }
    let should = rows('S');
    assert!(!should.is_empty());
    for row in should {
        assert!(row.says.contains("SHOULD") && !row.says.contains("MUST"), "{}", row.number);
    }
}

//! The names of spans, events, attributes and metrics stand in docs/telemetry.md, all of them and no others.

use std::{collections::BTreeSet, fs};

fn read(path: &str) -> String {
    fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The texts of all constants.
fn in_code(text: &str) -> BTreeSet<String> {
    let constants = text.lines().filter(|line| line.contains("const "));
    let texts = constants.filter_map(|line| Some(line.split_once('"')?.1.split_once('"')?.0));
    texts.filter(|text| !text.contains("://")).map(str::to_owned).collect()
}

/// The first word of the first cell of every row, but for placeholders and variables of the environment.
fn in_tables(text: &str) -> BTreeSet<String> {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let words = cells.filter_map(|(cell, _)| cell.split(' ').next());
    let named = |word: &&str| !word.starts_with('{') && !word.starts_with("OTEL_");
    words.filter(named).filter(|word| *word != "TRACEPARENT").map(str::to_owned).collect()
}

#[test]
fn what_is_told_is_documented() {
    let (code, tables) =
        (in_code(&read("src/telemetry/names.rs")), in_tables(&read("docs/telemetry.md")));
    let resource = |name: &&String| !name.starts_with("service.");
    let missing: Vec<_> = code.difference(&tables).filter(resource).collect();
    let unknown: Vec<_> = tables.difference(&code).collect();
    assert!(missing.is_empty(), "docs/telemetry.md lacks {missing:?}");
    assert!(unknown.is_empty(), "src/telemetry/names.rs lacks {unknown:?}");
    assert!(code.len() > 40, "the check sees the names: {code:?}");
}

#[test]
fn a_name_that_is_missing_is_found() {
    let code = "const A: &str = \"a.b\";\nconst U: &str = \"https://x\";\nstatic NOT: u8 = 1;";
    assert_eq!(in_code(code), BTreeSet::from(["a.b".to_owned()]));
    let tables =
        "| name |\n| --- |\n| `a.b` | x |\n| `deliver {to}` |\n| `{method}` |\n| `OTEL_X` |\n`c`";
    assert_eq!(in_tables(tables), BTreeSet::from(["a.b".to_owned(), "deliver".to_owned()]));
}

//! The comparison with other tools has every option of theirs, and names no key that there is not.

use std::{collections::BTreeSet, fs};

const OPTIONS: &str = include_str!("compared/options.txt");
const PAGE: &str = include_str!("../../docs/targets-compared.md");

/// What stands in backticks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The cells of all rows, the tools' own and ours.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| --- "));
    let cells = |row: &'static str| row[1..row.len() - 1].split('|').map(str::trim).collect();
    let rows: Vec<Vec<_>> = rows.map(cells).filter(|row: &Vec<_>| row[0] != "what").collect();
    let odd = rows.iter().find(|row| row.len() != 5);
    assert!(odd.is_none(), "five cells would be right: {odd:?}");
    rows
}

/// The keys of all tables of the configuration.
fn keys() -> BTreeSet<String> {
    let page = format!("{}/docs/configuration.md", env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(page).unwrap();
    let keys = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    keys.map(str::to_owned).collect()
}

#[test]
fn every_option_is_there_once() {
    let mut column = 0;
    for line in OPTIONS.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let begins = comment.contains(", output `") || comment.contains(", sink `");
            column += usize::from(begins);
            continue;
        }
        for option in line.split(' ') {
            let all = rows();
            let named = all.iter().flat_map(|row| names(row[column]));
            let found = named.filter(|it| *it == option).count();
            assert_eq!(found, 1, "`{option}` in column {column} of docs/targets-compared.md");
        }
    }
    assert_eq!(column, 3);
}

#[test]
fn every_key_of_ours_is_one() {
    let keys = keys();
    for row in rows() {
        let ours = row[4];
        let told: Vec<_> = names(ours).into_iter().filter(|it| keys.contains(*it)).collect();
        let reason = ours.strip_prefix("**not here**: ");
        let reasoned = reason.is_some_and(|it| it.split(' ').count() >= 3);
        assert!(reasoned || !told.is_empty(), "neither a key nor a reason: {ours}");
        let first = names(ours).first().copied().unwrap_or_default();
        assert!(reasoned || keys.contains(first), "`{first}` is no key of docs/configuration.md");
    }
}

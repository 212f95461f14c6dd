//! Lines that are none of a journal, nearly: nothing makes the import panic, and what it took is a whole journal.

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy, any},
    prop_assert, prop_assert_eq, prop_oneof, proptest,
    sample::Index,
};
use tempfile::TempDir;

use super::{
    SqliteJournal,
    tests::settings,
    tests_transfer::{export, full},
};

/// What becomes of the lines that were exported.
#[derive(Clone, Debug)]
enum Change {
    Left(Index),
    Twice(Index),
    Swapped(Index, Index),
    Cut(Index, Index),
    Byte(Index, Index, u8),
    Number(Index, i64),
    Null(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        at().prop_map(Change::Left),
        at().prop_map(Change::Twice),
        (at(), at()).prop_map(|(a, b)| Change::Swapped(a, b)),
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), at(), any::<u8>()).prop_map(|(a, b, byte)| Change::Byte(a, b, byte)),
        (at(), any::<i64>()).prop_map(|(a, number)| Change::Number(a, number)),
        (at(), at()).prop_map(|(a, b)| Change::Null(a, b)),
    ]
}

fn make(lines: &mut Vec<Vec<u8>>, change: &Change) {
    if lines.is_empty() {
        return;
    }
    let count = lines.len();
    match change {
        Change::Left(at) => drop(lines.remove(at.index(count))),
        Change::Twice(at) => lines.push(lines[at.index(count)].clone()),
        Change::Swapped(one, other) => lines.swap(one.index(count), other.index(count)),
        Change::Cut(at, byte) => {
            let line = &mut lines[at.index(count)];
            line.truncate(byte.index(line.len() + 1));
        }
        Change::Byte(at, place, byte) => {
            let line = &mut lines[at.index(count)];
            if !line.is_empty() {
                let place = place.index(line.len());
                line[place] = *byte;
            }
        }
        Change::Number(at, number) => {
            let line = &mut lines[at.index(count)];
            let digits = line.iter().position(u8::is_ascii_digit);
            if let Some(from) = digits {
                let to = line[from..].iter().position(|b| !b.is_ascii_digit()).unwrap_or(0) + from;
                line.splice(from..to, number.to_string().into_bytes());
            }
        }
        Change::Null(at, place) => {
            let line = &mut lines[at.index(count)];
            let text = String::from_utf8_lossy(line).into_owned();
            let values: Vec<_> = text.match_indices("\":").map(|(at, _)| at + 2).collect();
            if !values.is_empty() {
                let from = values[place.index(values.len())];
                let to = text[from..].find([',', '}']).map_or(text.len(), |length| from + length);
                *line = format!("{}null{}", &text[..from], &text[to..]).into_bytes();
            }
        }
    }
}

/// What a journal has exported once.
fn exported() -> Vec<Vec<u8>> {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(full(settings(&folder)));
    let text = export(&settings(&folder).path, &[]);
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

#[test]
fn nothing_makes_the_import_panic() {
    let exported = exported();
    proptest!(ProptestConfig::with_cases(64), |(changes in vec(change(), 1..6))| {
        let mut lines = exported.clone();
        changes.iter().for_each(|change| make(&mut lines, change));
        let folder = TempDir::new().unwrap();
        let text = lines.join(&b'\n');
        let Ok(imported) = SqliteJournal::import(&settings(&folder), &mut text.as_slice()) else {
            return Ok(());
        };
        for wrong in &imported.wrong {
            prop_assert!(wrong.starts_with("line ") || wrong.starts_with("there is no last"), "{}", wrong);
        }
        prop_assert_eq!(imported.lines_wrong == 0, imported.wrong.is_empty());
        let checked = SqliteJournal::check(&settings(&folder).path, &[]).unwrap();
        prop_assert_eq!(&checked.wrong, &[""; 0], "after {:?}", changes);
    });
}

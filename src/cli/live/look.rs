//! What a terminal can show.

use std::{env, time::Duration};

use crate::cli::screen;

/// What a terminal can show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Marks beyond ASCII.
    pub(super) unicode: bool,
}

/// A mark of one column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    Pending,
    Waiting,
    /// In flight, for that long: it turns.
    Flying(Duration),
    Delivered,
    Failed,
    Doubtful,
    LeftOut,
}

/// How long a turning mark stands still.
const TURN_MS: u128 = 80;

impl Look {
    /// The terminal at standard error as it is now.
    pub(super) fn now() -> Self {
        let (columns, rows) = screen::size();
        Self { columns, rows, unicode: is_unicode(|name| env::var(name).ok()) }
    }

    pub(super) fn ellipsis(self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    pub(super) fn mark(self, mark: Mark) -> char {
        let turning = |marks: &[char], flown: Duration| {
            let turns = flown.as_millis() / TURN_MS % marks.len().max(1) as u128;
            marks.get(usize::try_from(turns).unwrap_or(0)).copied().unwrap_or('>')
        };
        match (mark, self.unicode) {
            (Mark::Pending, true) => '·',
            (Mark::Pending, false) => '.',
            (Mark::Waiting, true) => '○',
            (Mark::Waiting, false) => 'o',
            (Mark::Flying(flown), true) => {
                turning(&['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], flown)
            }
            (Mark::Flying(flown), false) => turning(&['|', '/', '-', '\\'], flown),
            (Mark::Delivered, true) => '✓',
            (Mark::Delivered, false) => '+',
            (Mark::Failed, true) => '✗',
            (Mark::Failed, false) => 'x',
            (Mark::Doubtful, _) => '?',
            (Mark::LeftOut, _) => '-',
        }
    }
}

/// Whether the locale is UTF-8: the first of these that is set says so (POSIX, chapter 8.2).
fn is_unicode(var: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| var(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[test]
fn the_locale_decides_about_marks() {
    #[track_caller]
    fn check(vars: &[(&str, &str)], expected: bool) {
        let value =
            |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        assert_eq!(is_unicode(value), expected);
    }
    check(&[], false);
    check(&[("LANG", "C")], false);
    check(&[("LANG", "de_DE.UTF-8")], true);
    check(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")], false);
    check(&[("LANG", "C"), ("LC_ALL", ""), ("LC_CTYPE", "C.utf8")], true);
}

//! Lines that are redrawn in place, by the few control sequences that every terminal knows (ECMA-48: CUU, EL, ED).

use anstream::adapter::strip_str;
use terminal_size::{Height, Width, terminal_size_of};

use super::width;

/// Columns and rows where there is no terminal to be asked.
const SIZE: (usize, usize) = (80, 24);

/// Columns and rows of the terminal at standard error, as it is now.
pub(super) fn size() -> (usize, usize) {
    match terminal_size_of(std::io::stderr()) {
        Some((Width(columns), Height(rows))) if columns > 0 && rows > 0 => {
            (columns.into(), rows.into())
        }
        Some(_) | None => SIZE,
    }
}

/// Columns of the terminal at standard error, as it is now.
pub(super) fn columns() -> usize {
    size().0
}

/// What puts `lines` in the place of the lines above the cursor, which took `drawn` columns each, and what these
/// take. In one piece, and without erasing first what is written over: nothing flickers.
pub(super) fn replace(drawn: &[usize], lines: &str, columns: usize) -> (String, Vec<usize>) {
    // A terminal that has become narrower has wrapped them.
    let rows: usize = drawn.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
    let mut text = "\r".to_owned();
    if rows > 0 {
        text += &format!("\x1b[{rows}A");
    }
    for line in lines.lines() {
        text += &format!("{line}\x1b[K\n");
    }
    text += "\x1b[J";
    let widths = lines.lines().map(|line| width::columns(&strip_str(line).to_string())).collect();
    (text, widths)
}

#[test]
fn lines_take_the_place_of_those_before() {
    #[track_caller]
    fn check((drawn, columns): (&[usize], usize), lines: &str, text: &str, widths: &[usize]) {
        assert_eq!(replace(drawn, lines, columns), (text.to_owned(), widths.to_vec()));
    }
    check((&[], 80), "a\nbc\n", "\ra\x1b[K\nbc\x1b[K\n\x1b[J", &[1, 2]);
    check((&[1, 2], 80), "d\n", "\r\x1b[2Ad\x1b[K\n\x1b[J", &[1]);
    check((&[1], 80), "", "\r\x1b[1A\x1b[J", &[]);
    check((&[79, 3], 40), "\x1b[32mok\x1b[0m\n", "\r\x1b[3A\x1b[32mok\x1b[0m\x1b[K\n\x1b[J", &[2]);
}

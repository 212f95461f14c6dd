//! The results as docs/performance.md shows them.

use super::{rounds::Measured, row::Row};

/// The table's head.
pub(crate) const HEAD: &str = "\
| work | runtime | who | rival, µs | fanfare, µs | ratio, median | min, p25, p75, max | A/A (p25, p75) | budget | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// What a row says of its budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Within,
    Over,
    /// The rival differs from itself by more than the budget could show.
    Inconclusive,
}

/// Judges the control first.
pub(crate) fn verdict(row: &Row, measured: &Measured) -> Verdict {
    let noise = (measured.control.median - 1.0).abs().max(measured.control.middle_half());
    if noise > row.margin() {
        Verdict::Inconclusive
    } else if measured.ratio.median <= row.budget {
        Verdict::Within
    } else {
        Verdict::Over
    }
}

/// The line of a row that cannot be measured here.
pub(crate) fn skipped(row: &Row, why: &str) -> String {
    let (work, runtime, who) = (row.work(), row.flavour.word(), row.who());
    format!("| {work} | {runtime} | {who} | | | | | | {:.2} | skipped: {why} |", row.budget)
}

/// One line of the table.
pub(crate) fn line(row: &Row, measured: &Measured, verdict: Verdict) -> String {
    let Measured { rival, fanfare, ratio, control } = measured;
    let verdict = match verdict {
        Verdict::Within => "within",
        Verdict::Over => "over",
        Verdict::Inconclusive => "inconclusive",
    };
    format!(
        "| {} | {} | {} | {:.1} | {:.1} | **{:.2}** | {:.2}, {:.2}, {:.2}, {:.2} | {:.2} ({:.2}, {:.2}) | {:.2} | {verdict} |",
        row.work(),
        row.flavour.word(),
        row.who(),
        rival.median,
        fanfare.median,
        ratio.median,
        ratio.min,
        ratio.p25,
        ratio.p75,
        ratio.max,
        control.median,
        control.p25,
        control.p75,
        row.budget,
    )
}

//! The results as docs/performance.md shows them.

use super::{ill::Ill, load::Period, summary::Summary};

/// The table's head.
pub(crate) const HEAD: &str = "\
| who | the tenth target is | p50, µs | p99, µs | p50, ratio | p99, ratio (min, p25, p75, max) | lost of the nine | the sender knows of the nine within 100 ms | verdict |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |";

/// At most this much longer may the healthy ones take.
const BUDGET: f64 = 1.05;

/// One line.
#[derive(Debug)]
pub(crate) struct Side {
    p50: Summary,
    p99: Summary,
    p50_ratio: Summary,
    p99_ratio: Summary,
    lost: usize,
    known_soon: Summary,
    /// How far the healthy ones are from themselves.
    noise: f64,
}

impl Side {
    /// Compared round by round.
    pub(crate) fn of(healthy: &[Period], control: &[Period], ill: &[Period]) -> Self {
        let ratios = |these: &[Period], number: fn(&Period) -> f64| {
            let pairs = healthy.iter().zip(these);
            Summary::of(pairs.map(|(healthy, it)| number(it) / number(healthy)).collect())
        };
        let all = |number: fn(&Period) -> f64| Summary::of(ill.iter().map(number).collect());
        let control = ratios(control, |period| period.p99);
        Self {
            p50: all(|period| period.p50),
            p99: all(|period| period.p99),
            p50_ratio: ratios(ill, |period| period.p50),
            p99_ratio: ratios(ill, |period| period.p99),
            lost: ill.iter().map(|period| period.lost).sum(),
            known_soon: all(|period| period.known_soon),
            // The median of many rounds varies by less than one of them: by the root of their number.
            noise: (control.median - 1.0).abs().max(control.middle_half() / 2.0),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.noise <= BUDGET - 1.0 && self.p99_ratio.median > BUDGET
    }

    fn verdict(&self) -> &'static str {
        if self.noise > BUDGET - 1.0 {
            "inconclusive"
        } else if self.p99_ratio.median <= BUDGET {
            "within"
        } else {
            "over"
        }
    }
}

/// One line of the table.
pub(crate) fn line(who: &str, ill: Ill, side: &Side) -> String {
    let verdict = match (who, ill) {
        (_, Ill::Control) => "noise",
        ("fanfare", _) => side.verdict(),
        _ => "",
    };
    format!(
        "| {who} | {ill} | {:.0} | {:.0} | {:.2} | **{:.2}** ({:.2}, {:.2}, {:.2}, {:.2}) | {} | {:.0} % | {verdict} |",
        side.p50.median,
        side.p99.median,
        side.p50_ratio.median,
        side.p99_ratio.median,
        side.p99_ratio.min,
        side.p99_ratio.p25,
        side.p99_ratio.p75,
        side.p99_ratio.max,
        side.lost,
        side.known_soon.median * 100.0,
    )
}

//! A report for people: a line for each target, the verdict, and what somebody should look at.

use anstyle::{AnsiColor, Style};

use super::width::{columns, padded, tame};
use crate::wire::{Attempt, Delivery, Report, Warning};

/// Wider cells stand out of their column: one long URL does not push all others to the right.
const COLUMN_MAX: usize = 40;

/// A line for each target in columns, the verdict, and the warnings.
pub(super) fn report(report: &Report) -> String {
    let rows: Vec<_> = report.deliveries.iter().map(cells).collect();
    let widths: Vec<usize> = (0..CELLS)
        .map(|at| {
            let cells = rows.iter().map(|row| columns(&row[at]));
            cells.filter(|width| *width <= COLUMN_MAX).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for (row, delivery) in rows.iter().zip(&report.deliveries) {
        text += &line(row, &widths, style(outcome(delivery)));
    }
    let satisfied = report.verdict.as_deref() == Some("satisfied");
    let style = style(if satisfied { "delivered" } else { "failed" }).bold();
    let verdict = report.verdict.as_deref().unwrap_or("open");
    let took = report.duration_ms.map(|ms| format!(" after {}", millis(ms))).unwrap_or_default();
    text += &format!("{style}{verdict}{style:#}{took}: {}\n", why(report));
    for warning in &report.warnings {
        let (style, says) = (AnsiColor::Yellow.on_default(), self::warning(warning));
        text += &format!("{style}warning{style:#}: {says}\n");
    }
    text
}

/// Cells of a line: outcome, target, status, who served, attempts, time, why.
const CELLS: usize = 7;

fn cells(delivery: &Delivery) -> [String; CELLS] {
    let [status, served, attempts, time, why] = facts(delivery);
    [outcome(delivery).to_owned(), delivery.target.clone(), status, served, attempts, time, why]
        .map(|cell| tame(&cell))
}

fn line(row: &[String; CELLS], widths: &[usize], style: Style) -> String {
    let mut text = String::new();
    for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
        // A column that says nothing about anybody is left out.
        if *width == 0 && cell.is_empty() {
            continue;
        }
        let cell = match at {
            0 => format!("{style}{}{style:#}", padded(cell, *width)),
            _ => padded(cell, *width),
        };
        text += &format!("{cell}  ");
    }
    format!("{}\n", text.trim_end())
}

/// The word for how it ended.
pub(super) fn outcome(delivery: &Delivery) -> &str {
    delivery.outcome.as_deref().unwrap_or("open")
}

/// The colour of an outcome.
pub(super) fn style(outcome: &str) -> Style {
    match outcome {
        "delivered" => AnsiColor::Green.on_default(),
        "failed" | "expired" => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

/// `200, version 2, 2 attempts, 203 ms`; why it failed stands before what can be missed.
pub(super) fn says(delivery: &Delivery) -> String {
    let [status, served, attempts, time, why] = facts(delivery);
    let facts = [status, why, served, attempts, time].into_iter();
    let facts = facts.filter(|fact| !["", "-"].contains(&fact.as_str()));
    facts.collect::<Vec<_>>().join(", ")
}

/// Status, who served, attempts, time, why.
fn facts(delivery: &Delivery) -> [String; 5] {
    let last = delivery.attempts.last();
    let status = last.map(|last| match last.status {
        Some(status) => status.to_string(),
        None if last.meaning.as_deref() == Some("success") => "accepted".to_owned(),
        None => "-".to_owned(),
    });
    let count = delivery.attempts.len();
    let attempts = format!("{count} attempt{}", if count == 1 { "" } else { "s" });
    let waited = &delivery.waited_ms;
    // What has no end took nobody knows how long.
    let spent: Option<f64> = delivery.attempts.iter().map(|a| a.duration_ms).sum();
    let time = spent.map(|spent| millis(spent + waited.backoff + waited.rate_limit + waited.gate));
    let time = time.unwrap_or_else(|| "-".to_owned());
    let status = status.unwrap_or_else(|| "-".to_owned());
    [status, served(delivery), attempts, time, reason(delivery)]
}

fn served(delivery: &Delivery) -> String {
    let Some(served) = &delivery.served_by else { return String::new() };
    let target = (served.target != delivery.target).then(|| format!("by {}", served.target));
    let endpoint = served.endpoint.as_ref().filter(|_| delivery.via.as_deref() == Some("endpoint"));
    let endpoint = endpoint.map(|endpoint| format!("at {endpoint}"));
    let version = served.version.as_ref().map(|version| format!("version {version}"));
    [target, endpoint, version].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn reason(delivery: &Delivery) -> String {
    if delivery.outcome.as_deref() == Some("delivered") {
        return String::new();
    }
    let last = delivery.attempts.last();
    let in_flight = last.is_some_and(|last| last.meaning.as_deref().is_none());
    let doubt = in_flight || delivery.outcome.as_deref() == Some("indeterminate");
    let doubt = doubt.then(|| "may have been applied".to_owned());
    // What its error says already is not said twice.
    let error = last.and_then(|last| last.error.as_ref()).map_or("", |error| &error.code);
    let is_new = |code: &str| match code {
        "unsendable" => !["prepare", "unsupported"].contains(&error),
        code => code != error,
    };
    let reason = delivery.reason.as_ref().filter(|reason| is_new(&reason.code)).map(|reason| {
        let said = reason.said.as_ref().map(|said| tame(&said.line())).unwrap_or_default();
        let colon = if said.is_empty() { "" } else { ": " };
        format!("{}{colon}{said}", reason.message)
    });
    let parts = [doubt, last.and_then(no_reply), reason].into_iter().flatten();
    parts.collect::<Vec<_>>().join(", ")
}

fn no_reply(attempt: &Attempt) -> Option<String> {
    match (&attempt.error, attempt.status, attempt.meaning.as_deref()) {
        (Some(error), _, _) => Some(error.message.clone()),
        (None, None, meaning) if meaning != Some("success") => Some("no end is known".to_owned()),
        (None, _, _) => None,
    }
}

fn why(report: &Report) -> &'static str {
    match (report.completed_by.as_deref(), report.verdict.as_deref()) {
        (Some("all"), Some("satisfied")) => who_accepted(report),
        (Some("quorum"), _) => "enough targets have accepted it",
        (Some("first"), _) => "a target has accepted it",
        (Some("deadline"), _) => "the deadline has passed",
        (Some("impossible"), _) => "too few targets can accept it any more",
        (Some("cancelled"), _) => "it was cancelled",
        _ => "no target has accepted it",
    }
}

/// Of those that were waited for, who has accepted what is satisfied.
fn who_accepted(report: &Report) -> &'static str {
    let meant = report.deliveries.iter().filter(|it| outcome(it) != "skipped");
    let required = meant.clone().filter(|it| it.required);
    let all = |outcomes: &[&str]| required.clone().all(|it| outcomes.contains(&outcome(it)));
    match (meant.count(), required.clone().count()) {
        (0, _) => "it was meant for no target",
        (_, 1..) if all(&["delivered"]) => "every target that is required has accepted it",
        (_, 1..) if all(&["delivered", "substituted"]) => {
            "every target that is required has accepted it, or its canned reply stands in"
        }
        _ => "all have ended, and one at least has accepted it",
    }
}

/// `crm: version 2 is deprecated since 2026-01-01, gone after 2027-06-30, successor https://crm.example/v3`
fn warning(warning: &Warning) -> String {
    let Warning { target, kind, version, deprecated_at, sunset, successor, documentation, .. } =
        warning;
    let version = version.as_ref().map(|v| format!("version {}", tame(v)));
    let version = version.unwrap_or_else(|| "it".to_owned());
    let date = |at: &String| at.split('T').next().unwrap_or_default().to_owned();
    let mut says = match (kind.as_ref(), deprecated_at) {
        ("deprecated", Some(at)) => format!("{version} is deprecated since {}", date(at)),
        ("deprecated", None) => format!("{version} is deprecated"),
        ("sunset", _) => format!("{version} has an end"),
        _ => format!("what it announces of {version} makes no sense"),
    };
    let more = [
        sunset.as_ref().map(|at| format!(", gone after {}", date(at))),
        successor.as_ref().map(|url| format!(", successor {}", tame(url))),
        documentation.as_ref().map(|url| format!(", see {}", tame(url))),
    ];
    more.into_iter().flatten().for_each(|more| says.push_str(&more));
    format!("{}: {says}", tame(target))
}

/// Three digits are enough for a person.
pub(super) fn millis(ms: f64) -> String {
    match ms {
        ms if ms >= 10_000.0 => format!("{:.1} s", ms / 1_000.0),
        ms if ms >= 1_000.0 => format!("{:.2} s", ms / 1_000.0),
        ms if ms >= 100.0 => format!("{ms:.0} ms"),
        ms if ms >= 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.2} ms"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_sdk::Timestamp;

    use super::{Warning, report, warning};
    use crate::{
        cli::live::story::{PLAIN, SIGNUP, Story, at},
        report::{CompletedBy, Verdict},
        wire::Report,
    };

    #[track_caller]
    fn check(story: &Story<'_>, verdict: (bool, CompletedBy), expected: &[&str]) {
        let mut told = at(story, Duration::from_secs(3_600));
        let (satisfied, by) = verdict;
        let fell = Timestamp::default().after(Duration::from_millis(7));
        told.verdict = Some(Verdict { satisfied, by, at: fell });
        let text = anstream::adapter::strip_str(&report(&Report::from(&told))).to_string();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected, "\n{text}");
    }

    #[test]
    fn a_report_has_a_line_for_each_target() {
        check(
            &SIGNUP,
            (false, CompletedBy::Impossible),
            &[
                "delivered      crm    200  1 attempt   20.0 ms",
                "delivered      mail   202  2 attempts  1.03 s",
                "delivered      audit  200  3 attempts  1.30 s",
                "failed         dead   -    3 attempts  406 ms   no connection, all attempts used up",
                "indeterminate  mute   -    1 attempt   7.00 ms  may have been applied, the connection broke, a repeat is not known to be safe",
                "unsatisfied after 7.00 ms: too few targets can accept it any more",
            ],
        );
        let story = Story {
            recipients: &[("crm", "410, 200"), ("kasse-顧客", "200"), ("mail", "400, 429, 200")],
            versions: &["3", "2"],
            stand_in: Some("backup"),
            ..PLAIN
        };
        check(
            &story,
            (true, CompletedBy::All),
            &[
                "delivered  crm         200  version 2             2 attempts  0.00 ms",
                "delivered  kasse-顧客  200  version 3             1 attempt   0.00 ms",
                "delivered  mail        200  by backup, version 3  3 attempts  200 ms",
                "satisfied after 7.00 ms: every target that is required has accepted it",
            ],
        );
        let long = "a-name-that-is-longer-than-anybody-would-like-to-type";
        let story = Story { recipients: &[("crm", "200"), (long, "200")], ..PLAIN };
        check(
            &story,
            (true, CompletedBy::First),
            &[
                "delivered  crm  200  1 attempt  0.00 ms",
                "delivered  a-name-that-is-longer-than-anybody-would-like-to-type  200  1 attempt  0.00 ms",
                "satisfied after 7.00 ms: a target has accepted it",
            ],
        );
    }

    #[test]
    fn a_warning_says_what_is_known() {
        #[track_caller]
        fn check(
            kind: &'static str,
            [deprecated_at, sunset, successor]: [&str; 3],
            expected: &str,
        ) {
            let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            let found = warning(&Warning {
                target: "crm".to_owned(),
                kind: kind.into(),
                version: some("2"),
                deprecated_at: some(deprecated_at),
                sunset: some(sunset),
                successor: some(successor),
                documentation: None,
                old_form: false,
            });
            assert_eq!(found, expected);
        }
        check(
            "deprecated",
            ["2026-01-01T00:00:00Z", "2030-12-31T23:59:59Z", "https://crm.example/v4"],
            "crm: version 2 is deprecated since 2026-01-01, gone after 2030-12-31, successor https://crm.example/v4",
        );
        check("deprecated", ["", "", ""], "crm: version 2 is deprecated");
        check(
            "sunset",
            ["", "2030-12-31T23:59:59Z", ""],
            "crm: version 2 has an end, gone after 2030-12-31",
        );
        check("malformed", ["", "", ""], "crm: what it announces of version 2 makes no sense");
    }
}

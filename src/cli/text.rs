//! A report for people: a line for each target, and the verdict.

use anstyle::{AnsiColor, Style};

use crate::wire::{Attempt, Delivery, Report};

/// A line for each target, and the verdict.
pub(super) fn report(report: &Report) -> String {
    let width = report.deliveries.iter().map(|d| d.target.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for delivery in &report.deliveries {
        let outcome = delivery.outcome.unwrap_or("open");
        let style = style(outcome);
        text.push_str(&format!(
            "{style}{outcome:<13}{style:#}  {:<width$}  {}\n",
            delivery.target,
            says(delivery)
        ));
    }
    let satisfied = report.verdict == Some("satisfied");
    let style = style(if satisfied { "delivered" } else { "failed" }).bold();
    let verdict = report.verdict.unwrap_or("open");
    let took = report.duration_ms.map(|ms| format!(" after {}", millis(ms))).unwrap_or_default();
    text.push_str(&format!("{style}{verdict}{style:#}{took}: {}\n", why(report)));
    text
}

fn style(outcome: &str) -> Style {
    match outcome {
        "delivered" => AnsiColor::Green.on_default(),
        "failed" | "expired" => AnsiColor::Red.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

/// `200, 2 attempts, 203 ms`
fn says(delivery: &Delivery) -> String {
    let last = delivery.attempts.last();
    let mut parts = Vec::new();
    if let Some(reason) = &delivery.reason {
        parts.push(reason.message.clone());
    }
    parts.extend(last.map(answer));
    if delivery.outcome == Some("indeterminate") {
        parts.push("may have been applied".into());
    }
    if let Some(served) = delivery.served_by.as_ref().filter(|_| delivery.via != Some("primary")) {
        let version = served.version.as_ref().map(|v| format!(", version {v}")).unwrap_or_default();
        parts.push(format!("by {}{version}", served.target));
    }
    let count = delivery.attempts.len();
    parts.push(format!("{count} attempt{}", if count == 1 { "" } else { "s" }));
    let waited = &delivery.waited_ms;
    let spent: f64 = delivery.attempts.iter().filter_map(|a| a.duration_ms).sum();
    parts.push(millis(spent + waited.backoff + waited.rate_limit + waited.gate));
    parts.join(", ")
}

fn answer(attempt: &Attempt) -> String {
    match (attempt.status, &attempt.error) {
        (_, Some(error)) => error.message.clone(),
        (Some(status), None) => status.to_string(),
        (None, None) if attempt.meaning == Some("success") => "accepted".into(),
        (None, None) => "no end is known, may have been applied".into(),
    }
}

fn why(report: &Report) -> &'static str {
    match (report.completed_by, report.verdict) {
        (Some("all"), Some("satisfied")) => "every target that is required has accepted it",
        (Some("quorum"), _) => "enough targets have accepted it",
        (Some("first"), _) => "a target has accepted it",
        (Some("deadline"), _) => "the deadline has passed",
        (Some("impossible"), _) => "a target that is required has not accepted it",
        (Some("cancelled"), _) => "it was cancelled",
        _ => "no target has accepted it",
    }
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

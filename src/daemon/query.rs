//! The parameters of a list.

use std::{fmt, str::FromStr};

use fanfare_sdk::{TargetName, Timestamp};
use url::form_urlencoded;

use super::problem::{Mistake, Problem, short};
use crate::{
    journal::{BroadcastFilter, DeadLetterFilter},
    report::BroadcastId,
};

/// Entries of a list, unless asked for otherwise.
const PAGE: usize = 100;

/// Parameters that were not asked for yet.
pub(super) struct Query {
    left: Vec<(String, String)>,
    mistakes: Vec<Mistake>,
}

impl Query {
    /// Of a URL.
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self { left: pairs.into_owned().take(64).collect(), mistakes: Vec::new() }
    }

    /// The value of a parameter.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.left.iter().position(|(other, _)| other == name)?;
        let (_, value) = self.left.remove(place);
        if self.left.iter().any(|(other, _)| other == name) {
            self.left.retain(|(other, _)| other != name);
            self.mistakes.push(Mistake::in_query(name, "is given twice"));
        }
        Some(value)
    }

    /// The same, as what is expected.
    pub(super) fn take<T>(
        &mut self,
        name: &str,
        expected: impl fmt::Display,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            let says = format!("`{}` must be {expected}", short(&text));
            self.mistakes.push(Mistake::in_query(name, says));
        }
        value
    }

    pub(super) fn parse<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        self.take(name, expected, |text| text.parse().ok())
    }

    /// How many entries.
    pub(super) fn limit(&mut self, max: usize) -> usize {
        let in_range = |text: &str| text.parse().ok().filter(|count| (1..=max).contains(count));
        self.take("limit", format!("a number from 1 to {max}"), in_range).unwrap_or(PAGE.min(max))
    }

    fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.take(name, "a time like `2026-01-31T12:00:00Z`", time)
    }

    pub(super) fn broadcasts(&mut self) -> BroadcastFilter {
        BroadcastFilter {
            route: self.text("route"),
            target: self.text("target").map(TargetName::from),
            settled: self.take("state", "`open` or `settled`", |text| match text {
                "open" => Some(false),
                "settled" => Some(true),
                _ => None,
            }),
            satisfied: self.take("verdict", "`satisfied` or `unsatisfied`", |text| match text {
                "satisfied" => Some(true),
                "unsatisfied" => Some(false),
                _ => None,
            }),
            from: self.time("from"),
            until: self.time("until"),
            ..BroadcastFilter::default()
        }
    }

    pub(super) fn dead_letters(&mut self) -> DeadLetterFilter {
        DeadLetterFilter {
            broadcast: self.take("broadcast", "the id of a broadcast", |text| {
                text.parse().ok().map(BroadcastId)
            }),
            target: self.text("target").map(TargetName::from),
            route: self.text("route"),
            outcome: self.take("outcome", outcomes(), |text| {
                OUTCOMES.contains(&text).then(|| text.to_owned())
            }),
            reason: self.text("reason"),
            from: self.time("from"),
            until: self.time("until"),
            ..DeadLetterFilter::default()
        }
    }

    /// What was not asked for is not known.
    pub(super) fn end(mut self, known: &str) -> Result<(), Problem> {
        for (name, _) in &self.left {
            self.mistakes.push(Mistake::in_query(name, format!("is not known: {known}")));
        }
        if self.mistakes.is_empty() { Ok(()) } else { Err(Problem::invalid(self.mistakes)) }
    }
}

/// The outcomes that dead letters have.
pub(super) const OUTCOMES: [&str; 4] = ["failed", "indeterminate", "expired", "substituted"];

pub(super) fn outcomes() -> String {
    OUTCOMES.map(|outcome| format!("`{outcome}`")).join(", ")
}

/// RFC 3339.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok()?;
    Some(Timestamp::from_micros(at.as_microsecond()))
}

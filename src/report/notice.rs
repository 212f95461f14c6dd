//! What an API announces about the version that was spoken.

use std::time::Duration;

use fanfare_sdk::{TargetName, Timestamp, Version};
use serde::{Deserialize, Serialize};

use super::Report;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// What an API announces about the version that was spoken, or what is configured of it: only a hint, it changes no decision.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notice {
    /// Whether it is, or will be, deprecated (RFC 9745).
    pub deprecated: bool,
    /// Since when, or from when on.
    pub deprecated_at: Option<Timestamp>,
    /// When it is likely to be gone (RFC 8594).
    pub sunset: Option<Timestamp>,
    /// Where its successor is (RFC 5829); configured, perhaps only its name.
    pub successor: Option<String>,
    /// Where there is more to read about it.
    pub documentation: Option<String>,
    /// What was announced makes no sense: the sunset comes before the deprecation, or a header cannot be read.
    pub malformed: bool,
    /// It was announced in the form of an older draft: `true` or an HTTP-date for `Deprecation`, `UTC` in a date.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old_form: bool,
}

/// What somebody should look at, though it did no harm yet.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Warning {
    /// The target that was called.
    pub target: TargetName,
    /// The version that was spoken.
    pub version: Option<Version>,
    /// What was announced.
    pub notice: Notice,
}

/// When a version of a target is likely to be gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VersionEnd {
    /// The target.
    pub target: TargetName,
    /// The version; none where the target has none.
    pub version: Option<Version>,
    /// When.
    pub at: Timestamp,
}

impl Notice {
    /// Whether somebody should look at it; links alone are no reason.
    #[must_use]
    pub const fn warns(&self) -> bool {
        self.deprecated || self.sunset.is_some() || self.malformed
    }

    /// What the API has announced, and beside it what was known before. Where the dates of both make no sense together,
    /// those that were announced count.
    #[must_use]
    pub fn with(mut self, known: &Self) -> Self {
        let deprecated_at = self.deprecated_at.or(known.deprecated_at);
        let sunset = self.sunset.or(known.sunset);
        if deprecated_at.zip(sunset).is_none_or(|(from, to)| from <= to) {
            self.deprecated |= known.deprecated;
            (self.deprecated_at, self.sunset) = (deprecated_at, sunset);
        }
        self.successor = self.successor.or_else(|| known.successor.clone());
        self.documentation = self.documentation.or_else(|| known.documentation.clone());
        self
    }

    /// Whether it says something to whoever knows what was announced `before`: something else, or dates that are a day or
    /// more away from the other ones. There are APIs whose end is always as far away as it was.
    #[must_use]
    pub fn is_news_after(&self, before: &Self) -> bool {
        let moved = |one: Option<Timestamp>, other: Option<Timestamp>| match (one, other) {
            (Some(one), Some(other)) => one.since(other).max(other.since(one)) >= DAY,
            (one, other) => one != other,
        };
        let dateless = |it: &Self| Self { deprecated_at: None, sunset: None, ..it.clone() };
        moved(self.deprecated_at, before.deprecated_at)
            || moved(self.sunset, before.sunset)
            || dateless(self) != dateless(before)
    }

    /// The code in reports and metrics: `deprecated`, `sunset` or `malformed`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self { deprecated: true, .. } => "deprecated",
            Self { sunset: Some(_), .. } => "sunset",
            _ => "malformed",
        }
    }
}

impl Report {
    /// What was announced during its attempts: once for each target, version and announcement.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        for attempt in self.deliveries.iter().flat_map(|delivery| &delivery.attempts) {
            let Some(notice) = attempt.ended.as_ref().and_then(|ended| ended.notice.as_ref())
            else {
                continue;
            };
            let way = &attempt.started.way;
            let warning = Warning {
                target: way.target.clone(),
                version: way.version.clone(),
                notice: (**notice).clone(),
            };
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::{Notice, Timestamp};

    #[test]
    fn an_end_that_moves_along_is_news_once_a_day() {
        let ends =
            |secs: i64| Notice { sunset: Some(Timestamp::from_secs(secs)), ..Notice::default() };
        let known = ends(1_000_000);
        for (secs, is_news) in [
            (1_000_000, false),
            (1_000_060, false),
            (999_940, false),
            (1_086_399, false),
            (1_086_400, true),
            (913_600, true),
            (913_601, false),
        ] {
            assert_eq!(ends(secs).is_news_after(&known), is_news, "{secs}");
        }
        assert!(Notice::default().is_news_after(&known));
        assert!(known.is_news_after(&Notice::default()));
        assert!(Notice { deprecated: true, ..ends(1_000_000) }.is_news_after(&known));
    }
}

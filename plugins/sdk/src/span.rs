//! Durations as people write them: `250ms`, `5s`, `1m30s`.

use std::{borrow::Cow, fmt, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The longest duration that makes sense here: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

const TOO_LONG: &str = "is longer than a year";

/// A duration as people write it, wherever they write one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Span(pub Duration);

impl Span {
    /// What a duration looks like, as a regular expression.
    pub const PATTERN: &'static str = "^([0-9]+(us|ms|s|m|h|d))+$";

    /// That it is no longer than a year, as a format of a JSON Schema.
    pub const FORMAT: &'static str = "duration-within-a-year";

    /// What would be right.
    pub const RIGHT: &'static str = "`250ms`, `5s` or `1m30s` would be right";

    /// So many milliseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many seconds.
    #[must_use]
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// Reads a duration.
    ///
    /// # Errors
    /// What would be right where it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration: {}", Self::RIGHT);
        let mut rest = text.trim();
        let mut total = Duration::ZERO;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            if digits == 0 {
                return Err(wrong());
            }
            // So large a number is more than a year of any unit.
            let number: u64 = rest[..digits].parse().unwrap_or(u64::MAX);
            let unit_end = rest[digits..]
                .find(|c: char| c.is_ascii_digit())
                .map_or(rest.len(), |end| digits + end);
            let unit = match &rest[digits..unit_end] {
                "us" => Duration::from_micros(1),
                "ms" => Duration::from_millis(1),
                "s" => Duration::from_secs(1),
                "m" => Duration::from_secs(60),
                "h" => Duration::from_secs(60 * 60),
                "d" => Duration::from_secs(24 * 60 * 60),
                _ => return Err(wrong()),
            };
            let micros = u128::from(number) * unit.as_micros();
            let span = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
            total = total.saturating_add(span);
            rest = &rest[unit_end..];
        }
        if total > LONGEST {
            return Err(format!("`{text}` {TOO_LONG}"));
        }
        Ok(Self(total))
    }

    /// Whether a text is not too long a duration. One that is none has another mistake.
    #[must_use]
    pub fn is_within_a_year(text: &str) -> bool {
        Self::parse(text).map_or_else(|says| !says.ends_with(TOO_LONG), |_| true)
    }
}

impl fmt::Display for Span {
    /// In its largest units: `1m30s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u128, &str); 6] = [
            (86_400_000_000, "d"),
            (3_600_000_000, "h"),
            (60_000_000, "m"),
            (1_000_000, "s"),
            (1_000, "ms"),
            (1, "us"),
        ];
        let mut left = self.0.as_micros();
        if left == 0 {
            return f.write_str("0s");
        }
        for (micros, unit) in UNITS {
            if left >= micros {
                write!(f, "{}{unit}", left / micros)?;
                left %= micros;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": Self::PATTERN,
            "format": Self::FORMAT,
            "description": "A duration: numbers with us, ms, s, m, h or d behind them.",
            "examples": ["250ms", "5s", "1m30s"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Span};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let parsed = Span::parse(text);
        let told = parsed.map_or_else(|says| says, |Span(duration)| format!("{duration:?}"));
        assert_eq!(told, expected);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        check("250ms", "250ms");
        check("5s", "5s");
        check(" 1m30s ", "90s");
        check("2h", "7200s");
        check("1s500ms", "1.5s");
        check("15us", "15µs");
        check("0s", "0ns");
    }

    #[test]
    fn what_is_no_duration_gets_an_answer() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5x"] {
            let says =
                format!("`{text}` is not a duration: `250ms`, `5s` or `1m30s` would be right");
            check(text, &says);
        }
        for text in ["9999d", "99999999999s", "99999999999999999999999999us", "365d366h"] {
            check(text, &format!("`{text}` is longer than a year"));
        }
        check("5000000000us", "5000s");
    }

    #[test]
    fn durations_are_written_as_people_read_them() {
        for text in ["15us", "250ms", "5s", "1m30s", "2h", "1s500ms", "0s", "1d"] {
            assert_eq!(Span::parse(text).expect("it is a duration").to_string(), text);
        }
        assert_eq!(Span(Duration::from_secs(3_600)).to_string(), "1h");
    }
}

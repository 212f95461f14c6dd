//! Headers that say that a quota is used up: `RateLimit` in its forms, and those of vendors.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, List, ListEntry, Parser};

use crate::{RetryAfter, Timestamp};

/// Numbers from here on are seconds since 1970, smaller ones seconds from now.
const EPOCH_SECS_MIN: f64 = 1e9;

/// Numbers from here on are milliseconds since 1970.
const EPOCH_MILLIS_MIN: f64 = 1e11;

/// Pairs of headers of vendors: what is left, and when it begins anew.
const PAIRS: &[(&str, &str)] = &[
    // draft-ietf-httpapi-ratelimit-headers 03 to 06; GitLab writes the reset as a date.
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset-after"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-rate-limit-remaining", "x-rate-limit-reset"),
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
];

/// With one of these begins the name of each of those headers.
const PREFIXES: &[&str] = &["ratelimit", "x-ratelimit", "x-rate-limit", "anthropic-ratelimit"];

/// Until when there is no point in asking again, because a quota is used up; none where none is, or where it does not
/// say. Of several the longest counts. What is malformed is ignored, and so is all of it in an answer from a cache.
#[must_use]
pub fn quota_used_up(headers: &HeaderMap) -> Option<RetryAfter> {
    let is_ours = |name: &HeaderName| PREFIXES.iter().any(|it| name.as_str().starts_with(it));
    // Most replies say nothing of it: to look at the few names is quicker than to look each of ours up.
    if !headers.keys().any(is_ours) || headers.contains_key(http::header::AGE) {
        return None;
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    // A list or a dictionary may be parted over several lines (RFC 9651 section 4.2).
    let lines: Option<Vec<_>> =
        headers.get_all("ratelimit").iter().map(|line| line.to_str().ok()).collect();
    let field = lines.map(|lines| lines.join(", ")).filter(|field| !field.is_empty());
    let structured = field.and_then(|field| list(&field).or_else(|| dictionary(&field)));
    let mut seen: Vec<&str> = Vec::new();
    let pairs = PAIRS.iter().filter_map(|(left, reset)| {
        if seen.contains(left) || text(left)?.parse::<f64>().ok()? > 0.0 {
            return None;
        }
        let wait = when(text(reset)?)?;
        seen.push(left);
        Some(wait)
    });
    // A date and a time from now cannot be compared without a clock: a date says more.
    structured.into_iter().chain(pairs).reduce(|a, b| match (a, b) {
        (RetryAfter::For(a), RetryAfter::For(b)) => RetryAfter::For(a.max(b)),
        (RetryAfter::At(a), RetryAfter::At(b)) => RetryAfter::At(a.max(b)),
        (at @ RetryAfter::At(_), RetryAfter::For(_))
        | (RetryAfter::For(_), at @ RetryAfter::At(_)) => at,
    })
}

/// The current draft: `"default";r=0;t=30`, a list of strings with parameters.
fn list(text: &str) -> Option<RetryAfter> {
    let list = Parser::new(text).parse::<List>().ok()?;
    let mut longest = None;
    for entry in &list {
        let ListEntry::Item(item) = entry else { return None };
        let BareItem::String(_) = &item.bare_item else { return None };
        let number = |key: &str| match item.params.get(key) {
            None => Some(None),
            Some(BareItem::Integer(number)) => u64::try_from(i64::from(*number)).ok().map(Some),
            Some(_) => None,
        };
        let (left, reset) = (number("r")??, number("t")?);
        if left == 0 {
            longest = longest.max(reset);
        }
    }
    longest.map(|secs| RetryAfter::For(Duration::from_secs(secs)))
}

/// Draft 07: `limit=100, remaining=0, reset=30`, a dictionary.
fn dictionary(text: &str) -> Option<RetryAfter> {
    let dictionary = Parser::new(text).parse::<Dictionary>().ok()?;
    let number = |key: &str| match dictionary.get(key)? {
        ListEntry::Item(item) => match &item.bare_item {
            BareItem::Integer(number) => u64::try_from(i64::from(*number)).ok(),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    let wait = number("reset").filter(|_| number("remaining") == Some(0))?;
    Some(RetryAfter::For(Duration::from_secs(wait)))
}

/// Seconds, perhaps with decimals; a date as a number; a date (RFC 3339); a duration as Go writes it.
pub(crate) fn when(text: &str) -> Option<RetryAfter> {
    if let Ok(number) = text.parse::<f64>() {
        return match number {
            n if !n.is_finite() || n < 0.0 => None,
            n if n >= EPOCH_MILLIS_MIN => at(n / 1_000.0),
            n if n >= EPOCH_SECS_MIN => at(n),
            n => Some(RetryAfter::For(Duration::from_secs_f64(n))),
        };
    }
    if let Ok(date) = text.parse::<jiff::Timestamp>() {
        return Some(RetryAfter::At(Timestamp::from_micros(date.as_microsecond())));
    }
    duration(text).map(RetryAfter::For)
}

fn at(secs: f64) -> Option<RetryAfter> {
    let since = Duration::try_from_secs_f64(secs).ok()?;
    let micros = i64::try_from(since.as_micros()).ok()?;
    Some(RetryAfter::At(Timestamp::from_micros(micros)))
}

/// `6m0s`, `1.5s`, `120ms`.
fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += number
            * match &rest[..unit_end] {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    Duration::try_from_secs_f64(total).ok().filter(|_| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName};

    use super::{PAIRS, PREFIXES, RetryAfter, quota_used_up};

    #[track_caller]
    fn check(written: &[(&str, &str)], expected: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in written {
            headers.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        let found = match quota_used_up(&headers) {
            None => "nothing".to_owned(),
            Some(RetryAfter::For(wait)) => format!("{wait:?}"),
            Some(RetryAfter::At(at)) => format!("at {}", at.as_secs()),
        };
        assert_eq!(found, expected, "{written:?}");
    }

    #[test]
    fn each_of_them_is_looked_for() {
        let begins = |name: &str| PREFIXES.iter().any(|it| name.starts_with(it));
        assert!(PAIRS.iter().all(|(left, reset)| begins(left) && begins(reset)));
    }

    #[test]
    fn the_current_draft() {
        check(&[("ratelimit", "\"default\";r=0;t=10")], "10s");
        check(&[("ratelimit", "\"default\";r=50;t=30")], "nothing");
        check(&[("ratelimit", "\"a\";r=0;t=10, \"b\";r=0;t=60, \"c\";r=9;t=600")], "60s");
        check(&[("ratelimit", "\"default\";r=0")], "nothing");
        check(&[("ratelimit", "\"default\";r=0;t=10;pk=:dHJpYWwxMjEzMjM=:")], "10s");
        let lines = [("ratelimit", "\"a\";r=9;t=5"), ("ratelimit", "\"b\";r=0;t=60")];
        check(&lines, "60s");
        check(&[lines[1], ("ratelimit", "b;r=0")], "nothing");
    }

    #[test]
    fn what_is_malformed_is_ignored() {
        for wrong in [
            "default;r=0;t=30",
            "\"default\";r=-1",
            "\"default\";r=0.5;t=5",
            "\"default\";t=5",
            "\"default\";r=0;t=\"5\"",
            "r=0, t=30",
            "\"default\";r=0;t=-5",
            "",
        ] {
            check(&[("ratelimit", wrong)], "nothing");
        }
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "soon")], "nothing");
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "-5")], "nothing");
        check(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "NaN")], "nothing");
        check(&[("x-ratelimit-remaining", "0")], "nothing");
    }

    #[test]
    fn older_drafts() {
        check(&[("ratelimit", "limit=100, remaining=0, reset=5")], "5s");
        check(&[("ratelimit", "limit=100, remaining=50, reset=5")], "nothing");
        check(&[("ratelimit", "limit=100, remaining=0"), ("ratelimit", "reset=5")], "5s");
        check(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "30")], "30s");
        check(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "1609844400")], "at 1609844400");
    }

    #[test]
    fn those_of_vendors() {
        let reset = |name, value| [("x-ratelimit-remaining", "0"), (name, value)];
        check(&reset("x-ratelimit-reset", "1609844400"), "at 1609844400");
        check(&reset("x-ratelimit-reset", "1609844400000"), "at 1609844400");
        check(&reset("x-ratelimit-reset", "60"), "60s");
        check(&reset("x-ratelimit-reset", "0"), "0ns");
        check(&reset("x-ratelimit-reset-after", "1.25"), "1.25s");
        let go = |value| {
            [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", value)]
        };
        check(&go("6m0s"), "360s");
        check(&go("1h2m3.5s"), "3723.5s");
        check(&go("1500us"), "1.5ms");
        check(&go("5000ns"), "5µs");
        check(&go("0s"), "0ns");
        check(&go("6 minutes"), "nothing");
        check(
            &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "120ms")],
            "120ms",
        );
        check(
            &[
                ("anthropic-ratelimit-requests-remaining", "0"),
                ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:34Z"),
            ],
            "at 1767225634",
        );
    }

    #[test]
    fn an_answer_from_a_cache_says_nothing_of_now() {
        check(&[("age", "5"), ("ratelimit", "\"default\";r=0;t=10")], "nothing");
    }
}

//! Durations as people write them: `250ms`, `5s`, `1m30s`.

use std::time::Duration;

/// The longest duration that makes sense here: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Reads a duration; says what would be right where it is none.
pub(super) fn parse(key: &str, text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{key}: `{text}` is not a duration: `250ms`, `5s` or `1m30s` would be right");
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
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
        total = total.saturating_add(unit.saturating_mul(number));
        rest = &rest[unit_end..];
    }
    if total > LONGEST {
        return Err(format!("{key}: `{text}` is longer than a year"));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let parsed = parse("--timeout", text);
        assert_eq!(parsed.map_or_else(|says| says, |duration| format!("{duration:?}")), expected);
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        check("250ms", "250ms");
        check("5s", "5s");
        check(" 1m30s ", "90s");
        check("2h", "7200s");
        check("1s500ms", "1.5s");
        check("0s", "0ns");
    }

    #[test]
    fn what_is_no_duration_gets_an_answer() {
        for text in ["", "5", "s", "5 s", "-5s", "1.5s", "5x", "99999999999s"] {
            let says = format!(
                "--timeout: `{text}` is not a duration: `250ms`, `5s` or `1m30s` would be right"
            );
            check(text, &says);
        }
        check("9999d", "--timeout: `9999d` is longer than a year");
    }
}

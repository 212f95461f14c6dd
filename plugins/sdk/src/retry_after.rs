//! `Retry-After` in all its forms (RFC 9110 section 10.2.3), and `retry-after-ms`.

use std::time::Duration;

use http::{HeaderMap, header};

use crate::{RetryAfter, http_date, quota::when};

/// How long the API asks to be left alone; none where it does not say, or says it wrongly.
///
/// `retry-after-ms` (whole milliseconds) is finer and wins. A date is taken relative to the reply's own `Date`
/// where there is one, which cancels a skew of clocks; a date in the past means now.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<RetryAfter> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(ms) = text("retry-after-ms").and_then(digits) {
        return Some(RetryAfter::For(Duration::from_millis(ms)));
    }
    let value = text(header::RETRY_AFTER.as_str())?;
    if let Some(secs) = digits(value) {
        return Some(RetryAfter::For(Duration::from_secs(secs)));
    }
    let at = http_date(value)?;
    match text(header::DATE.as_str()).and_then(http_date) {
        Some(sent) => Some(RetryAfter::For(at.since(sent))),
        None => Some(RetryAfter::At(at)),
    }
}

/// How long a text asks one to wait, as APIs write it into the bodies of their replies: seconds, also with decimals
/// (`1.5`), a duration as Go writes it (`6m0s`), a date (RFC 3339, RFC 9110), or seconds since 1970.
#[must_use]
pub fn retry_after_of(text: &str) -> Option<RetryAfter> {
    when(text.trim()).or_else(|| http_date(text.trim()).map(RetryAfter::At))
}

/// 1*DIGIT, no sign, no point; more than fits is as much as fits.
fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{RetryAfter, retry_after_of};

    #[test]
    fn a_wait_is_read_as_apis_write_it() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let found = match retry_after_of(text) {
                None => "nothing".to_owned(),
                Some(RetryAfter::For(wait)) => format!("{wait:?}"),
                Some(RetryAfter::At(at)) => format!("at {}", at.as_secs()),
            };
            assert_eq!(found, expected, "{text}");
        }
        check("30", "30s");
        check(" 1.337 ", "1.337s");
        check("6m0s", "360s");
        check("1500µs", "1.5ms");
        check("1609844400", "at 1609844400");
        check("2026-01-01T00:00:34Z", "at 1767225634");
        check("Fri, 31 Dec 1999 23:59:59 GMT", "at 946684799");
        check("1e300", "nothing");
        for wrong in ["", "soon", "-5", "NaN", "inf", "5 minutes"] {
            check(wrong, "nothing");
        }
    }
}

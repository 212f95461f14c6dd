//! `Retry-After` in all its forms (RFC 9110 section 10.2.3), and `retry-after-ms`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::{RetryAfter, Timestamp};

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
    let at = date(value)?;
    match text(header::DATE.as_str()).and_then(date) {
        Some(sent) => Some(RetryAfter::For(at.since(sent))),
        None => Some(RetryAfter::At(at)),
    }
}

/// 1*DIGIT, no sign, no point; more than fits is as much as fits.
fn digits(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().unwrap_or(u64::MAX))
}

/// IMF-fixdate, RFC 850 or asctime. The day's name is not looked at: some servers get it wrong.
fn date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(i64::try_from(since.as_secs()).ok()?))
}

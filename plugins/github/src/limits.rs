//! What GitHub says when it is too much: its primary limits, and its secondary ones, which it words in prose.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>

use std::time::Duration;

use fanfare_sdk::{Reply, RetryAfter, quota_used_up, retry_after};

/// "Otherwise, wait for at least one minute before retrying."
const SECONDARY_WAIT: Duration = Duration::from_secs(60);

/// How its secondary limits are told from a missing permission, which is a 403 as well.
const SECONDARY: &[&str] = &["secondary rate limit", "abuse detection", "rate limit exceeded"];

/// How long it is to be left alone; none where the reply is not about a limit.
pub(crate) fn exceeded(reply: &Reply) -> Option<RetryAfter> {
    let status = reply.head.status?;
    if !matches!(status, 403 | 429) {
        return None;
    }
    // In the order in which its page asks for them.
    let headers = &reply.head.headers;
    if let Some(wait) = retry_after(headers).or_else(|| quota_used_up(headers)) {
        return Some(wait);
    }
    let said = String::from_utf8_lossy(reply.body.bytes()).to_ascii_lowercase();
    let is_limit = status == 429 || SECONDARY.iter().any(|text| said.contains(text));
    is_limit.then_some(RetryAfter::For(SECONDARY_WAIT))
}

//! How far our clock is from the API's, learned from what it refuses.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use fanfare_sdk::{Learn, Learned, ReplyHead, Stamp, Timestamp, http_date};

/// How far clocks may be apart: AWS refuses from 5 minutes on (S3 from 15), and its own clients correct from 4 on.
const SKEW_MAX: Duration = Duration::from_secs(4 * 60);

/// Errors by which AWS says that the time of a request is not right, or that a signature is not, which a time is part of.
const CODES: [&str; 5] = [
    "AuthFailure",
    "InvalidSignatureException",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// Headers that AWS answers with, and those who speak as it does. What a cache between shows has none of them.
const IDS: [&str; 3] = ["x-amzn-requestid", "x-amz-request-id", "x-amz-id-2"];

/// The API's clock less ours, in microseconds, as far as it was learned.
#[derive(Debug, Default)]
pub(super) struct Skew(AtomicI64);

// === impl Skew ===

impl Skew {
    /// What it is now, as a stamp.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp(self.0.load(Ordering::Relaxed).cast_unsigned())
    }

    /// The time to sign with, by the API's clock.
    pub(super) fn corrected(stamp: Stamp, now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.as_micros().saturating_add(stamp.0.cast_signed()))
    }

    /// Where a refusal comes with a `Date` far from the time that its request was signed with, another try with the API's time is
    /// worth it.
    pub(super) fn learn(&self, it: &Learn<'_>) -> Learned {
        let head = it.head;
        if !matches!(head.status, Some(400 | 401 | 403)) || !is_about_time(head) {
            return Learned::Nothing;
        }
        let date = head.headers.get("date").and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(http_date).map(Timestamp::as_micros) else {
            return Learned::Nothing;
        };
        let signed = Self::corrected(it.stamp, it.call.now);
        let off = theirs.saturating_sub(signed.as_micros()).unsigned_abs();
        if Duration::from_micros(off) <= SKEW_MAX {
            return Learned::Nothing;
        }
        self.0.store(theirs.saturating_sub(it.call.now.as_micros()), Ordering::Relaxed);
        Learned::TryAgain
    }
}

/// The code stands in a header, or in a body that nobody looks at here: then it is enough that AWS has answered.
fn is_about_time(head: &ReplyHead) -> bool {
    let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    match text("x-amzn-errortype") {
        // `Code`, `Code:URL`, `Code#…`: as its own clients read it.
        Some(code) => {
            let code = code.split([':', ',']).next().unwrap_or_default();
            CODES.contains(&code.rsplit('#').next().unwrap_or_default().trim())
        }
        None => IDS.iter().any(|name| head.headers.contains_key(*name)),
    }
}

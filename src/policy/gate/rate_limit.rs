//! The generic cell rate algorithm, in whole nanoseconds.

use fanfare_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::RateLimit;

/// The one number that GCRA remembers: when all tokens that were taken have been earned back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Bucket {
    earned_at_ns: i128,
}

impl Bucket {
    /// When `tokens` may be taken next; none for now. More than the burst waits for a full bucket.
    pub(crate) fn not_before(
        self,
        limit: &RateLimit,
        tokens: u16,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let cost = limit.interval_ns.saturating_mul(i128::from(tokens)).min(limit.tolerance_ns);
        let at = self.earned_at_ns.saturating_add(cost).saturating_sub(limit.tolerance_ns);
        // Rounded up to the microsecond, so that whoever comes back then is let in.
        let at = at.saturating_add(999).div_euclid(1_000);
        let at = Timestamp::from_micros(i64::try_from(at).unwrap_or(if at < 0 {
            i64::MIN
        } else {
            i64::MAX
        }));
        (at > now).then_some(at)
    }

    /// Takes `tokens`.
    pub(crate) fn take(&mut self, limit: &RateLimit, tokens: u16, now: Timestamp) {
        let cost = limit.interval_ns.saturating_mul(i128::from(tokens));
        self.earned_at_ns = self.earned_at_ns.max(nanos(now)).saturating_add(cost);
    }

    /// How many may be taken now, and when none is missing any more.
    #[cfg(feature = "daemon")]
    pub(crate) fn left(self, limit: &RateLimit, now: Timestamp) -> (u32, Timestamp) {
        let missing = self.earned_at_ns.saturating_sub(nanos(now)).max(0);
        let left = limit.tolerance_ns.saturating_sub(missing).max(0) / limit.interval_ns;
        let full = self.earned_at_ns.max(nanos(now)).saturating_add(999).div_euclid(1_000);
        let full = Timestamp::from_micros(i64::try_from(full).unwrap_or(i64::MAX));
        (u32::try_from(left).unwrap_or(u32::MAX), full)
    }

    /// Gives back `tokens` that were not used.
    pub(super) fn put_back(&mut self, limit: &RateLimit, tokens: u16) {
        let cost = limit.interval_ns.saturating_mul(i128::from(tokens));
        self.earned_at_ns = self.earned_at_ns.saturating_sub(cost);
    }
}

fn nanos(at: Timestamp) -> i128 {
    i128::from(at.as_micros()) * 1_000
}

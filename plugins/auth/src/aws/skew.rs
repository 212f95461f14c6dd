//! How far our clock is from the API's, learned from what it refuses.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use fanfare_sdk::{Learned, ReplyHead, Timestamp, http_date};

/// How far clocks may be apart: AWS refuses from 5 minutes on (S3 from 15), and its own clients correct from 4 on.
const SKEW_MAX: Duration = Duration::from_secs(4 * 60);

/// What was learned of the clocks.
#[derive(Debug, Default)]
pub(super) struct Skew(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// When the last request was signed, by our clock.
    signed_at: Timestamp,
    /// The API's clock less ours.
    micros: i64,
}

// === impl Skew ===

impl Skew {
    /// The time to sign with, by the API's clock.
    pub(super) fn corrected(&self, now: Timestamp) -> Timestamp {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.signed_at = state.signed_at.max(now);
        Timestamp::from_micros(now.as_micros().saturating_add(state.micros))
    }

    /// Where a refusal comes with a `Date` far from what was signed, another try with the API's time is worth it.
    pub(super) fn learn(&self, head: &ReplyHead) -> Learned {
        if !matches!(head.status, Some(400 | 401 | 403)) {
            return Learned::Nothing;
        }
        let date = head.headers.get("date").and_then(|date| date.to_str().ok());
        let Some(date) = date.and_then(http_date) else {
            return Learned::Nothing;
        };
        let theirs = date.as_micros();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = state.signed_at.as_micros();
        let off = theirs.saturating_sub(ours.saturating_add(state.micros)).unsigned_abs();
        if Duration::from_micros(off) <= SKEW_MAX {
            return Learned::Nothing;
        }
        state.micros = theirs.saturating_sub(ours);
        Learned::TryAgain
    }
}

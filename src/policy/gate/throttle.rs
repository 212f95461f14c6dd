//! Pauses of a whole target that throttles.

use fanfare_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::Throttle;

/// When a target is left alone.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pauses {
    until: Option<Timestamp>,
    /// When the latest pause began: answers to what began before it belong to the same sign.
    begun: Option<Timestamp>,
    /// Pauses without a success between them.
    in_a_row: u32,
}

impl Pauses {
    /// Until when the target is left alone.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// An attempt that began then was throttled: leaves the target alone for as long as was asked, or for longer each
    /// time. Those that wait spread themselves.
    pub(super) fn begin(
        &mut self,
        policy: &Throttle,
        asked: Option<Timestamp>,
        begun: Timestamp,
        now: Timestamp,
    ) -> Timestamp {
        let is_new = self.begun.is_none_or(|at| begun > at);
        if is_new {
            (self.in_a_row, self.begun) = (self.in_a_row.saturating_add(1), Some(now));
        }
        let times = 1_u32.checked_shl(self.in_a_row.saturating_sub(1)).unwrap_or(u32::MAX);
        let until = match asked {
            Some(until) => until,
            None if is_new => now.after(policy.pause.saturating_mul(times).min(policy.pause_max)),
            None => self.until.unwrap_or(now),
        };
        self.until = self.until.max(Some(until));
        until
    }

    /// An attempt that began then has succeeded.
    pub(super) fn end(&mut self, begun: Timestamp) {
        if self.begun.is_none_or(|at| begun > at) {
            self.in_a_row = 0;
        }
    }
}

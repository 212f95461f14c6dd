//! What happened lately: calls over a sliding time, in ten cells.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use serde::{Deserialize, Serialize};

const CELLS: usize = 10;

/// Calls over the last `window`, up to a tenth of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Window {
    cells: [Calls; CELLS],
    /// The number of the newest cell, counted from 1970.
    newest: i64,
}

/// Calls, and how they went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Calls {
    pub(super) all: u32,
    pub(super) failed: u32,
    pub(super) slow: u32,
}

impl Window {
    /// Adds a call.
    pub(super) fn add(&mut self, window: Duration, call: Calls, now: Timestamp) {
        let place = self.turn(window, now);
        let cell = &mut self.cells[place];
        cell.all = cell.all.saturating_add(call.all);
        cell.failed = cell.failed.saturating_add(call.failed);
        cell.slow = cell.slow.saturating_add(call.slow);
    }

    /// All calls that are not too old.
    pub(super) fn sum(&mut self, window: Duration, now: Timestamp) -> Calls {
        self.turn(window, now);
        self.cells.iter().fold(Calls::default(), |sum, cell| Calls {
            all: sum.all.saturating_add(cell.all),
            failed: sum.failed.saturating_add(cell.failed),
            slow: sum.slow.saturating_add(cell.slow),
        })
    }

    /// Forgets what is too old; the place of the newest cell. A clock that goes back stays in the newest one.
    fn turn(&mut self, window: Duration, now: Timestamp) -> usize {
        let cells = i64::try_from(CELLS).unwrap_or(i64::MAX);
        let width = i64::try_from(window.as_micros()).unwrap_or(i64::MAX).max(cells) / cells;
        let number = now.as_micros().div_euclid(width).max(self.newest);
        let gone = (number - self.newest).min(cells);
        for back in 0..gone {
            self.cells[place(number - back)] = Calls::default();
        }
        self.newest = number;
        place(number)
    }
}

fn place(number: i64) -> usize {
    usize::try_from(number.rem_euclid(i64::try_from(CELLS).unwrap_or(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Calls, Duration, Timestamp, Window};

    /// A call at each of these seconds; how many of the last ten seconds are seen at the last of them.
    #[track_caller]
    fn check(seconds: &[i64], expected: u32) {
        let (mut window, ten) = (Window::default(), Duration::from_secs(10));
        let call = Calls { all: 1, ..Calls::default() };
        let mut last = Timestamp::default();
        for second in seconds {
            last = Timestamp::from_secs(*second);
            window.add(ten, call, last);
        }
        assert_eq!(window.sum(ten, last).all, expected, "{seconds:?}");
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        check(&[0], 1);
        check(&[0, 9], 2);
        check(&[0, 10], 1);
        check(&[0, 5, 12], 2);
        check(&[0, 5, 1_000], 1);
        check(&[-20, -15, -14], 3);
        check(&[5, 3], 2);
    }
}

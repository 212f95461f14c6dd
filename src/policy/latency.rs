//! How long attempts at a target take.

use std::{collections::VecDeque, time::Duration};

/// Answers that are looked at: enough for a 95th percentile, few enough to follow a change.
const SAMPLES_MAX: usize = 100;

/// Answers before which nothing is known.
const SAMPLES_MIN: usize = 20;

/// The durations of the latest attempts that were answered.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    latest: VecDeque<Duration>,
    percentile95: Option<Duration>,
}

impl Latencies {
    /// An attempt was answered after that time.
    pub fn add(&mut self, took: Duration) {
        if self.latest.len() == SAMPLES_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(took);
        if self.latest.len() >= SAMPLES_MIN {
            let mut sorted: Vec<_> = self.latest.iter().copied().collect();
            sorted.sort_unstable();
            self.percentile95 = sorted.get(sorted.len() * 95 / 100).copied();
        }
    }

    /// The time within which 95 of 100 were answered; none before 20 of them are known.
    #[must_use]
    pub fn percentile95(&self) -> Option<Duration> {
        self.percentile95
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Latencies};

    #[track_caller]
    fn check(millis: impl IntoIterator<Item = u64>, expected: Option<u64>) {
        let mut latencies = Latencies::default();
        millis.into_iter().for_each(|ms| latencies.add(Duration::from_millis(ms)));
        assert_eq!(latencies.percentile95(), expected.map(Duration::from_millis));
    }

    #[test]
    fn it_follows_the_latest_answers() {
        check(0..19, None);
        check(0..20, Some(19));
        check(1..=100, Some(96));
        check((1..=100).rev(), Some(96));
        check((0..100).map(|_| 500).chain((0..100).map(|_| 5)), Some(5));
    }
}

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

/// Answers of which percentiles are told: enough for a 99th.
const TOLD_MAX: usize = 512;

/// The durations of the latest attempts that were answered, for people.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// In microseconds: an hour fits.
    latest: VecDeque<u32>,
}

impl Durations {
    /// An attempt was answered after that time.
    pub fn add(&mut self, took: Duration) {
        if self.latest.len() == TOLD_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    /// The median and the 99th percentile; none before anything was answered.
    #[must_use]
    pub fn percentiles(self) -> Option<(Duration, Duration)> {
        let mut sorted = Vec::from(self.latest);
        sorted.sort_unstable();
        let at = |percent: usize| {
            let micros = sorted.get(sorted.len() * percent / 100)?;
            Some(Duration::from_micros(u64::from(*micros)))
        };
        Some((at(50)?, at(99)?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Durations, Latencies};

    #[test]
    fn the_median_and_the_slowest_are_told() {
        #[track_caller]
        fn check(millis: impl IntoIterator<Item = u64>, expected: Option<(u64, u64)>) {
            let mut durations = Durations::default();
            millis.into_iter().for_each(|ms| durations.add(Duration::from_millis(ms)));
            let ms = |(a, b): (Duration, Duration)| (a.as_millis() as u64, b.as_millis() as u64);
            assert_eq!(durations.percentiles().map(ms), expected);
        }
        check([], None);
        check([7], Some((7, 7)));
        check(0..100, Some((50, 99)));
        check((0..600).map(|_| 900).chain(0..512), Some((256, 506)));
    }

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

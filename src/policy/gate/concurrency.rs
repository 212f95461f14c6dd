//! How many attempts may be in flight at once, learned from how they end.
//!
//! It grows fast until the first sign of congestion, and by one for each round of answers from then on (additive
//! increase, multiplicative decrease). Signs are a throttled answer, a timeout, and answers that take more than twice
//! as long as usual. A target that is always slow is usual.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Adaptive, GatePolicy};

/// Thousandths of an attempt.
const ONE: u64 = 1_000;

/// Answers that the usual time is averaged over, and the recent one.
const USUAL: i64 = 64;
const RECENT: i64 = 8;

/// Below this, nobody can tell congestion from noise.
const NOISE_US: i64 = 2_000;

/// What an answer says of the load.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Load {
    /// It was carried.
    Carried,
    /// It asked for less.
    Throttled,
    /// No answer came in time.
    TimedOut,
    /// Nothing.
    Unknown,
}

/// What was learned of a target's capacity.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Limiter {
    /// The limit in thousandths, where it is learned; nothing before the first attempt.
    learned: Option<u64>,
    /// The first sign of congestion has come.
    steady: bool,
    /// After a pause: so many at once, twice as many after each round of answers.
    resuming: Option<u64>,
    /// What began before this does not change the limit: it began under another one.
    changed_at: Option<Timestamp>,
    usual_us: i64,
    recent_us: i64,
}

impl Limiter {
    /// How many may be in flight.
    pub(super) fn limit(&self, policy: &GatePolicy) -> u32 {
        let max = u64::from(policy.concurrency_max);
        let learned = match &policy.adaptive {
            Some(adaptive) => self.learned(adaptive) / ONE,
            None => max,
        };
        let limit = learned.min(max).min(self.resuming.unwrap_or(max)).max(1);
        u32::try_from(limit).unwrap_or(u32::MAX)
    }

    /// A pause begins; after it the target is asked by one attempt first.
    pub(super) fn pause(&mut self, until: Timestamp) {
        self.resuming = Some(1);
        self.changed_at = self.changed_at.max(Some(until));
    }

    /// An attempt that began then has ended, while `in_flight` were in flight with it.
    pub(super) fn end(
        &mut self,
        policy: &GatePolicy,
        (load, in_flight): (Load, u32),
        (begun, now): (Timestamp, Timestamp),
    ) {
        let used = in_flight.saturating_mul(2) >= self.limit(policy);
        let is_new = self.changed_at.is_none_or(|at| begun >= at);
        if load == Load::Carried && is_new {
            self.resuming = self.resuming.map(|count| count + 1);
            self.resuming =
                self.resuming.filter(|count| *count < u64::from(policy.concurrency_max));
        }
        let Some(adaptive) = &policy.adaptive else { return };
        let slower = load == Load::Carried && self.time(now.since(begun));
        let learned = self.learned(adaptive);
        let next = match load {
            Load::Throttled if is_new => learned / 2,
            Load::TimedOut if is_new => learned * 7 / 10,
            Load::Carried if slower && is_new => learned * 9 / 10,
            Load::Carried if used && !slower && self.steady => {
                learned + (ONE * ONE).div_ceil(learned)
            }
            Load::Carried if used && !slower => learned + ONE,
            Load::Carried | Load::Throttled | Load::TimedOut | Load::Unknown => return,
        };
        if next < learned {
            (self.steady, self.changed_at) = (true, Some(now));
        }
        let (min, max) = (u64::from(adaptive.min), u64::from(policy.concurrency_max));
        self.learned = Some(next.clamp(min.min(max) * ONE, max * ONE));
    }

    fn learned(&self, adaptive: &Adaptive) -> u64 {
        self.learned.unwrap_or(u64::from(adaptive.initial) * ONE)
    }

    /// Learns how long answers take; whether the recent ones took more than twice as long as usual.
    fn time(&mut self, took: Duration) -> bool {
        let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        if self.usual_us == 0 {
            (self.usual_us, self.recent_us) = (took, took);
            return false;
        }
        self.recent_us += (took - self.recent_us) / RECENT;
        self.usual_us += (took - self.usual_us) / USUAL;
        self.recent_us > self.usual_us * 2 + NOISE_US
    }
}

#[cfg(test)]
mod tests {
    use super::{Adaptive, GatePolicy, Limiter, Load, Timestamp};

    fn policy(max: u32) -> GatePolicy {
        let adaptive = Some(Adaptive::try_new(2, 4).unwrap());
        GatePolicy { concurrency_max: max, adaptive, ..GatePolicy::default() }
    }

    /// Plays rounds, each as many attempts as are allowed: `40*10` is ten rounds of answers that take 40 ms, `429` a
    /// round in which all are throttled, `time` one in which none is answered. Says the limit after each word.
    #[track_caller]
    fn check(max: u32, script: &str, expected: &str) {
        let policy = policy(max);
        let (mut limiter, mut now) = (Limiter::default(), Timestamp::from_secs(1));
        let limits = script.split_whitespace().map(|word| {
            let (what, rounds) = word.split_once('*').unwrap_or((word, "1"));
            let (load, millis) = match what {
                "429" => (Load::Throttled, 5),
                "time" => (Load::TimedOut, 1_000),
                millis => (Load::Carried, millis.parse().unwrap()),
            };
            for _ in 0..rounds.parse().unwrap() {
                let (begun, count) = (now, limiter.limit(&policy));
                now = now.after(std::time::Duration::from_millis(millis));
                (0..count).for_each(|_| limiter.end(&policy, (load, count), (begun, now)));
            }
            limiter.limit(&policy).to_string()
        });
        assert_eq!(limits.collect::<Vec<_>>().join(" "), expected, "{script}");
    }

    #[test]
    fn it_grows_fast_until_the_first_sign_and_slowly_after_it() {
        check(100, "10 10 10 10 10", "8 16 32 64 100");
        check(100, "10*4 429 10 10 10", "64 32 33 34 35");
        check(100, "10*4 time 10", "64 44 45");
        check(10, "10*9 10*9", "10 10");
    }

    #[test]
    fn all_of_one_round_are_one_sign() {
        check(100, "10*4 429 429 429 429 429 429", "64 32 16 8 4 2 2");
    }

    #[test]
    fn slower_than_usual_is_a_sign_and_always_slow_is_none() {
        check(100, "5000*6", "100");
        check(1_000, "10*7 10*3 400", "512 1000 901");
    }

    #[test]
    fn after_a_pause_it_begins_with_one() {
        let policy = GatePolicy::default();
        let (mut limiter, now) = (Limiter::default(), Timestamp::from_secs(10));
        limiter.pause(now);
        let mut limits = vec![limiter.limit(&policy)];
        for _ in 0..4 {
            let count = limiter.limit(&policy);
            (0..count).for_each(|_| limiter.end(&policy, (Load::Carried, count), (now, now)));
            limits.push(limiter.limit(&policy));
        }
        assert_eq!(limits, [1, 2, 4, 8, 16]);
        let before = Timestamp::from_secs(9);
        (0..50).for_each(|_| limiter.end(&policy, (Load::Carried, 16), (before, now)));
        assert_eq!(limiter.limit(&policy), 16, "what began before the pause is no sign");
        (0..200).for_each(|_| limiter.end(&policy, (Load::Carried, 16), (now, now)));
        assert_eq!(limiter.limit(&policy), 128);
    }
}

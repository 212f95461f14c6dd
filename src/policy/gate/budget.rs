//! Retry budgets: a share of the first attempts, and a small reserve. Whoever finds it empty waits.
//!
//! The numbers of Finagle's `RetryBudget`: a fifth of the first attempts of the last ten seconds, and ten a second.
//! The reserve refills evenly, so that those who wait for it come one by one.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use super::{GateError, RateLimit, rate_limit::Bucket};

/// Seconds for which a first attempt earns, and in which the reserve refills.
const SECONDS: usize = 10;

/// When to ask again where nothing tells when there will be something to take.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// How many attempts may be repeats.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RetryBudget {
    /// Thousandths of a repeat that a first attempt earns.
    earns: u32,
    /// None where nothing is in reserve.
    reserve: Option<RateLimit>,
}

/// What is left of a budget.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    reserve: Bucket,
    /// Thousandths that were earned, by the second.
    earned: [u64; SECONDS],
    newest: i64,
}

impl RetryBudget {
    /// `ratio` of the first attempts of the last ten seconds, and `per_second` in reserve, of which ten seconds' worth
    /// can be taken at once.
    ///
    /// # Errors
    /// When the ratio is not between 0 and 10, or both are zero.
    pub fn try_new(ratio: f64, per_second: u32) -> Result<Self, GateError> {
        if !(0.0..=10.0).contains(&ratio) {
            return Err(GateError { key: "budget.ratio", expected: "between 0 and 10" });
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000")]
        let earns = (ratio * 1_000.0).round() as u32;
        if earns == 0 && per_second == 0 {
            let expected = "at least 1 where `ratio` is 0: nothing would ever be repeated";
            return Err(GateError { key: "budget.per_second", expected });
        }
        let burst = per_second.saturating_mul(10);
        let second = Duration::from_secs(1);
        let reserve = (per_second > 0).then(|| RateLimit::try_new(per_second, second, burst));
        Ok(Self { earns, reserve: reserve.transpose()? })
    }
}

impl Default for RetryBudget {
    /// A fifth of the first attempts, and ten a second.
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { earns: 200, reserve: RateLimit::try_new(10, second, 100).ok() }
    }
}

impl Budget {
    /// A first attempt was made.
    pub fn earn(&mut self, policy: &RetryBudget, now: Timestamp) {
        let place = self.turn(now);
        self.earned[place] += u64::from(policy.earns);
    }

    /// When a repeat may be made; none for now.
    #[must_use]
    pub fn not_before(&mut self, policy: &RetryBudget, now: Timestamp) -> Option<Timestamp> {
        self.turn(now);
        if self.earned.iter().sum::<u64>() >= 1_000 {
            return None;
        }
        match &policy.reserve {
            Some(limit) => self.reserve.not_before(limit, 1, now),
            None => Some(now.after(ASK_AGAIN)),
        }
    }

    /// A repeat is made: what was earned first, the reserve after it.
    pub fn take(&mut self, policy: &RetryBudget, now: Timestamp) {
        let newest = self.turn(now);
        if self.earned.iter().sum::<u64>() < 1_000 {
            if let Some(limit) = &policy.reserve {
                self.reserve.take(limit, 1, now);
            }
            return;
        }
        let mut cost = 1_000;
        for age in (0..SECONDS).rev() {
            let cell = &mut self.earned[(newest + SECONDS - age) % SECONDS];
            let part = cost.min(*cell);
            (*cell, cost) = (*cell - part, cost - part);
        }
    }

    fn turn(&mut self, now: Timestamp) -> usize {
        let seconds = i64::try_from(SECONDS).unwrap_or(i64::MAX);
        let place = |second: i64| usize::try_from(second.rem_euclid(seconds)).unwrap_or(0);
        let second = now.as_micros().div_euclid(1_000_000).max(self.newest);
        for back in 0..(second - self.newest).min(seconds) {
            self.earned[place(second - back)] = 0;
        }
        self.newest = second;
        place(second)
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, RetryBudget, Timestamp};

    /// Plays `5s` (it is second 5 now), `first*10` (ten first attempts), `again*3` (three repeats are asked for): says
    /// how many of them were made, and when the next one may be.
    #[track_caller]
    fn check(ratio: f64, per_second: u32, script: &str, expected: &str) {
        let policy = RetryBudget::try_new(ratio, per_second).unwrap();
        let (mut budget, mut now, mut said) = (Budget::default(), Timestamp::default(), vec![]);
        for word in script.split_whitespace() {
            if let Some(second) = word.strip_suffix('s') {
                now = Timestamp::from_secs(second.parse().unwrap());
                continue;
            }
            let (what, count) = word.split_once('*').unwrap();
            let count: u32 = count.parse().unwrap();
            if what == "first" {
                (0..count).for_each(|_| budget.earn(&policy, now));
                continue;
            }
            let made = (0..count).take_while(|_| {
                let free = budget.not_before(&policy, now).is_none();
                if free {
                    budget.take(&policy, now);
                }
                free
            });
            let made = made.count();
            let next = budget.not_before(&policy, now).map(|at| at.since(now).as_millis());
            said.push(next.map_or(made.to_string(), |ms| format!("{made}+{ms}ms")));
        }
        assert_eq!(said.join(" "), expected, "{script}");
    }

    #[test]
    fn a_fifth_of_the_first_attempts_and_ten_a_second() {
        check(0.2, 10, "again*1000", "100+100ms");
        check(0.2, 10, "again*1000 1s again*1000 2s again*5", "100+100ms 10+100ms 5");
        check(0.2, 10, "first*1000 again*1000", "300+100ms");
        check(0.2, 10, "first*1000 9s again*1000", "300+100ms");
        check(0.2, 10, "first*1000 10s again*1000", "100+100ms");
        check(0.2, 10, "again*1000 60s again*1000", "100+100ms 100+100ms");
    }

    #[test]
    fn each_part_alone() {
        check(0.2, 0, "again*1 first*5 again*2", "0+1000ms 1+1000ms");
        check(0.5, 0, "first*3 again*2 first*1 again*2", "1+1000ms 1+1000ms");
        check(0.0, 1, "first*100 again*100 1s again*9", "10+1000ms 1+1000ms");
    }

    #[test]
    fn what_is_earned_is_spent_before_the_reserve() {
        check(1.0, 1, "first*4 again*4 20s again*99", "4 10+1000ms");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (ratio, per_second) in [(0.0, 0), (-0.1, 5), (f64::NAN, 5), (11.0, 5)] {
            assert!(RetryBudget::try_new(ratio, per_second).is_err(), "{ratio} {per_second}");
        }
        assert_eq!(RetryBudget::try_new(0.2, 10), Ok(RetryBudget::default()));
    }
}

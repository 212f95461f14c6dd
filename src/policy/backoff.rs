//! How long to wait between two attempts.

use std::time::Duration;

/// The pause before a repeat. Build one with [`Backoff::constant`], [`Backoff::exponential`] or [`Backoff::list`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backoff {
    // Invariant: never empty; at most `STEPS_MAX`. The last pause stands for all that follow.
    pauses: Vec<Duration>,
    jitter: Jitter,
}

/// How much of a pause is left to chance, so that those who failed together do not come back together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Jitter {
    /// Anything between nothing and the whole pause.
    #[default]
    Full,
    /// At least half of it.
    Equal,
    /// Anything between the first pause and three times the pause before, up to the longest.
    Decorrelated,
    /// Nothing.
    None,
}

/// A back-off that makes no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackoffError {
    /// The first pause is nothing.
    #[error("`initial` must be longer than zero")]
    InitialZero,
    /// The first pause is longer than the longest.
    #[error("`initial` ({initial:?}) must not be longer than `max` ({max:?})")]
    InitialAboveMax {
        /// The first pause.
        initial: Duration,
        /// The longest pause.
        max: Duration,
    },
    /// A list of pauses without, or with too many, pauses.
    #[error("a list of pauses must have 1 to {STEPS_MAX} of them, not {count}")]
    Count {
        /// How many it has.
        count: usize,
    },
}

/// Pauses of different length. More doublings than this reach any maximum from a microsecond.
const STEPS_MAX: usize = 64;

impl Backoff {
    /// The same pause every time; zero repeats at once.
    #[must_use]
    pub fn constant(pause: Duration) -> Self {
        Self { pauses: vec![pause], jitter: Jitter::default() }
    }

    /// Doubles from `initial` to `max`.
    ///
    /// # Errors
    /// When `initial` is zero or longer than `max`.
    pub fn exponential(initial: Duration, max: Duration) -> Result<Self, BackoffError> {
        if initial.is_zero() {
            return Err(BackoffError::InitialZero);
        }
        if initial > max {
            return Err(BackoffError::InitialAboveMax { initial, max });
        }
        let doubled = std::iter::successors(Some(initial), |d| {
            (*d < max).then(|| d.saturating_mul(2).min(max))
        });
        Ok(Self { pauses: doubled.take(STEPS_MAX).collect(), jitter: Jitter::default() })
    }

    /// These pauses one after the other; the last one stands for all that follow.
    ///
    /// # Errors
    /// When there is none, or more than 64.
    pub fn list(pauses: Vec<Duration>) -> Result<Self, BackoffError> {
        let count = pauses.len();
        if count == 0 || count > STEPS_MAX {
            return Err(BackoffError::Count { count });
        }
        Ok(Self { pauses, jitter: Jitter::default() })
    }

    /// With that much left to chance.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// The pause before the `nth` repeat (from 1) of the delivery with that seed. Asked twice, the same.
    #[must_use]
    pub fn pause(&self, nth: u32, seed: u64) -> Duration {
        let place = (nth.max(1) as usize - 1).min(self.pauses.len() - 1);
        let whole = self.pauses[place];
        match self.jitter {
            Jitter::None => whole,
            Jitter::Full => share(whole, seed, nth),
            Jitter::Equal => whole / 2 + share(whole / 2, seed, nth),
            Jitter::Decorrelated => self.decorrelated(nth, seed),
        }
    }

    fn decorrelated(&self, nth: u32, seed: u64) -> Duration {
        let first = self.pauses[0];
        let longest = self.pauses.iter().copied().max().unwrap_or(first);
        // Whatever was drawn before it has grown to the longest by then, or does not matter any more.
        let from = nth.saturating_sub(u32::try_from(STEPS_MAX).unwrap_or(u32::MAX)).max(1);
        (from..=nth.max(1)).fold(first, |before, nth| {
            let room = before.saturating_mul(3).saturating_sub(first);
            first.saturating_add(share(room, seed, nth)).min(longest)
        })
    }

    /// What is added to a time that the API asked for, so that not all come back in the same instant: never
    /// negative, at most the first pause.
    #[must_use]
    pub fn spread(&self, nth: u32, seed: u64) -> Duration {
        match self.jitter {
            Jitter::None => Duration::ZERO,
            Jitter::Full | Jitter::Equal | Jitter::Decorrelated => share(self.pauses[0], seed, nth),
        }
    }
}

impl Default for Backoff {
    /// 200 ms doubling to 10 s, full jitter: the second repeat of a herd is spread over 400 ms.
    fn default() -> Self {
        let pauses = [200, 400, 800, 1_600, 3_200, 6_400, 10_000].map(Duration::from_millis);
        Self { pauses: pauses.to_vec(), jitter: Jitter::Full }
    }
}

/// A share of `whole`, drawn from seed and number by SplitMix64.
fn share(whole: Duration, seed: u64, nth: u32) -> Duration {
    let mut x = seed.wrapping_add(u64::from(nth).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
    let drawn = (u128::from(x) * (u128::from(micros) + 1)) >> 64;
    Duration::from_micros(u64::try_from(drawn).unwrap_or(micros))
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Duration, Jitter};

    #[track_caller]
    fn check(backoff: &Backoff, expected: &str) {
        let pauses: Vec<_> = (1..=5).map(|nth| format!("{:?}", backoff.pause(nth, 7))).collect();
        assert_eq!(pauses.join(" "), expected);
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pauses_grow_as_written() {
        check(&Backoff::constant(ms(50)).with_jitter(Jitter::None), "50ms 50ms 50ms 50ms 50ms");
        let doubling = Backoff::exponential(ms(200), ms(1_000)).unwrap().with_jitter(Jitter::None);
        check(&doubling, "200ms 400ms 800ms 1s 1s");
        let list = Backoff::list(vec![ms(0), ms(5_000)]).unwrap().with_jitter(Jitter::None);
        check(&list, "0ns 5s 5s 5s 5s");
        check(
            &Backoff::exponential(ms(3), ms(3)).unwrap().with_jitter(Jitter::None),
            "3ms 3ms 3ms 3ms 3ms",
        );
    }

    #[test]
    fn jitter_stays_within_its_bounds_and_is_spread_over_them() {
        let pause = |jitter, seed| Backoff::constant(ms(100)).with_jitter(jitter).pause(1, seed);
        let drawn = |jitter| (0..10_000).map(|seed| pause(jitter, seed)).collect::<Vec<_>>();
        let mean = |all: &[Duration]| all.iter().sum::<Duration>() / 10_000;
        let (full, equal) = (drawn(Jitter::Full), drawn(Jitter::Equal));
        assert!(full.iter().all(|p| *p <= ms(100)));
        assert!(equal.iter().all(|p| (ms(50)..=ms(100)).contains(p)));
        let far = |seed| {
            let doubling = Backoff::exponential(ms(100), ms(10_000)).unwrap();
            doubling.with_jitter(Jitter::Decorrelated).pause(20, seed)
        };
        let decorrelated: Vec<_> = (0..10_000).map(far).collect();
        assert!(decorrelated.iter().all(|p| (ms(100)..=ms(10_000)).contains(p)));
        assert!((ms(2_000)..ms(8_000)).contains(&mean(&decorrelated)), "{:?}", mean(&decorrelated));
        assert!((ms(48)..ms(52)).contains(&mean(&full)), "{:?}", mean(&full));
        assert!((ms(73)..ms(77)).contains(&mean(&equal)), "{:?}", mean(&equal));
    }

    #[test]
    fn the_same_seed_and_number_give_the_same_pause() {
        let backoff = Backoff::default();
        assert_eq!(backoff.pause(3, 42), backoff.pause(3, 42));
        assert_ne!(backoff.pause(3, 42), backoff.pause(3, 43));
        assert_ne!(backoff.spread(3, 42), backoff.spread(4, 42));
    }

    #[track_caller]
    fn refuse(backoff: Result<Backoff, super::BackoffError>, expected: &str) {
        assert_eq!(backoff.unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        refuse(Backoff::exponential(ms(0), ms(9)), "`initial` must be longer than zero");
        refuse(
            Backoff::exponential(ms(60_000), ms(10_000)),
            "`initial` (60s) must not be longer than `max` (10s)",
        );
        refuse(Backoff::list(vec![]), "a list of pauses must have 1 to 64 of them, not 0");
        refuse(
            Backoff::list(vec![ms(1); 65]),
            "a list of pauses must have 1 to 64 of them, not 65",
        );
    }
}

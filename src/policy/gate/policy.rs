//! What a gate is configured to let through.

use std::time::Duration;

use super::RetryBudget;

/// What a gate lets through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatePolicy {
    /// Requests per time; none is no limit.
    pub rate_limit: Option<RateLimit>,
    /// Attempts in flight at once.
    pub concurrency_max: u32,
    /// How many of them is learned from how they end; none allows all of them at any time.
    pub adaptive: Option<Adaptive>,
    /// When an endpoint is left alone; none is never.
    pub breaker: Option<BreakerPolicy>,
    /// How long the target is left alone where it throttles.
    pub throttle: Throttle,
    /// How many attempts may be repeats; none is no limit.
    pub retry_budget: Option<RetryBudget>,
    /// Requests on the wire that one attempt may make: each takes a token of the rate limit. 0 is taken for 1.
    pub exchanges_max: u16,
    /// How long a version that was rejected is not asked for again.
    pub version_memory: Duration,
}

/// So many requests per time, and so many at once after a silence (GCRA).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RateLimit {
    // Invariant: at least a nanosecond.
    pub(super) interval_ns: i128,
    // Invariant: at least one interval.
    pub(super) tolerance_ns: i128,
}

/// How many attempts are in flight at once, where that is learned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adaptive {
    // Invariant: at least 1.
    pub(super) min: u32,
    // Invariant: at least `min`.
    pub(super) initial: u32,
}

/// How long a target is left alone that throttles without a `Retry-After`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Throttle {
    // Invariant: longer than zero.
    pub(super) pause: Duration,
    // Invariant: at least `pause`.
    pub(super) pause_max: Duration,
}

/// When an endpoint is left alone, and for how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakerPolicy {
    // Invariant: at least 1.
    pub(super) failures: u32,
    // Invariant: longer than zero.
    pub(super) open_for: Duration,
    // Invariant: at least `open_for`.
    pub(super) open_for_max: Duration,
    // Invariant: at least 1.
    pub(super) probes_max: u32,
    pub(super) ratios: Option<BreakerRatios>,
}

/// A breaker opens, too, where too many of the latest attempts failed or were slow.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BreakerRatios {
    /// The time that is looked at.
    pub window: Duration,
    /// Fewer attempts than this in the window never open it.
    pub calls_min: u32,
    /// The share of attempts that failed, from 0 to 1, that opens it.
    pub failure: f64,
    /// An attempt that takes longer is slow; none is never slow.
    pub slow_after: Option<Duration>,
    /// The share of attempts that were slow, from 0 to 1, that opens it.
    pub slow: f64,
}

/// A gate that could never let anything through.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{key}` must be {expected}")]
pub struct GateError {
    /// The number that makes no sense.
    pub key: &'static str,
    /// What would make sense.
    pub expected: &'static str,
}

impl Default for GatePolicy {
    /// No rate limit, since nobody can guess one. 128 in flight: more than an API serves one caller at once, and
    /// few enough sockets. A breaker, since an endpoint that failed five times in a row fails the sixth time too.
    /// Ten minutes of memory: a version that is gone stays gone, and one that was rolled back is found again.
    fn default() -> Self {
        Self {
            rate_limit: None,
            concurrency_max: 128,
            adaptive: None,
            breaker: Some(BreakerPolicy::default()),
            throttle: Throttle::default(),
            retry_budget: Some(RetryBudget::default()),
            exchanges_max: 1,
            version_memory: Duration::from_secs(10 * 60),
        }
    }
}

impl RateLimit {
    /// `permits` requests per `per`, and up to `burst` of them at once.
    ///
    /// # Errors
    /// When one of them is zero, or the rate is beyond a request per nanosecond.
    pub fn try_new(permits: u32, per: Duration, burst: u32) -> Result<Self, GateError> {
        let at_least_one = |key| GateError { key, expected: "at least 1" };
        let permits = i128::from(permits);
        if permits == 0 {
            return Err(at_least_one("rate_limit.permits"));
        }
        if burst == 0 {
            return Err(at_least_one("rate_limit.burst"));
        }
        let interval_ns = i128::try_from(per.as_nanos()).unwrap_or(i128::MAX) / permits;
        if interval_ns == 0 {
            return Err(GateError {
                key: "rate_limit.per",
                expected: "at least a nanosecond per permit",
            });
        }
        Ok(Self { interval_ns, tolerance_ns: interval_ns.saturating_mul(i128::from(burst)) })
    }
}

impl Adaptive {
    /// Never fewer than `min`, and `initial` before anything is known.
    ///
    /// # Errors
    /// When `min` is zero or above `initial`.
    pub fn try_new(min: u32, initial: u32) -> Result<Self, GateError> {
        if min == 0 {
            return Err(GateError { key: "concurrency.min", expected: "at least 1" });
        }
        if initial < min {
            return Err(GateError { key: "concurrency.initial", expected: "at least `min`" });
        }
        Ok(Self { min, initial })
    }
}

impl Default for Adaptive {
    /// Twenty before anything is known: what hand-written code dares. One is what a target that is down gets.
    fn default() -> Self {
        Self { min: 1, initial: 20 }
    }
}

impl Throttle {
    /// `pause` after the first throttled attempt, doubled for each that follows, up to `pause_max`.
    ///
    /// # Errors
    /// When `pause` is zero or above `pause_max`.
    pub fn try_new(pause: Duration, pause_max: Duration) -> Result<Self, GateError> {
        if pause.is_zero() {
            return Err(GateError { key: "throttle.pause", expected: "longer than zero" });
        }
        if pause_max < pause {
            return Err(GateError { key: "throttle.pause_max", expected: "at least `pause`" });
        }
        Ok(Self { pause, pause_max })
    }
}

impl Default for Throttle {
    /// A second, doubled up to a minute: most limits count by the second or by the minute.
    fn default() -> Self {
        Self { pause: Duration::from_secs(1), pause_max: Duration::from_secs(60) }
    }
}

impl BreakerPolicy {
    /// Opens after that many failures in a row, for that long, and then lets so many probes through at once. Where the
    /// probes fail it stays open for twice as long, up to ten times; see [`open_for_max`](Self::open_for_max).
    ///
    /// # Errors
    /// When one of them is zero.
    pub fn try_new(failures: u32, open_for: Duration, probes_max: u32) -> Result<Self, GateError> {
        if failures == 0 {
            return Err(GateError { key: "breaker.failures", expected: "at least 1" });
        }
        if open_for.is_zero() {
            return Err(GateError { key: "breaker.open_for", expected: "longer than zero" });
        }
        if probes_max == 0 {
            return Err(GateError { key: "breaker.probes", expected: "at least 1" });
        }
        let open_for_max = open_for.saturating_mul(10);
        Ok(Self { failures, open_for, open_for_max, probes_max, ratios: None })
    }

    /// The longest time that it stays open.
    ///
    /// # Errors
    /// When it is shorter than the first time.
    pub fn open_for_max(mut self, open_for_max: Duration) -> Result<Self, GateError> {
        if open_for_max < self.open_for {
            return Err(GateError { key: "breaker.open_for_max", expected: "at least `open_for`" });
        }
        self.open_for_max = open_for_max;
        Ok(self)
    }

    /// Opens, too, by these shares.
    ///
    /// # Errors
    /// When a share is not above 0 and at most 1, or one of the others is zero.
    pub fn ratios(mut self, ratios: BreakerRatios) -> Result<Self, GateError> {
        let share = |share: f64| share > 0.0 && share <= 1.0;
        let wrong = [
            (ratios.window.is_zero(), "breaker.window", "longer than zero"),
            (ratios.calls_min == 0, "breaker.calls_min", "at least 1"),
            (!share(ratios.failure), "breaker.failure_ratio", "above 0, and at most 1"),
            (!share(ratios.slow), "breaker.slow_ratio", "above 0, and at most 1"),
            (
                ratios.slow_after.is_some_and(|after| after.is_zero()),
                "breaker.slow_after",
                "longer than zero",
            ),
        ];
        if let Some((_, key, expected)) = wrong.into_iter().find(|(is_wrong, ..)| *is_wrong) {
            return Err(GateError { key, expected });
        }
        self.ratios = Some(ratios);
        Ok(self)
    }
}

impl BreakerPolicy {
    pub(super) fn is_slow(&self, took: Duration) -> bool {
        let slow_after = self.ratios.and_then(|ratios| ratios.slow_after);
        slow_after.is_some_and(|after| took > after)
    }
}

impl Default for BreakerPolicy {
    /// An endpoint that failed five times in a row fails the sixth time too; where others get through, half of at
    /// least twenty in half a minute.
    fn default() -> Self {
        Self {
            failures: 5,
            open_for: Duration::from_secs(30),
            open_for_max: Duration::from_secs(5 * 60),
            probes_max: 1,
            ratios: Some(BreakerRatios::default()),
        }
    }
}

// Invariant: the shares are numbers, and so equal themselves.
impl Eq for BreakerRatios {}

impl Default for BreakerRatios {
    /// No attempt is slow: one that takes too long ends by its timeout, and has failed.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(30),
            calls_min: 20,
            failure: 0.5,
            slow_after: None,
            slow: 0.8,
        }
    }
}

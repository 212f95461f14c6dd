//! What a gate is configured to let through.

use std::time::Duration;

/// What a gate lets through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatePolicy {
    /// Requests per time; none is no limit.
    pub rate_limit: Option<RateLimit>,
    /// Attempts in flight at once.
    pub concurrency_max: u32,
    /// When an endpoint is left alone; none is never.
    pub breaker: Option<BreakerPolicy>,
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

/// When an endpoint is left alone, and for how long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BreakerPolicy {
    // Invariant: at least 1.
    pub(super) failures: u32,
    // Invariant: longer than zero.
    pub(super) open_for: Duration,
    // Invariant: at least 1.
    pub(super) probes_max: u32,
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
        let breaker =
            BreakerPolicy { failures: 5, open_for: Duration::from_secs(30), probes_max: 1 };
        Self {
            rate_limit: None,
            concurrency_max: 128,
            breaker: Some(breaker),
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

impl BreakerPolicy {
    /// Opens after that many failures in a row, for that long, and then lets so many probes through at once.
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
        Ok(Self { failures, open_for, probes_max })
    }
}

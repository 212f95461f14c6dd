//! `rate_limit`, `concurrency`, `throttle` and `breaker`: what a target's gate lets through.

use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issues::Issues;
use crate::policy::gate::{Adaptive, BreakerPolicy, BreakerRatios, GateError, RateLimit, Throttle};

/// So many requests per time (GCRA).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitSettings {
    /// Requests.
    #[schemars(range(min = 1))]
    pub(super) permits: u32,
    /// In this time.
    pub(super) per: Span,
    /// Requests at once after a silence.
    #[serde(default = "one")]
    #[schemars(
        range(min = 1),
        extend("x-reason" = "an API that counts by the second counts a burst against us")
    )]
    pub(super) burst: u32,
}

/// Attempts in flight at once: a number, or a map where it is learned.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "a number or a map of settings")]
pub(super) enum ConcurrencySetting {
    /// So many.
    Fixed(#[schemars(range(min = 1))] u32),
    /// As many as it carries, learned from how attempts end.
    Adaptive(AdaptiveSettings),
}

/// As many attempts as the target carries, learned from how they end.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AdaptiveSettings {
    /// Never fewer.
    #[schemars(range(min = 1), extend("x-reason" = "one goes on asking whether more are carried"))]
    pub(super) min: u32,
    /// Before anything is known.
    #[schemars(range(min = 1), extend("x-reason" = "what most APIs carry; doubled with each round until they do not"))]
    pub(super) initial: u32,
    /// Never more.
    #[schemars(range(min = 1), extend("x-reason" = "more sockets than this need a reason"))]
    pub(super) max: u32,
}

/// How long a target is left alone that throttles without a `Retry-After`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ThrottleSettings {
    /// After the first throttled attempt; doubled with each that follows.
    #[schemars(extend("x-reason" = "most limits count by the second or by the minute"))]
    pub(super) pause: Span,
    /// The longest pause.
    #[schemars(extend("x-reason" = "most limits count by the second or by the minute"))]
    pub(super) pause_max: Span,
}

/// When an endpoint is left alone. `false` never leaves it alone.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "`false` or a map of settings")]
pub(super) enum BreakerSetting {
    /// `false`: no breaker.
    Off(Off),
    /// A breaker.
    On(BreakerSettings),
}

/// The word `false`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(try_from = "bool", into = "bool")]
pub(super) struct Off;

/// When an endpoint is left alone.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BreakerSettings {
    /// Failures in a row that open it.
    #[schemars(
        range(min = 1),
        extend("x-reason" = "an endpoint that failed five times in a row fails the sixth time too")
    )]
    pub(super) failures: u32,
    /// How long it stays open before a probe is let through.
    #[schemars(extend("x-reason" = "long enough for a restart, short enough to be back soon"))]
    pub(super) open_for: Span,
    /// The longest time that it stays open: doubled each time its probes fail.
    #[schemars(extend("x-reason" = "an endpoint that is down for hours is asked every five minutes"))]
    pub(super) open_for_max: Span,
    /// The time over which attempts are counted, for the two shares.
    #[schemars(extend("x-reason" = "long enough to have seen some, short enough to be of now"))]
    pub(super) window: Span,
    /// Fewer attempts than this in the window never open it by a share.
    #[schemars(range(min = 1), extend("x-reason" = "one of two is chance, ten of twenty is not"))]
    pub(super) calls_min: u32,
    /// The share of attempts that failed, from 0 to 1, that opens it.
    #[schemars(range(max = 1), extend("x-reason" = "half of all attempts wasted is worth waiting"))]
    pub(super) failure_ratio: f64,
    /// An attempt that takes longer is slow; none is slow unless set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) slow_after: Option<Span>,
    /// The share of attempts that were slow, from 0 to 1, that opens it.
    #[schemars(range(max = 1), extend("x-reason" = "a few slow ones are no reason"))]
    pub(super) slow_ratio: f64,
    /// Attempts that are let through at once while it is half-open.
    #[schemars(range(min = 1), extend("x-reason" = "one is enough to know; more bring the crowd back"))]
    pub(super) probes: u32,
}

fn one() -> u32 {
    1
}

impl TryFrom<bool> for Off {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("`false` or a map of settings would be right") } else { Ok(Self) }
    }
}

impl From<Off> for bool {
    fn from(Off: Off) -> Self {
        false
    }
}

impl JsonSchema for Off {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Off".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": false })
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        let BreakerRatios { window, calls_min, failure, slow, .. } = BreakerRatios::default();
        Self {
            failures: 5,
            open_for: Span::secs(30),
            open_for_max: Span::secs(5 * 60),
            window: Span(window),
            calls_min,
            failure_ratio: failure,
            slow_after: None,
            slow_ratio: slow,
            probes: 1,
        }
    }
}

impl Default for AdaptiveSettings {
    fn default() -> Self {
        Self { min: 1, initial: 20, max: 1_000 }
    }
}

impl Default for ConcurrencySetting {
    fn default() -> Self {
        Self::Fixed(128)
    }
}

impl Default for ThrottleSettings {
    fn default() -> Self {
        Self { pause: Span::secs(1), pause_max: Span::secs(60) }
    }
}

impl Default for BreakerSetting {
    fn default() -> Self {
        Self::On(BreakerSettings::default())
    }
}

/// What was checked; or what is wrong, said at the key that it is about.
pub(super) fn take<T>(issues: &mut Issues<'_>, checked: Result<T, GateError>) -> Option<T> {
    let tell = |error: GateError| {
        let key = error.key.rsplit('.').next().unwrap_or(error.key);
        issues.push(key, format!("must be {}", error.expected));
    };
    checked.map_err(tell).ok()
}

impl RateLimitSettings {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Option<RateLimit> {
        take(issues, RateLimit::try_new(self.permits, self.per.0, self.burst))
    }
}

impl ConcurrencySetting {
    /// The most, and how it is learned.
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> (u32, Option<Adaptive>) {
        match self {
            Self::Fixed(count) => (*count, None),
            Self::Adaptive(it) => {
                if it.max < it.initial {
                    issues.push("max", "is below `initial`: the same or more would be right");
                }
                (it.max, take(issues, Adaptive::try_new(it.min, it.initial)))
            }
        }
    }
}

impl ThrottleSettings {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Throttle {
        let policy = Throttle::try_new(self.pause.0, self.pause_max.0);
        take(issues, policy).unwrap_or_default()
    }
}

impl BreakerSetting {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Option<BreakerPolicy> {
        let Self::On(it) = self else { return None };
        let policy = BreakerPolicy::try_new(it.failures, it.open_for.0, it.probes);
        let policy = take(issues, policy)?;
        let policy = take(issues, policy.open_for_max(it.open_for_max.0))?;
        let ratios = BreakerRatios {
            window: it.window.0,
            calls_min: it.calls_min,
            failure: it.failure_ratio,
            slow_after: it.slow_after.map(|after| after.0),
            slow: it.slow_ratio,
        };
        take(issues, policy.ratios(ratios))
    }
}

//! `rate_limit` and `breaker`: what a target's gate lets through.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{duration::Span, issues::Issues};
use crate::policy::gate::{BreakerPolicy, RateLimit};

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

/// When an endpoint is left alone. `false` never leaves it alone.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
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
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
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
        Self { failures: 5, open_for: Span::secs(30), probes: 1 }
    }
}

impl Default for BreakerSetting {
    fn default() -> Self {
        Self::On(BreakerSettings::default())
    }
}

impl RateLimitSettings {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Option<RateLimit> {
        issues.take("per", RateLimit::try_new(self.permits, self.per.0, self.burst))
    }
}

impl BreakerSetting {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Option<BreakerPolicy> {
        let Self::On(it) = self else { return None };
        issues.take("open_for", BreakerPolicy::try_new(it.failures, it.open_for.0, it.probes))
    }
}

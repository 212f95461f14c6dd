//! `retry`: how often and how patiently a target is tried.

use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    gate::{Off, take},
    issues::Issues,
};
use crate::policy::{Backoff, Jitter, Retry, gate::RetryBudget};

/// How often and how patiently a target is tried.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RetrySettings {
    /// Attempts on one way, the first included. An attempt that was throttled does not count.
    #[schemars(
        range(min = 1, max = 1_000),
        extend("x-reason" = "what heals by itself mostly heals within two repeats")
    )]
    pub(super) attempts: u32,
    /// Throttled attempts of one delivery.
    #[schemars(
        range(min = 1, max = 10_000),
        extend("x-reason" = "throttling is no failure, but has to end some time")
    )]
    pub(super) throttled_max: u32,
    /// The pause between two attempts.
    pub(super) backoff: BackoffSettings,
    /// How many attempts may be repeats; whoever finds it used up waits. `false` is no limit.
    pub(super) budget: BudgetSetting,
    /// The longest `Retry-After` that is obeyed; a longer one is taken for this.
    #[schemars(extend("x-reason" = "whoever asks for more cannot hold a delivery for ever"))]
    pub(super) retry_after_max: Span,
}

/// How many attempts may be repeats. `false` is no limit.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "`false` or a map of settings")]
pub(super) enum BudgetSetting {
    /// `false`: no limit.
    Off(Off),
    /// A share of the first attempts, and a reserve.
    On(BudgetSettings),
}

/// A share of the first attempts, and a reserve.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BudgetSettings {
    /// Repeats for each first attempt of the last ten seconds.
    #[schemars(
        range(min = 0, max = 10),
        extend("x-reason" = "whoever is down gets a fifth more load, not three times as much")
    )]
    pub(super) ratio: f64,
    /// Repeats a second beside these; ten seconds' worth at once.
    #[schemars(extend("x-reason" = "where little is sent, nobody has to wait"))]
    pub(super) per_second: u32,
}

/// The pause between two attempts: doubling from `initial` to `max`, or a list.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BackoffSettings {
    /// The first pause; each that follows is twice as long.
    #[schemars(extend("x-reason" = "longer than a request takes, shorter than anybody notices"))]
    pub(super) initial: Span,
    /// The longest pause.
    #[schemars(extend("x-reason" = "a target that is back is found within seconds"))]
    pub(super) max: Span,
    /// These pauses one after the other, instead of doubling; the last one stands for all that follow.
    #[schemars(length(min = 1, max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pauses: Option<Vec<Span>>,
    /// How much of a pause is left to chance: all of it, half of it, from the first pause to three times the last one,
    /// nothing.
    #[schemars(extend("x-reason" = "those who failed together do not come back together"))]
    pub(super) jitter: JitterSettings,
}

/// How much of a pause is left to chance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum JitterSettings {
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

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 3,
            throttled_max: 20,
            backoff: BackoffSettings::default(),
            budget: BudgetSetting::default(),
            retry_after_max: Span::secs(60 * 60),
        }
    }
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self {
            initial: Span::millis(200),
            max: Span::secs(10),
            pauses: None,
            jitter: JitterSettings::Full,
        }
    }
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self { ratio: 0.2, per_second: 10 }
    }
}

impl Default for BudgetSetting {
    fn default() -> Self {
        Self::On(BudgetSettings::default())
    }
}

impl BudgetSetting {
    /// The policy; none is no limit.
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Option<RetryBudget> {
        match self {
            Self::Off(_) => None,
            Self::On(it) => take(issues, RetryBudget::try_new(it.ratio, it.per_second)),
        }
    }
}

impl RetrySettings {
    /// The policy.
    pub(super) fn policy(&self, written: &Value, issues: &mut Issues<'_>) -> Retry {
        let backoff = self.backoff.policy(&written["backoff"], &mut issues.at("backoff"));
        Retry {
            attempts_max: self.attempts,
            throttled_max: self.throttled_max,
            backoff: backoff.unwrap_or_default(),
            retry_after_max: self.retry_after_max.0,
        }
    }
}

impl BackoffSettings {
    fn policy(&self, written: &Value, issues: &mut Issues<'_>) -> Option<Backoff> {
        let backoff = match &self.pauses {
            Some(pauses) => {
                for key in ["initial", "max"].into_iter().filter(|key| written.get(key).is_some()) {
                    issues.push(key, "stands beside `pauses`: keep one of them");
                }
                issues.take("pauses", Backoff::list(pauses.iter().map(|pause| pause.0).collect()))
            }
            None => issues.take("initial", Backoff::exponential(self.initial.0, self.max.0)),
        };
        backoff.map(|backoff| backoff.with_jitter(self.jitter.into()))
    }
}

impl From<JitterSettings> for Jitter {
    fn from(jitter: JitterSettings) -> Self {
        match jitter {
            JitterSettings::Full => Self::Full,
            JitterSettings::Equal => Self::Equal,
            JitterSettings::Decorrelated => Self::Decorrelated,
            JitterSettings::None => Self::None,
        }
    }
}

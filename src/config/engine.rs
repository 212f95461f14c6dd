//! `engine`: what holds for all targets together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    config::{EngineConfig, OnRemoved},
    issues::Issues,
    retry::BudgetSetting,
};
use crate::policy::Limits;

/// What holds for all targets together.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EngineSettings {
    /// What may be held and done at once.
    pub(super) limits: LimitSettings,
    /// What becomes of the deliveries that are open for a target when it is gone from a configuration that is taken over
    /// while the daemon runs.
    #[schemars(extend("x-reason" = "what was accepted is not given up by a slip of the pen"))]
    pub(super) on_removed: OnRemoved,
    /// How many attempts of all targets together may be repeats, on top of each target's own `retry.budget`. `false`
    /// is no limit.
    pub(super) retry_budget: BudgetSetting,
}

/// What may be held and done at once.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitSettings {
    /// Attempts of all targets in flight.
    #[schemars(
        range(min = 1),
        extend("x-reason" = "each takes a socket; `concurrency` of each target stays below it")
    )]
    pub(super) in_flight: u32,
    /// Bytes of one payload.
    #[schemars(range(min = 1), extend("x-reason" = "more of it belongs into a file that the APIs fetch"))]
    pub(super) payload_bytes: u32,
    /// Recipients of one broadcast.
    #[schemars(range(min = 1), extend("x-reason" = "all of them are written down in one commit"))]
    pub(super) recipients: u32,
    /// Targets.
    #[schemars(range(min = 1), extend("x-reason" = "each takes some kilobytes and an actor"))]
    pub(super) targets: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        let Limits { targets_max, recipients_max, payload_bytes_max, in_flight_max } =
            Limits::default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            in_flight: number(in_flight_max),
            payload_bytes: number(payload_bytes_max),
            recipients: number(recipients_max),
            targets: number(targets_max),
        }
    }
}

impl EngineSettings {
    pub(super) fn config(&self, issues: &mut Issues<'_>) -> EngineConfig {
        let it = &self.limits;
        let limits = Limits {
            targets_max: it.targets as usize,
            recipients_max: it.recipients as usize,
            payload_bytes_max: it.payload_bytes as usize,
            in_flight_max: it.in_flight as usize,
        };
        let retry_budget = self.retry_budget.policy(&mut issues.at("retry_budget"));
        EngineConfig { retry_budget, limits, on_removed: self.on_removed }
    }
}

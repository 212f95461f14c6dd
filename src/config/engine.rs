//! `engine`: what holds for all targets together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{config::EngineConfig, issues::Issues, retry::BudgetSetting};

/// What holds for all targets together.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct EngineSettings {
    /// How many attempts of all targets together may be repeats, on top of each target's own `retry.budget`. `false`
    /// is no limit.
    pub(super) retry_budget: BudgetSetting,
}

impl EngineSettings {
    pub(super) fn config(&self, issues: &mut Issues<'_>) -> EngineConfig {
        EngineConfig { retry_budget: self.retry_budget.policy(&mut issues.at("retry_budget")) }
    }
}

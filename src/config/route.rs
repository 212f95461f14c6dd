//! `routes`: named recipient lists with their policies.

use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::notify::NotifySetting;
use crate::report::{Completion, Priority, Rest};

/// A named recipient list with its policies.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteSettings {
    /// Whether a canned reply that stands in (`fallback.reply`) counts as a success.
    #[serde(default)]
    #[schemars(extend("x-reason" = "nothing was delivered"))]
    pub(super) accept_substituted: bool,
    /// The recipients: names of targets, or maps with more to say.
    #[schemars(length(min = 1, max = 1_000))]
    pub(super) to: Vec<RecipientSetting>,
    /// What makes a broadcast satisfied.
    #[serde(default)]
    #[schemars(extend("x-reason" = "a payload that is to go to several APIs is to arrive at each of them"))]
    pub(super) completion: CompletionSetting,
    /// When the verdict falls at the latest; no deadline unless set.
    #[serde(default)]
    pub(super) deadline: Option<Span>,
    /// The target that gets the report when the verdict falls and when every delivery has ended: its name, or a map. Only
    /// a daemon notifies. None unless set.
    #[serde(default)]
    pub(super) notify: Option<NotifySetting>,
    /// How urgent its broadcasts are, where not all deliveries can be made at once.
    #[serde(default)]
    #[schemars(extend("x-reason" = "who says nothing is like the others"))]
    pub(super) priority: PrioritySetting,
    /// What becomes of unsettled deliveries after the verdict.
    #[serde(default)]
    #[schemars(extend("x-reason" = "a verdict says nothing against delivering the rest"))]
    pub(super) rest: RestSetting,
    /// What its payloads have to look like: a JSON Schema (2020-12), here or in a file that `file` names. What does not
    /// fit is not accepted.
    #[serde(default)]
    #[schemars(schema_with = "super::route_schema::setting")]
    pub(super) schema: Option<Value>,
}

/// One recipient.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RecipientSetting {
    /// A target; required.
    Name(String),
    /// A target with more to say.
    Detailed(Recipient),
}

/// A target with more to say.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Recipient {
    /// The target.
    pub(super) target: String,
    /// The completion `all` does not need it. Where nobody is required, `all` needs one of them.
    #[serde(default)]
    #[schemars(extend("x-reason" = "who is on the list is meant"))]
    pub(super) optional: bool,
    /// A jq expression over the payload: where it gives `false`, `null` or nothing, the target is skipped.
    #[serde(default)]
    pub(super) when: Option<String>,
}

/// What makes a broadcast satisfied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CompletionSetting {
    /// Every required recipient.
    #[default]
    All,
    /// The first success.
    Any,
    /// At least one success, looked at when everything has settled or at the deadline.
    BestEffort,
    /// This many recipients, required or not.
    Quorum(#[schemars(range(min = 1))] u32),
}

/// What becomes of unsettled deliveries after the verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RestSetting {
    /// They go on.
    #[default]
    Finish,
    /// They are cancelled.
    Cancel,
}

/// How urgent a broadcast is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PrioritySetting {
    /// It is urgent: four of seven.
    High,
    /// As most are: two of seven.
    #[default]
    Normal,
    /// It can wait: one of seven.
    Low,
}

impl From<PrioritySetting> for Priority {
    fn from(setting: PrioritySetting) -> Self {
        match setting {
            PrioritySetting::High => Self::High,
            PrioritySetting::Normal => Self::Normal,
            PrioritySetting::Low => Self::Low,
        }
    }
}

impl RecipientSetting {
    /// With all there is to say.
    pub(super) fn detailed(self) -> Recipient {
        match self {
            Self::Name(target) => Recipient { target, optional: false, when: None },
            Self::Detailed(recipient) => recipient,
        }
    }
}

impl From<CompletionSetting> for Completion {
    fn from(setting: CompletionSetting) -> Self {
        match setting {
            CompletionSetting::All => Self::All,
            CompletionSetting::Any => Self::Any,
            CompletionSetting::BestEffort => Self::BestEffort,
            CompletionSetting::Quorum(count) => Self::Quorum(count),
        }
    }
}

impl From<RestSetting> for Rest {
    fn from(setting: RestSetting) -> Self {
        match setting {
            RestSetting::Finish => Self::Finish,
            RestSetting::Cancel => Self::Cancel,
        }
    }
}

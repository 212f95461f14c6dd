//! `notify` of a route: the target that gets its reports.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::{Notify, Occasion};

/// The target that gets its reports.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum NotifySetting {
    /// A target; on every occasion.
    Name(String),
    /// A target with more to say.
    Detailed(NotifyMap),
}

/// A target with more to say.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NotifyMap {
    /// The target. It must not get the payloads of this route.
    pub(super) target: String,
    /// When it gets the report: `verdict`, when that has fallen, and `settled`, when every delivery has ended.
    #[serde(default = "always")]
    #[schemars(
        length(min = 1, max = 2),
        extend("x-reason" = "who wants to know how it stands wants to know how it ended")
    )]
    pub(super) on: Vec<OccasionSetting>,
}

/// When a report is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OccasionSetting {
    /// The verdict has fallen.
    Verdict,
    /// Every delivery has ended.
    Settled,
}

fn always() -> Vec<OccasionSetting> {
    vec![OccasionSetting::Verdict, OccasionSetting::Settled]
}

impl NotifySetting {
    /// The key that names the target, below `notify`.
    pub(super) fn below(&self) -> &'static str {
        match self {
            Self::Name(_) => "",
            Self::Detailed(_) => "/target",
        }
    }

    /// With all there is to say.
    pub(super) fn detailed(self) -> NotifyMap {
        match self {
            Self::Name(target) => NotifyMap { target, on: always() },
            Self::Detailed(map) => map,
        }
    }
}

impl From<NotifyMap> for Notify {
    fn from(map: NotifyMap) -> Self {
        let occasion = |setting: &OccasionSetting| match setting {
            OccasionSetting::Verdict => Occasion::Verdict,
            OccasionSetting::Settled => Occasion::Settled,
        };
        Self { target: map.target.into(), on: map.on.iter().map(occasion).collect() }
    }
}

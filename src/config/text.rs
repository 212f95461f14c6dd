//! A text, or a jq expression that gives one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{build::filter, document::child, issues::Issues};
use crate::mapping::Text;

/// A text, or a jq expression.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "text, or a map with `jq`")]
pub(super) enum TextSetting {
    /// As it is.
    Fixed(String),
    /// Worked out.
    Jq(JqSetting),
}

/// A jq expression.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JqSetting {
    /// The expression.
    pub(super) jq: String,
}

impl TextSetting {
    /// The text below that key.
    pub(super) fn text(&self, key: &str, issues: &mut Issues<'_>) -> Option<Text> {
        match self {
            Self::Fixed(text) => Some(Text::Fixed(text.clone())),
            Self::Jq(it) => {
                let pointer = child(&child(&issues.pointer, key), "jq");
                filter(&it.jq, &pointer, issues).map(Text::Jq)
            }
        }
    }
}

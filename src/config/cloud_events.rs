//! `cloudevents`: payloads as events.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{issues::Issues, text::TextSetting};
use crate::mapping::{CloudEvents, EventMode, Text, wrong_name, wrong_value};

/// How payloads become events: the mode, or a map.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum CloudEventsSetting {
    /// With `/fanfare` as their source and `dev.fanfare.broadcast` as their type.
    Mode(ModeSetting),
    /// With attributes.
    Map(Box<CloudEventsMap>),
}

/// How an event is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModeSetting {
    /// Attributes in `ce-` headers; the body is the data.
    #[default]
    Binary,
    /// All of it as a JSON document.
    Structured,
}

/// How payloads become events, with attributes: each is text or a jq expression over the payload.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloudEventsMap {
    /// How an event is written: attributes in headers, or all of it as a JSON document.
    #[serde(default)]
    #[schemars(extend("x-reason" = "the body stays what it is"))]
    mode: ModeSetting,
    /// Where it happened: a URI reference.
    source: TextSetting,
    /// What happened: `com.shop.order.placed`.
    #[serde(rename = "type")]
    kind: TextSetting,
    /// To what it happened.
    #[serde(default)]
    subject: Option<TextSetting>,
    /// Its id. Left out, it is that of the delivery: the same on every repeat, with every stand-in and on a replay.
    #[serde(default)]
    id: Option<TextSetting>,
    /// When it happened (RFC 3339).
    #[serde(default)]
    time: Option<TextSetting>,
    /// The URI of the schema of the data.
    #[serde(default)]
    dataschema: Option<TextSetting>,
    /// Other attributes, by names of small letters and digits.
    #[serde(default)]
    extensions: BTreeMap<String, TextSetting>,
}

impl CloudEventsSetting {
    /// Whether the body becomes a document of its own.
    pub(super) fn is_structured(&self) -> bool {
        let mode = match self {
            Self::Mode(mode) => *mode,
            Self::Map(map) => map.mode,
        };
        mode == ModeSetting::Structured
    }

    /// What makes the events; `issues` stands at the key.
    pub(super) fn events(&self, issues: &mut Issues<'_>) -> CloudEvents {
        match self {
            Self::Mode(mode) => {
                let fixed =
                    |name: &str, text: &str| (name.to_owned(), Text::Fixed(text.to_owned()));
                let named = [fixed("source", "/fanfare"), fixed("type", "dev.fanfare.broadcast")];
                CloudEvents::new((*mode).into(), named.to_vec())
            }
            Self::Map(map) => map.events(issues),
        }
    }
}

impl CloudEventsMap {
    fn events(&self, issues: &mut Issues<'_>) -> CloudEvents {
        let written = [
            ("source", Some(&self.source)),
            ("type", Some(&self.kind)),
            ("subject", self.subject.as_ref()),
            ("id", self.id.as_ref()),
            ("time", self.time.as_ref()),
            ("dataschema", self.dataschema.as_ref()),
        ];
        let mut attributes = Vec::new();
        for (name, setting) in written {
            attributes.extend(setting.and_then(|setting| attribute(name, setting, issues)));
        }
        let mut here = issues.at("extensions");
        for (name, setting) in &self.extensions {
            if let Some(says) = wrong_name(name) {
                here.push(name, says);
            }
            attributes.extend(attribute(name, setting, &mut here));
        }
        CloudEvents::new(self.mode.into(), attributes)
    }
}

fn attribute(name: &str, setting: &TextSetting, issues: &mut Issues<'_>) -> Option<(String, Text)> {
    let text = setting.text(name, issues)?;
    if let Text::Fixed(fixed) = &text
        && let Some(says) = wrong_value(name, fixed)
    {
        issues.push(name, says);
    }
    Some((name.to_owned(), text))
}

impl From<ModeSetting> for EventMode {
    fn from(setting: ModeSetting) -> Self {
        match setting {
            ModeSetting::Binary => Self::Binary,
            ModeSetting::Structured => Self::Structured,
        }
    }
}

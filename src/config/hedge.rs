//! `hedge`: when a second attempt is made beside one that is slow.

use std::borrow::Cow;

use fanfare_sdk::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::policy::Hedge;

/// What stands for the time within which 95 of 100 attempts were answered lately.
const PERCENTILE: &str = "p95";

/// When a second attempt is made beside one that is slow.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HedgeSettings {
    /// After that time; `p95` is the time within which 95 of 100 attempts were answered lately.
    pub(super) after: After,
}

/// A duration, or `p95`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct After(pub(super) Hedge);

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        if text == PERCENTILE {
            return Ok(Self(Hedge::Percentile95));
        }
        Span::parse(&text).map(|Span(after)| Self(Hedge::After(after))).map_err(D::Error::custom)
    }
}

impl Serialize for After {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Hedge::Percentile95 => serializer.serialize_str(PERCENTILE),
            Hedge::After(after) => Span(after).serialize(serializer),
        }
    }
}

impl JsonSchema for After {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "After".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "const": PERCENTILE },
            { "type": "string", "pattern": Span::PATTERN },
        ] })
    }
}

//! Values of headers and of the query: fixed, or worked out from the payload.

use std::{collections::BTreeMap, fmt};

use fanfare_sdk::{Expression, Payload, PrepareError, Secret, SettingErrors, Wanted, check};
use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A value as people write it.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ValueSetting {
    /// As it is.
    Fixed(#[schemars(with = "String")] Secret),
    /// Worked out from the payload; `null` leaves it out.
    Computed(JqSetting),
}

/// A jq expression over the payload.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JqSetting {
    /// The expression: it gives a string, a number, `true` or `false`, or `null`.
    pub jq: String,
}

/// The values that are worked out for every payload, in the order of the target's expressions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    headers: Vec<HeaderName>,
    /// The encoded keys.
    query: Vec<String>,
    pub(crate) expressions: Vec<Expression>,
}

impl<'de> Deserialize<'de> for ValueSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap)
    }
}

struct TextOrMap;

impl<'de> Visitor<'de> for TextOrMap {
    type Value = ValueSetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or a map with `jq`")
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueSetting, E> {
        Ok(ValueSetting::Fixed(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSetting, A::Error> {
        JqSetting::deserialize(MapAccessDeserializer::new(map)).map(ValueSetting::Computed)
    }
}

/// The values that do not depend on a payload.
pub(crate) fn fixed(written: &BTreeMap<String, ValueSetting>) -> BTreeMap<String, Secret> {
    let fixed = |(name, value): (&String, &ValueSetting)| match value {
        ValueSetting::Fixed(value) => Some((name.clone(), value.clone())),
        ValueSetting::Computed(_) => None,
    };
    written.iter().filter_map(fixed).collect()
}

// === impl Computed ===

impl Computed {
    /// Checks the names.
    pub(crate) fn new(
        (headers, fixed): (&BTreeMap<String, ValueSetting>, &HeaderMap),
        query: &BTreeMap<String, ValueSetting>,
        wrong: &mut SettingErrors,
    ) -> Self {
        let mut computed = Self::default();
        for (typed, source) in expressions(headers) {
            let Some(name) = wrong.take(&["headers", typed], check::header_name(typed)) else {
                continue;
            };
            if fixed.contains_key(&name) || computed.headers.contains(&name) {
                let says = format!("`{name}` is there twice: names of headers ignore case");
                wrong.push(&["headers", typed], says);
            }
            computed.headers.push(name);
            computed.add("headers", typed, source);
        }
        for (typed, source) in expressions(query) {
            computed.query.push(check::percent_encode(typed).into_owned());
            computed.add("query", typed, source);
        }
        computed
    }

    fn add(&mut self, list: &str, key: &str, source: &str) {
        let key = key.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/{list}/{key}/jq");
        self.expressions.push(Expression {
            pointer,
            source: source.to_owned(),
            wanted: Wanted::Text,
        });
    }

    /// Puts the headers of this payload in.
    pub(crate) fn insert(
        &self,
        headers: &mut HeaderMap,
        payload: &Payload,
    ) -> Result<(), PrepareError> {
        for (place, name) in self.headers.iter().enumerate() {
            let Some(text) = payload.value(place) else { continue };
            let value = check::header_value(name, text);
            let value =
                value.map_err(|says| PrepareError(format!("the header `{name}` {says}")))?;
            headers.insert(name, value);
        }
        Ok(())
    }

    /// The encoded pairs of this payload, joined by `&`.
    pub(crate) fn pairs(&self, payload: &Payload) -> String {
        let mut pairs = String::new();
        for (place, key) in self.query.iter().enumerate() {
            let Some(text) = payload.value(self.headers.len() + place) else { continue };
            let separator = if pairs.is_empty() { "" } else { "&" };
            pairs.extend([separator, key, "=", &check::percent_encode(text)]);
        }
        pairs
    }
}

fn expressions(
    written: &BTreeMap<String, ValueSetting>,
) -> impl Iterator<Item = (&String, &String)> {
    written.iter().filter_map(|(name, value)| match value {
        ValueSetting::Computed(setting) => Some((name, &setting.jq)),
        ValueSetting::Fixed(_) => None,
    })
}

//! Values of headers and of the query: fixed, or worked out from the payload.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use fanfare_sdk::{Expression, Payload, PrepareError, Secret, SettingErrors, Wanted, check};
use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// A value as people write it.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ValueSetting<J = JqSetting> {
    /// As it is.
    Fixed(#[schemars(with = "String")] Secret),
    /// Worked out from the payload; `null` leaves it out.
    Computed(J),
}

/// A jq expression over the payload.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct JqSetting {
    /// The expression: it gives a string, a number, `true` or `false`, or `null`.
    pub jq: String,
}

/// A jq expression over the payload, for the query.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QueryJqSetting {
    /// The expression: it gives a string, a number, `true` or `false`, a list of them, or `null`.
    pub jq: String,
    /// How a list is written: `a=1&a=2`, `a[]=1&a[]=2`, or `a=1,2`.
    #[serde(default)]
    #[schemars(extend("x-reason" = "what most APIs read"))]
    pub list: ListForm,
}

/// How a list is written into a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListForm {
    /// `a=1&a=2`
    #[default]
    Repeat,
    /// `a[]=1&a[]=2`, with the brackets percent-encoded (RFC 3986 section 3.4).
    Brackets,
    /// `a=1,2`, with commas within a value percent-encoded.
    Comma,
}

/// The values that are worked out for every payload, in the order of the target's expressions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    headers: Vec<HeaderName>,
    /// Keys as they are written, and how a list is.
    query: Vec<(String, ListForm)>,
    /// Names of the variables of the URL.
    pub(crate) variables: Vec<String>,
    pub(crate) expressions: Vec<Expression>,
}

impl<'de, J: Deserialize<'de>> Deserialize<'de> for ValueSetting<J> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrMap(PhantomData))
    }
}

struct TextOrMap<J>(PhantomData<J>);

impl<'de, J: Deserialize<'de>> Visitor<'de> for TextOrMap<J> {
    type Value = ValueSetting<J>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or a map with `jq`")
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueSetting<J>, E> {
        Ok(ValueSetting::Fixed(Secret::new(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ValueSetting<J>, A::Error> {
        J::deserialize(MapAccessDeserializer::new(map)).map(ValueSetting::Computed)
    }
}

/// The values that do not depend on a payload.
pub(crate) fn fixed<J>(written: &BTreeMap<String, ValueSetting<J>>) -> BTreeMap<String, Secret> {
    let fixed = |(name, value): (&String, &ValueSetting<J>)| match value {
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
        query: &BTreeMap<String, ValueSetting<QueryJqSetting>>,
        variables: &BTreeMap<String, String>,
        wrong: &mut SettingErrors,
    ) -> Self {
        let mut computed = Self::default();
        for (typed, setting) in computed_of(headers) {
            let Some(name) = wrong.take(&["headers", typed], check::header_name(typed)) else {
                continue;
            };
            if fixed.contains_key(&name) || computed.headers.contains(&name) {
                let says = format!("`{name}` is there twice: names of headers ignore case");
                wrong.push(&["headers", typed], says);
            }
            computed.headers.push(name);
            computed.add(&["headers", typed, "jq"], &setting.jq, Wanted::Text);
        }
        for (typed, setting) in computed_of(query) {
            computed.query.push((typed.clone(), setting.list));
            computed.add(&["query", typed, "jq"], &setting.jq, Wanted::Json);
        }
        for (name, source) in variables {
            let right = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
            if name == "version" {
                wrong
                    .push(&["variables", name], "is that of the version, which the engine chooses");
            } else if name.is_empty() || !name.chars().all(right) {
                let says =
                    "is not the name of a variable: letters, digits, `_` and `.` would be right";
                wrong.push(&["variables", name], says);
            }
            computed.variables.push(name.clone());
            computed.add(&["variables", name], source, Wanted::Json);
        }
        computed
    }

    fn add(&mut self, path: &[&str], source: &str, wanted: Wanted) {
        let escaped = |key: &&str| format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        let pointer = path.iter().map(escaped).collect();
        self.expressions.push(Expression { pointer, source: source.to_owned(), wanted });
    }

    /// Where the values of the URL's variables begin.
    pub(crate) fn first_variable(&self) -> usize {
        self.headers.len() + self.query.len()
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
    pub(crate) fn pairs(&self, payload: &Payload) -> Result<String, PrepareError> {
        let mut pairs = Vec::new();
        for (place, (key, form)) in self.query.iter().enumerate() {
            let Some(value) = payload.json_value(self.headers.len() + place) else { continue };
            let wrong = |says| PrepareError(format!("`query.{key}.jq`: {says}"));
            let encoded = check::percent_encode(key);
            let Value::Array(items) = value else {
                pairs.extend(one(value).map_err(wrong)?.map(|text| format!("{encoded}={text}")));
                continue;
            };
            let items: Vec<_> = items.iter().map(one).collect::<Result<_, _>>().map_err(wrong)?;
            let mut items = items.into_iter().flatten().peekable();
            match form {
                ListForm::Repeat => pairs.extend(items.map(|text| format!("{encoded}={text}"))),
                ListForm::Brackets => {
                    pairs.extend(items.map(|text| format!("{encoded}%5B%5D={text}")));
                }
                ListForm::Comma if items.peek().is_none() => {}
                ListForm::Comma => {
                    pairs.push(format!("{encoded}={}", items.collect::<Vec<_>>().join(",")));
                }
            }
        }
        Ok(pairs.join("&"))
    }
}

/// One value, encoded; none where it is `null`.
fn one(value: &Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(check::percent_encode(text).into_owned())),
        Value::Bool(_) | Value::Number(_) => {
            Ok(Some(check::percent_encode(&value.to_string()).into_owned()))
        }
        Value::Array(_) => Err("the output is a list within a list"),
        Value::Object(_) => Err("the output is an object, not a text"),
    }
}

fn computed_of<J>(
    written: &BTreeMap<String, ValueSetting<J>>,
) -> impl Iterator<Item = (&String, &J)> {
    written.iter().filter_map(|(name, value)| match value {
        ValueSetting::Computed(setting) => Some((name, setting)),
        ValueSetting::Fixed(_) => None,
    })
}

//! The mapper of a target that was written down as jq.

use std::collections::BTreeMap;

use fanfare_mapping::{Filter, Limits};
use fanfare_sdk::{Call, Classification, Judgement, Mapper, Payload, PrepareError, Reply};
use serde_json::Value;

use super::{BodyForm, Rules, reply_input::ReplyInput};

/// Bytes of one captured value: what somebody wants to see, not the reply again.
const CAPTURED_BYTES_MAX: usize = 16 << 10;

/// Bytes of the value of a header or of a pair of the query.
const VALUE_BYTES_MAX: usize = 8 << 10;

/// Bytes of an order key: an id, or a few.
const ORDER_KEY_BYTES_MAX: usize = 1 << 10;

/// jq expressions as a mapper.
#[derive(Clone, Debug, Default)]
pub struct JqMapper {
    body: Option<(BodyForm, Filter)>,
    /// Of the target's own settings, in their order, with where each was written.
    values: Vec<(String, Filter)>,
    captures: Vec<(String, Filter)>,
    order_by: Option<Filter>,
    rules: Rules,
    quick: bool,
}

impl JqMapper {
    /// A body, the values of the target's own expressions, and captures by name.
    #[must_use]
    pub fn new(
        body: Option<(BodyForm, Filter)>,
        values: Vec<(String, Filter)>,
        captures: Vec<(String, Filter)>,
    ) -> Self {
        let body_filter = body.iter().map(|(_, filter)| filter);
        let others = values.iter().chain(&captures).map(|(_, filter)| filter);
        let quick = !body_filter.chain(others).any(Filter::may_loop);
        Self { body, values, captures, order_by: None, rules: Rules::default(), quick }
    }

    /// With an expression for the key by which deliveries are ordered.
    #[must_use]
    pub fn ordered_by(mut self, order_by: Option<Filter>) -> Self {
        self.order_by = order_by;
        self
    }

    /// With rules that say what replies mean.
    #[must_use]
    pub fn judging(mut self, rules: Rules) -> Self {
        self.quick &= !rules.filters().any(Filter::may_loop);
        self.rules = rules;
        self
    }

    /// Whether it changes nothing, judges nothing, captures nothing and orders nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { body, values, captures, order_by, rules, quick: _ } = self;
        let changes = body.is_some() || !values.is_empty();
        !changes && captures.is_empty() && order_by.is_none() && rules.is_empty()
    }

    fn value(
        (pointer, filter): &(String, Filter),
        input: &Value,
    ) -> Result<Option<String>, PrepareError> {
        let limits = Limits { output_bytes_max: VALUE_BYTES_MAX, ..Limits::default() };
        let wrong = |error| PrepareError(format!("`{pointer}`: {error}"));
        filter.run_text(input, limits).map_err(wrong)
    }
}

impl Mapper for JqMapper {
    fn map(&self, payload: &Payload) -> Result<Payload, PrepareError> {
        if self.body.is_none() && self.values.is_empty() {
            return Ok(payload.clone());
        }
        let Some(input) = payload.as_json() else {
            return Err(PrepareError("the payload is not JSON, as its expressions need it".into()));
        };
        let values: Result<_, _> =
            self.values.iter().map(|value| Self::value(value, input)).collect();
        let (content_type, bytes) = match &self.body {
            Some((form, filter)) => {
                let wrong = |says| PrepareError(format!("`body`: {says}"));
                (form.content_type(), form.write(filter, input).map_err(wrong)?)
            }
            None => (payload.content_type(), payload.bytes().clone()),
        };
        Ok(Payload::with_values(content_type, bytes, values?))
    }

    fn is_quick(&self) -> bool {
        self.quick
    }

    fn order_key(&self, payload: &Payload) -> Result<Option<String>, PrepareError> {
        let Some(filter) = &self.order_by else { return Ok(None) };
        let wrong = |says: String| PrepareError(format!("`order_by`: {says}"));
        let input = payload.as_json().ok_or_else(|| wrong("the payload is not JSON".into()))?;
        let limits = Limits { output_bytes_max: ORDER_KEY_BYTES_MAX, ..Limits::default() };
        filter.run_text(input, limits).map_err(|error| wrong(error.to_string()))
    }

    fn judges(&self) -> bool {
        !self.rules.is_empty()
    }

    fn judge(&self, _: &Call, reply: &Reply, by_kind: Classification) -> Option<Judgement> {
        self.rules.judge(reply, by_kind)
    }

    fn capture(&self, reply: &Reply) -> BTreeMap<String, Value> {
        if self.captures.is_empty() {
            return BTreeMap::new();
        }
        let input = ReplyInput::of(reply);
        let limits = Limits { output_bytes_max: CAPTURED_BYTES_MAX, ..Limits::default() };
        let captured = |(name, filter): &(String, Filter)| {
            // What is not there is null: a capture never makes a delivery fail.
            (name.clone(), filter.run(input.value(), limits).unwrap_or(Value::Null))
        };
        self.captures.iter().map(captured).collect()
    }
}

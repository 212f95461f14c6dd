//! The mapper of a target that was written down as jq.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use bytes::Bytes;
use fanfare_mapping::{Filter, Limits};
use fanfare_sdk::{
    Along, Call, Classification, Judgement, Mapper, Payload, PrepareError, Reply, Version, Wanted,
};
use http::HeaderMap;
use serde_json::Value;

use super::{
    Body, CloudEvents, Dialect, Rules, merge::merge, reply_input::ReplyInput, text::VALUE_BYTES_MAX,
};

/// Bytes of one captured value: what somebody wants to see, not the reply again.
const CAPTURED_BYTES_MAX: usize = 16 << 10;

/// Bytes of an order key: an id, or a few.
const ORDER_KEY_BYTES_MAX: usize = 1 << 10;

/// Steps of the expression of an order key: whoever sends waits for it.
const ORDER_KEY_STEPS_MAX: u64 = 1_000;

/// jq expressions as a mapper. Its `Debug` does not show what was written.
#[derive(Clone, Default)]
pub struct JqMapper {
    merge: Option<Value>,
    body: Option<Body>,
    /// Of the target's own settings, in their order.
    values: Vec<Worked>,
    captures: Vec<(String, Filter)>,
    order_by: Option<Filter>,
    rules: Rules,
    dialects: Vec<(Version, Dialect)>,
    events: Option<CloudEvents>,
}

/// An expression of the target's own settings.
#[derive(Clone, Debug)]
pub struct Worked {
    /// Where it was written.
    pub pointer: String,
    /// What it has to give.
    pub wanted: Wanted,
    /// The expression.
    pub filter: Filter,
}

impl JqMapper {
    /// With a merge patch (RFC 7396) over the payload: all other expressions but that of the order see what it makes.
    #[must_use]
    pub fn merging(mut self, patch: Option<Value>) -> Self {
        self.merge = patch;
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: Option<Body>) -> Self {
        self.body = body;
        self
    }

    /// With the target's own expressions, in their order.
    #[must_use]
    pub fn values(mut self, values: Vec<Worked>) -> Self {
        self.values = values;
        self
    }

    /// With captures by name.
    #[must_use]
    pub fn captures(mut self, captures: Vec<(String, Filter)>) -> Self {
        self.captures = captures;
        self
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
        self.rules = rules;
        self
    }

    /// With what is said differently to these versions.
    #[must_use]
    pub fn dialects(mut self, dialects: Vec<(Version, Dialect)>) -> Self {
        self.dialects = dialects;
        self
    }

    /// With an event made of what the target would get.
    #[must_use]
    pub fn events(mut self, events: Option<CloudEvents>) -> Self {
        self.events = events;
        self
    }

    /// Whether it changes nothing, judges nothing, captures nothing and orders nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let changes = self.merge.is_some() || self.body.is_some() || !self.values.is_empty();
        let looks = !self.captures.is_empty() || self.order_by.is_some() || self.judges();
        !changes && !looks && self.dialects.is_empty() && self.events.is_none()
    }

    fn dialect(&self, call: &Call) -> Option<&Dialect> {
        let version = call.version.as_ref()?;
        self.dialects.iter().find(|(of, _)| of == version).map(|(_, dialect)| dialect)
    }

    /// The media type and the bytes that the target gets.
    fn content(
        &self,
        (call, payload): (&Call, &Payload),
        body: Option<&Body>,
        input: &Value,
    ) -> Result<(String, Bytes), PrepareError> {
        let wrong = |says| PrepareError(format!("`body`: {says}"));
        match body {
            Some(body) => body.write(input, call.idempotency_key.as_str()).map_err(wrong),
            None if self.merge.is_some() => {
                let bytes = serde_json::to_vec(input).map_err(|error| wrong(error.to_string()))?;
                Ok((payload.content_type().to_owned(), bytes.into()))
            }
            None => Ok((payload.content_type().to_owned(), payload.bytes().clone())),
        }
    }
}

impl fmt::Debug for JqMapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JqMapper").finish_non_exhaustive()
    }
}

impl Worked {
    fn value(&self, input: &Value) -> Result<Value, PrepareError> {
        let limits = Limits { output_bytes_max: VALUE_BYTES_MAX, ..Limits::default() };
        let wrong = |error| PrepareError(format!("`{}`: {error}", self.pointer));
        match self.wanted {
            Wanted::Text => {
                let text = self.filter.run_text(input, limits).map_err(wrong)?;
                Ok(text.map_or(Value::Null, Value::String))
            }
            Wanted::Json => match self.filter.run(input, limits) {
                Err(fanfare_mapping::RunError::NoOutput) => Ok(Value::Null),
                output => output.map_err(wrong),
            },
        }
    }
}

impl Mapper for JqMapper {
    fn map(&self, call: &Call, payload: &Payload) -> Result<Payload, PrepareError> {
        let dialect = self.dialect(call);
        let body = dialect.and_then(|dialect| dialect.body.as_ref()).or(self.body.as_ref());
        let changes = body.is_some() || self.merge.is_some() || !self.values.is_empty();
        if !changes && dialect.is_none() && self.events.is_none() {
            return Ok(payload.clone());
        }
        let mut input = match payload.as_json() {
            Some(input) => Cow::Borrowed(input),
            None if changes
                || dialect.is_some_and(Dialect::has_expressions)
                || self.events.iter().flat_map(CloudEvents::filters).next().is_some() =>
            {
                let says = "the payload is not JSON, as its expressions need it";
                return Err(PrepareError(says.to_owned()));
            }
            None => Cow::Owned(Value::Null),
        };
        if let Some(patch) = &self.merge {
            merge(input.to_mut(), patch);
        }
        let values = self.values.iter().map(|it| it.value(&input)).collect::<Result<_, _>>()?;
        let content = self.content((call, payload), body, &input)?;
        let (mut headers, query) = match dialect {
            Some(dialect) => (dialect.headers(&input)?, dialect.query(&input)?),
            None => (HeaderMap::new(), String::new()),
        };
        let (content_type, bytes) = match &self.events {
            Some(events) => {
                events.event((&input, call.delivery_id.as_str()), content, &mut headers)?
            }
            None => content,
        };
        Ok(Payload::with(content_type, bytes, Along { values, headers, query }))
    }

    fn quickly(&self, work: &mut dyn FnMut()) -> bool {
        fanfare_mapping::quickly(work).is_some()
    }

    fn order_key(&self, payload: &Payload) -> Result<Option<String>, PrepareError> {
        let Some(filter) = &self.order_by else { return Ok(None) };
        let wrong = |says: String| PrepareError(format!("`order_by`: {says}"));
        let input = payload.as_json().ok_or_else(|| wrong("the payload is not JSON".into()))?;
        let limits =
            Limits { output_bytes_max: ORDER_KEY_BYTES_MAX, steps_max: ORDER_KEY_STEPS_MAX };
        filter.run_text(input, limits).map_err(|error| wrong(error.to_string()))
    }

    fn judges(&self) -> bool {
        let of_a_version = self.dialects.iter().any(|(_, dialect)| !dialect.rules.is_empty());
        !self.rules.is_empty() || of_a_version
    }

    fn judge(&self, call: &Call, reply: &Reply, by_kind: Classification) -> Option<Judgement> {
        let of_the_version = self.dialect(call).map(|dialect| &dialect.rules);
        let of_the_version = of_the_version.and_then(|rules| rules.judge(reply, by_kind));
        of_the_version.or_else(|| self.rules.judge(reply, by_kind))
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

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Mapper as _, Meaning, Payload, PrepareError, Wanted};
    use serde_json::{Value, json};

    use super::{Body, CloudEvents, Filter, JqMapper, Rules, Worked};
    use crate::mapping::{BodyForm, Dialect, EventMode, Rule, Text};

    fn jq(source: &str) -> Filter {
        Filter::parse(source).expect("it is jq")
    }

    fn rules(when: Filter) -> Rules {
        let mut rule = Rule::new("a", Meaning::Permanent);
        rule.when = Some(when);
        Rules::new(vec![rule], 1_000)
    }

    fn versions(dialect: Dialect) -> JqMapper {
        JqMapper::default().dialects(vec![("2".into(), dialect)])
    }

    /// A mapper that does one thing, by that expression.
    const WITH: [fn(Filter) -> JqMapper; 7] = [
        |it| JqMapper::default().body(Some(Body::As(BodyForm::Json, it))),
        |it| {
            let (pointer, wanted) = ("/a".to_owned(), Wanted::Json);
            JqMapper::default().values(vec![Worked { pointer, wanted, filter: it }])
        },
        |it| JqMapper::default().captures(vec![("a".to_owned(), it)]),
        |it| JqMapper::default().judging(rules(it)),
        |it| versions(Dialect { body: Some(Body::As(BodyForm::Json, it)), ..Dialect::default() }),
        |it| versions(Dialect { rules: rules(it), ..Dialect::default() }),
        |it| {
            let attributes = vec![("id".to_owned(), Text::Jq(it))];
            JqMapper::default().events(Some(CloudEvents::new(EventMode::Binary, attributes)))
        },
    ];

    #[test]
    fn whatever_it_does_is_seen() {
        let nothing = JqMapper::default();
        assert!(nothing.is_empty() && !nothing.judges());
        for (place, with) in WITH.iter().enumerate() {
            let one = with(jq(".a"));
            assert!(!one.is_empty(), "{place}");
            assert_eq!(one.judges(), [3, 5].contains(&place), "{place}");
        }
        assert!(!JqMapper::default().merging(Some(Value::Null)).is_empty());
        assert!(!JqMapper::default().ordered_by(Some(jq(".a"))).is_empty());
    }

    #[test]
    fn what_is_not_quick_is_ended() {
        let mapper = JqMapper::default().ordered_by(Some(jq(".a")));
        let slow = jq("[range(1e6) as $a | range(1e6)] | length");
        let run = || slow.run(&Value::Null, fanfare_mapping::Limits::default());
        assert!(mapper.quickly(&mut || ()));
        assert!(!mapper.quickly(&mut || assert!(run().is_err())));
    }

    #[test]
    fn a_key_of_order_is_a_short_text() {
        #[track_caller]
        fn check(payload: &Value, expected: Result<Option<&str>, &str>) {
            let mapper = JqMapper::default().ordered_by(Some(jq(".a")));
            let key = mapper.order_key(&Payload::json(payload));
            let wrong = |says: &str| PrepareError(format!("`order_by`: {says}"));
            assert_eq!(key, expected.map(|it| it.map(str::to_owned)).map_err(wrong));
        }
        check(&json!({ "a": "b" }), Ok(Some("b")));
        check(&json!({ "a": 7 }), Ok(Some("7")));
        check(&json!({}), Ok(None));
        let long = "x".repeat(1 << 10);
        check(&json!({ "a": long }), Ok(Some(&long)));
        check(&json!({ "a": format!("{long}x") }), Err("the output is larger than 1024 bytes"));
        let text = Payload::new("text/plain", "a");
        let mapper = JqMapper::default().ordered_by(Some(jq(".a")));
        let wrong = mapper.order_key(&text).map_err(|error| error.0);
        assert_eq!(wrong, Err("`order_by`: the payload is not JSON".to_owned()));
        assert_eq!(JqMapper::default().order_key(&text), Ok(None));
    }
}

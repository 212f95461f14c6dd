//! What is said differently to one version of an API.

use fanfare_sdk::{PrepareError, check};
use http::{HeaderMap, HeaderName};
use serde_json::Value;

use super::{Body, Rules, Text};

/// What is said differently to one version of an API: what is not there is as for all others.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Dialect {
    /// Its body.
    pub body: Option<Body>,
    /// Headers of its own, in place of those of the same names.
    pub headers: Vec<(HeaderName, Text)>,
    /// Pairs of its own in the query: keys that are not encoded yet.
    pub query: Vec<(String, Text)>,
    /// Rules of its own, asked before the others.
    pub rules: Rules,
}

impl Dialect {
    /// Whether it needs a payload that is JSON.
    pub(super) fn has_expressions(&self) -> bool {
        let texts = self.headers.iter().map(|(_, text)| text);
        let mut texts = texts.chain(self.query.iter().map(|(_, text)| text));
        self.body.is_some() || texts.any(|text| text.filter().is_some())
    }

    /// The headers for that payload.
    pub(super) fn headers(&self, input: &Value) -> Result<HeaderMap, PrepareError> {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let wrong = |says| PrepareError(format!("the header `{name}` of the version: {says}"));
            let Some(value) = text.for_payload(input).map_err(wrong)? else { continue };
            let mut value = check::header_value(name, &value).map_err(wrong)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The pairs of the query for that payload, encoded and joined.
    pub(super) fn query(&self, input: &Value) -> Result<String, PrepareError> {
        let mut pairs = Vec::new();
        for (key, text) in &self.query {
            let wrong = |says| PrepareError(format!("`{key}` in the query of the version: {says}"));
            let Some(value) = text.for_payload(input).map_err(wrong)? else { continue };
            pairs.push(format!("{}={}", check::percent_encode(key), check::percent_encode(&value)));
        }
        Ok(pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_sdk::{Call, Mapper as _, Payload, Timestamp};
    use http::HeaderName;

    use super::{Dialect, Text};
    use crate::mapping::{Filter, JqMapper};

    /// What the version `2` gets of a text beside the body: headers, then the query.
    #[track_caller]
    fn check(dialect: Dialect, payload: &Payload, expected: &str) {
        let mapper = JqMapper::default().dialects(vec![("2".into(), dialect)]);
        let mut call = Call::new("a".into(), "k".into(), Timestamp::from_secs(0), Duration::ZERO);
        call.version = Some("2".into());
        let found = mapper.map(&call, payload).map_or_else(
            |error| error.0,
            |made| {
                let headers = made.headers().iter().map(|(name, value)| {
                    assert!(value.is_sensitive());
                    format!("{name}: {}; ", value.to_str().expect("ASCII"))
                });
                format!("{}{}", headers.collect::<String>(), made.query())
            },
        );
        assert_eq!(found, expected);
        call.version = Some("1".into());
        let other = mapper.map(&call, payload).expect("it is as it was");
        assert_eq!((other.headers().len(), other.query()), (0, ""));
    }

    #[test]
    fn only_expressions_need_json() {
        let fixed = || Text::Fixed("b c".to_owned());
        let jq = || Text::Jq(Filter::parse(".x").expect("it is jq"));
        let header = |text| {
            let headers = vec![(HeaderName::from_static("x-a"), text)];
            Dialect { headers, ..Dialect::default() }
        };
        let query = |text| Dialect { query: vec![("a b".to_owned(), text)], ..Dialect::default() };
        let (text, json) =
            (Payload::new("text/plain", "x"), Payload::json(&serde_json::json!({ "x": "y" })));
        check(header(fixed()), &text, "x-a: b c; ");
        check(query(fixed()), &text, "a%20b=b%20c");
        check(header(jq()), &json, "x-a: y; ");
        check(query(jq()), &json, "a%20b=y");
        let says = "the payload is not JSON, as its expressions need it";
        check(header(jq()), &text, says);
        check(query(jq()), &text, says);
    }
}

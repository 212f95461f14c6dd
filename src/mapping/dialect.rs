//! What is said differently to one version of an API.

use fanfare_mapping::Filter;
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
    /// All expressions in it.
    pub(super) fn filters(&self) -> impl Iterator<Item = &Filter> {
        let headers = self.headers.iter().filter_map(|(_, text)| text.filter());
        let query = self.query.iter().filter_map(|(_, text)| text.filter());
        let body = self.body.iter().flat_map(Body::filters);
        body.chain(headers).chain(query).chain(self.rules.filters())
    }

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

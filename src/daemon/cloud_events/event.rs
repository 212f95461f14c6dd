//! An event that has been checked, and which broadcast it is.

use std::collections::BTreeMap;

use bytes::Bytes;
use fanfare_sdk::Payload;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{attributes::Attributes, binary, structured};
use crate::{
    daemon::{
        ProblemKind,
        problem::{Problem, short},
    },
    report::hex,
};

/// How an event comes: its Content-Type says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// The attributes in the head, the data as the body.
    Binary,
    /// Everything in the body, as JSON.
    Structured,
}

/// An event that has been checked.
#[derive(Debug)]
pub(super) struct Event {
    /// All of them, the extensions too; `source` and `id` are text.
    pub(super) attributes: Map<String, Value>,
    pub(super) payload: Payload,
    /// Where the data stands in the body: a JSON pointer.
    pub(super) data_at: &'static str,
}

impl Mode {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let refused = |says: String| Err(Problem::new(ProblemKind::UnsupportedMediaType, says));
        let Some(line) = headers.get(header::CONTENT_TYPE) else {
            return refused(
                "the Content-Type is missing: that of the data, or `application/cloudevents+json`"
                    .to_owned(),
            );
        };
        let Ok(text) = line.to_str() else {
            return refused("the Content-Type may have visible ASCII only".to_owned());
        };
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.strip_prefix("application/cloudevents") {
            Some("+json") => Ok(Self::Structured),
            Some(rest) if rest.starts_with("-batch") => {
                refused("batches are not taken: send each event in a request of its own".to_owned())
            }
            Some(_) => refused(format!(
                "the Content-Type is `{}`: of structured events, `application/cloudevents+json` is taken",
                short(text)
            )),
            None => Ok(Self::Binary),
        }
    }
}

impl Event {
    /// Reads it. Everything that is wrong is said at once.
    pub(super) fn read(
        mode: Mode,
        headers: &HeaderMap,
        body: &Bytes,
        attributes_bytes_max: usize,
    ) -> Result<Self, Problem> {
        match mode {
            Mode::Binary => binary::read(headers, body, attributes_bytes_max),
            Mode::Structured => structured::read(body, attributes_bytes_max),
        }
    }

    /// The key under which it is the same broadcast again: `source` and `id` say which event it is (section 3.1).
    pub(super) fn key(&self, route: &str, bytes_max: usize) -> String {
        let text = |name: &str| self.attributes.get(name).and_then(Value::as_str).unwrap_or("");
        // No source has a space in it, and no route.
        let key = format!("cloudevent {route} {} {}", text("source"), text("id"));
        if key.len() <= bytes_max {
            return key;
        }
        format!("cloudevent {}", hex(&Sha256::digest(&key)))
    }

    /// The extension for distributed tracing, as the headers it stands for.
    pub(super) fn trace(&self) -> HeaderMap {
        let named = ["traceparent", "tracestate"].into_iter().filter_map(|name| {
            let value = self.attributes.get(name)?.as_str()?;
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        });
        named.collect()
    }

    /// What its broadcast's report tells of it.
    pub(super) fn metadata(&self) -> BTreeMap<String, Value> {
        BTreeMap::from([("cloudevent".to_owned(), Value::Object(self.attributes.clone()))])
    }
}

/// Once attributes and data were looked at.
pub(super) fn checked(
    attributes: Attributes,
    data: Option<(String, Bytes)>,
    data_at: &'static str,
) -> Result<Event, Problem> {
    let attributes = attributes.end()?;
    match data {
        Some((content_type, bytes)) => {
            Ok(Event { attributes, payload: Payload::new(content_type, bytes), data_at })
        }
        // It was said why not.
        None => Err(Problem::invalid(Vec::new())),
    }
}

/// Whether data of that media type is JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

//! The payload: bytes once, parsed once, shared by all deliveries.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// What is broadcast. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    content_type: String,
    json: OnceLock<Option<Value>>,
    along: Along,
}

/// What was worked out for one target, beside its payload.
#[derive(Clone, Default)]
pub struct Along {
    /// The values of the target's expressions, in their order; `null` is none.
    pub values: Vec<Value>,
    /// Headers that the engine adds to the request, whatever the target's kind makes of the payload, in place of those of
    /// the same names.
    pub headers: HeaderMap,
    /// Pairs that it adds to the query, encoded and joined by `&`.
    pub query: String,
}

impl Payload {
    /// Bytes of the given media type.
    #[must_use]
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::with(content_type, bytes, Along::default())
    }

    /// What was made of a payload for one target.
    #[must_use]
    pub fn with(content_type: impl Into<String>, bytes: impl Into<Bytes>, along: Along) -> Self {
        let (bytes, content_type) = (bytes.into(), content_type.into());
        Self(Arc::new(Inner { bytes, content_type, json: OnceLock::new(), along }))
    }

    /// A JSON document, serialised here and nowhere else.
    #[must_use]
    pub fn json(value: &Value) -> Self {
        // Straight into bytes: through the formatting of `to_string` it takes half as long again. It cannot fail.
        let bytes = serde_json::to_vec(value).unwrap_or_else(|_| value.to_string().into_bytes());
        Self::new("application/json", bytes)
    }

    /// The bytes, as they were given.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// The media type, as it was given.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.0.content_type
    }

    /// The text of the target's expression at that place; none where it gave `null`, or no text.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<&str> {
        self.0.along.values.get(place)?.as_str()
    }

    /// The value of the target's expression at that place, whatever it is; none where it gave `null`.
    #[must_use]
    pub fn json_value(&self, place: usize) -> Option<&Value> {
        self.0.along.values.get(place).filter(|value| !value.is_null())
    }

    /// The headers that go along, whatever the target's kind makes of it.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.0.along.headers
    }

    /// The pairs of the query that go along, encoded and joined by `&`.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.0.along.query
    }

    /// The bytes as JSON, parsed at the first call; none where they are not JSON.
    #[must_use]
    pub fn as_json(&self) -> Option<&Value> {
        self.0.json.get_or_init(|| serde_json::from_slice(&self.0.bytes).ok()).as_ref()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes of {})", self.0.bytes.len(), self.0.content_type)
    }
}

impl fmt::Debug for Along {
    /// Without values: they are of the payload, or secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(http::HeaderName::as_str).collect();
        f.debug_struct("Along").field("headers", &names).finish_non_exhaustive()
    }
}

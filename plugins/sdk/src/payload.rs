//! The payload: bytes once, parsed once, shared by all deliveries.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use serde_json::Value;

/// What is broadcast. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Payload(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    content_type: String,
    json: OnceLock<Option<Value>>,
    values: Vec<Option<String>>,
}

impl Payload {
    /// Bytes of the given media type.
    #[must_use]
    pub fn new(content_type: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::with_values(content_type, bytes, Vec::new())
    }

    /// What was made of a payload for one target, with the values of the target's expressions in their order.
    #[must_use]
    pub fn with_values(
        content_type: impl Into<String>,
        bytes: impl Into<Bytes>,
        values: Vec<Option<String>>,
    ) -> Self {
        let (bytes, content_type) = (bytes.into(), content_type.into());
        Self(Arc::new(Inner { bytes, content_type, json: OnceLock::new(), values }))
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

    /// The value of the target's expression at that place; none where it gave `null`.
    #[must_use]
    pub fn value(&self, place: usize) -> Option<&str> {
        self.0.values.get(place)?.as_deref()
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

//! How a body is made of a payload.

use bytes::Bytes;
use fanfare_mapping::Filter;
use serde_json::Value;

use super::{
    BodyForm,
    multipart::{self, Part},
};

/// How a body is made of a payload.
#[derive(Clone, Debug)]
pub enum Body {
    /// The output of one expression, written in that form.
    As(BodyForm, Filter),
    /// Several parts, each by an expression: `multipart/form-data`.
    Multipart(Vec<Part>),
}

impl Body {
    /// Its media type and its bytes. `key` is the same on every repeat.
    pub(super) fn write(&self, input: &Value, key: &str) -> Result<(String, Bytes), String> {
        match self {
            Self::As(form, filter) => {
                Ok((form.content_type().to_owned(), form.write(filter, input)?))
            }
            Self::Multipart(parts) => multipart::write(parts, input, key),
        }
    }
}

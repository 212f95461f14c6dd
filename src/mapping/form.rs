//! How the output of a body's expression is written.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fanfare_mapping::{Filter, Limits};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

/// Bytes of one mapped body.
pub(super) const BODY_BYTES_MAX: usize = 16 << 20;

/// How the output of a body's expression is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BodyForm {
    /// As JSON.
    Json,
    /// An object as `application/x-www-form-urlencoded`; a list repeats its key, `null` leaves it out.
    Form,
    /// A string as `text/plain`.
    Text,
    /// A string as `application/xml`.
    Xml,
    /// A string of base64 (RFC 4648 section 4) as bytes.
    Bytes,
}

impl BodyForm {
    /// The media type of such a body.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
            Self::Xml => "application/xml; charset=utf-8",
            Self::Bytes => "application/octet-stream",
        }
    }

    /// The body for that payload.
    pub(super) fn write(self, filter: &Filter, input: &Value) -> Result<Bytes, String> {
        let limits = Limits { output_bytes_max: BODY_BYTES_MAX, ..Limits::default() };
        if self == Self::Json {
            let bytes = filter.run_bytes(input, limits).map_err(|error| error.to_string())?;
            return Ok(bytes.into());
        }
        let output = filter.run(input, limits).map_err(|error| error.to_string())?;
        match (self, output) {
            (Self::Form, Value::Object(map)) => form(&map).map(Bytes::from),
            (Self::Form, _) => Err("the expression gives no object, as a form needs it".to_owned()),
            (Self::Text | Self::Xml, Value::String(text)) => Ok(text.into()),
            (Self::Bytes, Value::String(text)) => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|_| "the expression gives no base64 (RFC 4648 section 4)".to_owned()),
            (_, _) => Err("the expression gives no string".to_owned()),
        }
    }
}

fn form(map: &Map<String, Value>) -> Result<String, String> {
    let mut form = Serializer::new(String::new());
    for (key, value) in map {
        match value {
            Value::Array(items) => {
                for item in items {
                    pair(&mut form, key, item)?;
                }
            }
            other => pair(&mut form, key, other)?,
        }
    }
    Ok(form.finish())
}

fn pair(form: &mut Serializer<'_, String>, key: &str, value: &Value) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::String(text) => drop(form.append_pair(key, text)),
        Value::Bool(_) | Value::Number(_) => drop(form.append_pair(key, &value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            return Err(
                "the expression gives a form with a list or an object as a value".to_owned()
            );
        }
    }
    Ok(())
}

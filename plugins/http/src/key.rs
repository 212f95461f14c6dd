//! The idempotency key in a request: in a header, and in the body where an API wants it there.

use bytes::Bytes;
use fanfare_sdk::{IdempotencyKey, Payload, PrepareError, SettingErrors, check};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::{Map, Value};

use crate::IdempotencyKeySettings;

/// How the idempotency key is sent in a header.
#[derive(Clone, Debug)]
pub(crate) struct KeyHeader {
    pub(crate) name: HeaderName,
    quoted: bool,
}

/// Where the idempotency key stands in the body.
#[derive(Clone, Debug)]
pub(crate) struct KeyInBody(Vec<String>);

impl KeyHeader {
    /// Checks it against the headers that are there; none where it is not sent.
    pub(crate) fn checked(
        written: &IdempotencyKeySettings,
        headers: &HeaderMap,
        wrong: &mut SettingErrors,
    ) -> Option<Self> {
        if !written.send {
            return None;
        }
        let at = ["idempotency_key", "header"];
        let name = wrong.take(&at, check::header_name(&written.header))?;
        if [CONTENT_TYPE, CONTENT_ENCODING, AUTHORIZATION].contains(&name) {
            wrong.push(
                &at,
                format!("`{name}` says something else: `Idempotency-Key` would be right"),
            );
        }
        if headers.contains_key(&name) {
            let says = format!("`{name}` stands in `headers` too: keep one, or set `send: false`");
            wrong.push(&at, says);
        }
        Some(Self { name, quoted: written.quoted })
    }

    pub(crate) fn value(&self, key: &IdempotencyKey) -> Result<HeaderValue, PrepareError> {
        let text = key.as_str();
        let says = || PrepareError("the idempotency key is not visible ASCII".to_owned());
        if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(says());
        }
        let value = if self.quoted {
            // RFC 9651 section 4.1.6.
            HeaderValue::try_from(format!(
                "\"{}\"",
                text.replace('\\', "\\\\").replace('"', "\\\"")
            ))
        } else {
            HeaderValue::try_from(text)
        };
        value.map_err(|_| says())
    }
}

impl KeyInBody {
    /// A name at the top of the body, or a JSON pointer (RFC 6901) into it.
    pub(crate) fn checked(
        written: &IdempotencyKeySettings,
        has_body: bool,
        wrong: &mut SettingErrors,
    ) -> Option<Self> {
        let text = written.body.as_ref()?;
        let at = ["idempotency_key", "body"];
        if !has_body {
            wrong.push(&at, "has no place: the `method` carries no body");
        }
        let path: Vec<_> = match text.strip_prefix('/') {
            None => vec![text.clone()],
            Some(pointer) => {
                let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
                pointer.split('/').map(part).collect()
            }
        };
        // RFC 6901 section 3.
        let is_escape = |piece: &str| piece.starts_with(['0', '1']);
        let is_pointer = !text.starts_with('/') || text.split('~').skip(1).all(is_escape);
        if !is_pointer || path.iter().any(String::is_empty) {
            wrong.push(&at, "is no name and no JSON pointer: `/meta/key` would be right");
        }
        Some(Self(path))
    }

    /// The body with the key in it: JSON, or a form.
    pub(crate) fn put(
        &self,
        key: &IdempotencyKey,
        payload: &Payload,
    ) -> Result<Bytes, PrepareError> {
        let essence = payload.content_type().split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        if essence == "application/x-www-form-urlencoded"
            && let [name] = self.0.as_slice()
        {
            let mut form = payload.bytes().to_vec();
            let separator = if form.is_empty() { "" } else { "&" };
            let (name, value) = (check::percent_encode(name), check::percent_encode(key.as_str()));
            form.extend_from_slice(format!("{separator}{name}={value}").as_bytes());
            return Ok(form.into());
        }
        let no_place = || {
            let says =
                "the body has no place for the idempotency key: a JSON object or a form would";
            PrepareError(says.to_owned())
        };
        let is_json = essence.ends_with("/json") || essence.ends_with("+json");
        let mut document = payload.as_json().filter(|_| is_json).ok_or_else(no_place)?.clone();
        let mut place = &mut document;
        for name in &self.0 {
            place = match place {
                Value::Null => {
                    *place = Value::Object(Map::new());
                    match place {
                        Value::Object(members) => {
                            members.entry(name.clone()).or_insert(Value::Null)
                        }
                        _ => return Err(no_place()),
                    }
                }
                Value::Object(members) => members.entry(name.clone()).or_insert(Value::Null),
                Value::Array(items) => {
                    let at = name.parse::<usize>().ok();
                    at.and_then(|at| items.get_mut(at)).ok_or_else(no_place)?
                }
                Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(no_place()),
            };
        }
        *place = key.as_str().into();
        serde_json::to_vec(&document).map(Bytes::from).map_err(|_| no_place())
    }
}

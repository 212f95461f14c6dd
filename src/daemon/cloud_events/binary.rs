//! An event in binary mode: attributes in `ce-` headers, the data as the body (HTTP protocol binding, section 3.1).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{
    attributes::{Attributes, Place},
    event::{Event, checked, is_json},
};
use crate::daemon::problem::{Mistake, Problem};

pub(super) fn read(
    headers: &HeaderMap,
    body: &Bytes,
    attributes_bytes_max: usize,
) -> Result<Event, Problem> {
    let mut attributes = Attributes::new(Place::Head, attributes_bytes_max);
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        if name == "datacontenttype" {
            attributes.wrong(name, "must not be there: the Content-Type says it");
            continue;
        }
        match decoded(value) {
            Some(text) => attributes.add(name, Value::String(text)),
            None => attributes.wrong(name, "is not UTF-8, percent-encoded"),
        }
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    attributes.add("datacontenttype", content_type.into());
    if body.is_empty() {
        attributes.also(Mistake::in_body("", "is empty: the event has no data to send"));
        return checked(attributes, None, "");
    }
    if is_json(content_type)
        && let Err(error) = serde_json::from_slice::<IgnoredAny>(body)
    {
        let (line, column) = (error.line(), error.column());
        let says = format!("is not JSON, as the Content-Type says: line {line}, column {column}");
        attributes.also(Mistake::in_body("", says));
    }
    checked(attributes, Some((content_type.to_owned(), body.clone())), "")
}

/// Section 3.1.3.2: what is quoted is unquoted, then percent-encoding is undone, once.
pub(super) fn decoded(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let text = match quoted {
        Some(quoted) => unescaped(quoted),
        None => text.to_owned(),
    };
    percent_decode_str(&text).decode_utf8().ok().map(Into::into)
}

/// A backslash stands before what is meant as it is (RFC 9110 section 5.6.4).
fn unescaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    text
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::decoded;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value of a header");
        assert_eq!(decoded(&value).as_deref(), expected, "{value:?}");
    }

    #[test]
    fn values_are_decoded_once() {
        check("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀"));
        check("Euro%20%e2%82%ac", Some("Euro €"));
        check(r#""quoted \"x\"""#, Some("quoted \"x\""));
        check("a%22b%25c", Some("a\"b%c"));
        check("%2541", Some("%41"));
        check("%41", Some("A"));
        check("100%", Some("100%"));
        check("%C0%A0", None);
        check("é", None);
    }
}

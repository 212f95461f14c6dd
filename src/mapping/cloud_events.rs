//! A payload as an event: CloudEvents 1.0.2, in the HTTP protocol binding.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fanfare_mapping::Filter;
use fanfare_sdk::PrepareError;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::Text;

/// The media type of an event that is a body (section 3.2).
const STRUCTURED: &str = "application/cloudevents+json";

/// What is encoded in a header (section 3.1.3.2), besides all that is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// Attributes that an event must have.
const REQUIRED: [&str; 3] = ["id", "source", "type"];

/// How an event is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventMode {
    /// Attributes in `ce-` headers; the body is the data.
    Binary,
    /// All of it as a JSON document.
    Structured,
}

/// What makes an event of a payload. A batch is never made: nobody has asked for one.
#[derive(Clone, Debug)]
pub struct CloudEvents {
    mode: EventMode,
    /// All attributes but `specversion` and `datacontenttype`. Without `id` it is that of the delivery.
    attributes: Vec<(String, Text)>,
}

/// What is wrong with the name of an extension; none where nothing is.
pub(crate) fn wrong_name(name: &str) -> Option<&'static str> {
    let small = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    if name.is_empty() || !name.chars().all(small) {
        return Some("is no name of an attribute: small letters and digits would be");
    }
    const OURS: [&str; 10] = [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "dataschema",
        "datacontenttype",
        "data",
        "database64",
    ];
    OURS.contains(&name).then_some("is no extension: CloudEvents has an attribute of that name")
}

/// What is wrong with the value of an attribute; none where nothing is.
pub(crate) fn wrong_value(name: &str, text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        return Some("has control characters");
    }
    let base = || url::Url::parse("http://base.invalid/").ok();
    match name {
        "id" | "type" | "subject" if text.is_empty() => Some("is empty"),
        "source" | "dataschema" if text.is_empty() => Some("is empty"),
        "source" if text.contains(char::is_whitespace) || base()?.join(text).is_err() => {
            Some("is no URI reference: `https://shop.example/orders` or `/orders` would be right")
        }
        "dataschema" if url::Url::parse(text).is_err() => {
            Some("is no absolute URI: `https://shop.example/order.json` would be right")
        }
        "time" if text.parse::<jiff::Timestamp>().is_err() => {
            Some("is no time: `2026-01-31T12:00:00Z` would be right")
        }
        _ => None,
    }
}

impl CloudEvents {
    /// Events with these attributes, in that mode.
    #[must_use]
    pub fn new(mode: EventMode, attributes: Vec<(String, Text)>) -> Self {
        Self { mode, attributes }
    }

    /// All expressions in it.
    pub(super) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.attributes.iter().filter_map(|(_, text)| text.filter())
    }

    /// Makes the event of what the target would get. What goes into headers is added to `headers`.
    pub(super) fn event(
        &self,
        (input, delivery_id): (&Value, &str),
        (content_type, bytes): (String, Bytes),
        headers: &mut HeaderMap,
    ) -> Result<(String, Bytes), PrepareError> {
        let attributes = self.attributes(input, delivery_id)?;
        match self.mode {
            EventMode::Binary => {
                for (name, value) in &attributes {
                    let wrong = |_| PrepareError(format!("`cloudevents.{name}` is no header"));
                    let name = HeaderName::try_from(format!("ce-{name}"));
                    let name = name.map_err(|_| wrong(()))?;
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let text = utf8_percent_encode(&text, ENCODED).to_string();
                    headers.insert(name, HeaderValue::try_from(text).map_err(|_| wrong(()))?);
                }
                Ok((content_type, bytes))
            }
            EventMode::Structured => {
                // Also where the settings of the target name another one.
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(STRUCTURED));
                Ok((STRUCTURED.to_owned(), structured(attributes, &content_type, &bytes).into()))
            }
        }
    }

    fn attributes(
        &self,
        input: &Value,
        delivery_id: &str,
    ) -> Result<Map<String, Value>, PrepareError> {
        let mut found = Map::new();
        found.insert("specversion".to_owned(), "1.0".into());
        for (name, text) in &self.attributes {
            let wrong = |says: &str| PrepareError(format!("`cloudevents.{name}`: {says}"));
            let value = text.value_for_payload(input).map_err(|says| wrong(&says))?;
            let fits = match &value {
                Value::Null => continue,
                Value::String(text) => wrong_value(name, text),
                Value::Bool(_) if wrong_name(name).is_none() => None,
                Value::Number(number)
                    if wrong_name(name).is_none()
                        && number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()) =>
                {
                    None
                }
                Value::Number(_) if name == "id" => None,
                _ => Some(
                    "must be text; an extension may be a boolean or a whole number of 32 bits too",
                ),
            };
            if let Some(says) = fits {
                return Err(wrong(says));
            }
            let value = if name == "id" { Value::String(text_of(&value)) } else { value };
            found.insert(name.clone(), value);
        }
        found.entry("id").or_insert_with(|| delivery_id.into());
        match REQUIRED.iter().find(|name| !found.contains_key(**name)) {
            Some(name) => Err(PrepareError(format!("`cloudevents.{name}` gives nothing"))),
            None => Ok(found),
        }
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The document (JSON event format, section 3): JSON data as it is, text as text, all else as base64.
fn structured(mut attributes: Map<String, Value>, content_type: &str, bytes: &Bytes) -> Vec<u8> {
    if !content_type.is_empty() {
        attributes.insert("datacontenttype".to_owned(), content_type.into());
    }
    let mut document = serde_json::to_vec(&attributes).unwrap_or_default();
    if bytes.is_empty() {
        return document;
    }
    // Behind the attributes, byte by byte as the expression has written it.
    document.pop();
    let text = std::str::from_utf8(bytes).ok().filter(|_| is_text(content_type));
    if is_json(content_type) && serde_json::from_slice::<IgnoredAny>(bytes).is_ok() {
        document.extend_from_slice(b",\"data\":");
        document.extend_from_slice(bytes);
    } else if let Some(text) = text {
        document.extend_from_slice(b",\"data\":");
        document.extend(serde_json::to_vec(text).unwrap_or_default());
    } else {
        document.extend_from_slice(
            format!(",\"data_base64\":\"{}\"", STANDARD.encode(bytes)).as_bytes(),
        );
    }
    document.push(b'}');
    document
}

fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the data is JSON (JSON event format, section 3.1): its media type has the subtype or the suffix.
fn is_json(content_type: &str) -> bool {
    let essence = essence(content_type);
    essence.is_empty() || essence.ends_with("/json") || essence.ends_with("+json")
}

fn is_text(content_type: &str) -> bool {
    let essence = essence(content_type);
    let named = ["application/xml", "application/x-www-form-urlencoded"];
    essence.starts_with("text/") || essence.ends_with("+xml") || named.contains(&essence.as_str())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::{Value, json};

    use super::{CloudEvents, EventMode, wrong_name};
    use crate::mapping::{Filter, Text};

    fn made(mode: EventMode, more: &[(&str, Text)], content: (&str, &[u8])) -> String {
        let fixed = |text: &str| Text::Fixed(text.to_owned());
        let mut all = vec![("source".to_owned(), fixed("/shop")), ("type".to_owned(), fixed("t"))];
        all.extend(more.iter().map(|(name, text)| ((*name).to_owned(), text.clone())));
        let mut headers = HeaderMap::new();
        let content = (content.0.to_owned(), Bytes::copy_from_slice(content.1));
        let input = json!({ "n": 7, "name": "Euro € 😀", "list": [] });
        let made = CloudEvents::new(mode, all).event((&input, "d-1"), content, &mut headers);
        match made {
            Err(error) => error.0,
            Ok((content_type, bytes)) => {
                let mut all: Vec<_> = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                    .collect();
                all.sort();
                format!("{}\n{content_type}\n{}", all.join("\n"), String::from_utf8_lossy(&bytes))
            }
        }
    }

    fn jq(source: &str) -> Text {
        Text::Jq(Filter::parse(source).unwrap())
    }

    #[test]
    fn an_event_in_binary_mode() {
        let more = [("subject", jq(".name")), ("n", jq(".n")), ("none", jq("null"))];
        assert_eq!(
            made(EventMode::Binary, &more, ("application/json", b"{\"b\":1,\"a\":2}")),
            "ce-id: d-1\nce-n: 7\nce-source: /shop\nce-specversion: 1.0\nce-subject: Euro%20%E2%82%AC%20%F0%9F%98%80\nce-type: t\napplication/json\n{\"b\":1,\"a\":2}"
        );
        let vectors: Value =
            serde_json::from_str(include_str!("vectors/cloudevents_http_values.json")).unwrap();
        for pair in vectors["encode"].as_array().unwrap() {
            let subject = Text::Fixed(pair[0].as_str().unwrap().to_owned());
            let made = made(EventMode::Binary, &[("subject", subject)], ("text/plain", b"x"));
            let expected = format!("ce-subject: {}\n", pair[1].as_str().unwrap());
            assert!(made.contains(&expected), "{made}");
        }
    }

    #[test]
    fn an_event_in_structured_mode() {
        #[track_caller]
        fn check(content: (&str, &[u8]), data: &str) {
            let made = made(EventMode::Structured, &[("n", jq(".n"))], content);
            let (heads, document) = made.rsplit_once('\n').unwrap();
            assert_eq!(
                heads,
                "content-type: application/cloudevents+json\napplication/cloudevents+json"
            );
            let datatype = match content.0 {
                "" => String::new(),
                content_type => format!("\"datacontenttype\":\"{content_type}\","),
            };
            let expected = format!(
                "{{{datatype}\"id\":\"d-1\",\"n\":7,\"source\":\"/shop\",\"specversion\":\"1.0\",\"type\":\"t\"{data}}}"
            );
            assert_eq!(document, expected);
        }
        check(("application/json", b"{\"b\": 1, \"a\": 2}"), ",\"data\":{\"b\": 1, \"a\": 2}");
        check(("application/vnd.x+json; v=1", b"[1]"), ",\"data\":[1]");
        check(("", b"[1]"), ",\"data\":[1]");
        check(("text/plain", b"a\"b"), ",\"data\":\"a\\\"b\"");
        check(("application/xml", b"<a/>"), ",\"data\":\"<a/>\"");
        check(("text/plain", b"\xff\x00"), ",\"data_base64\":\"/wA=\"");
        check(("application/octet-stream", b"abc"), ",\"data_base64\":\"YWJj\"");
        // Text stays text, whatever it looks like; what is broken is no JSON.
        check(("text/plain", b"[1]"), ",\"data\":\"[1]\"");
        check(("application/json", b"{"), ",\"data_base64\":\"ew==\"");
        check(("application/json", b""), "");
    }

    #[test]
    fn attributes_have_their_types() {
        #[track_caller]
        fn check(name: &str, text: &Text, binary: &str, structured: &str) {
            let made = |mode| made(mode, &[(name, text.clone())], ("text/plain", b"x"));
            let (head, document) = (made(EventMode::Binary), made(EventMode::Structured));
            assert!(head.contains(&format!("ce-{name}: {binary}\n")), "{head}");
            assert!(document.contains(&format!("\"{name}\":{structured}")), "{document}");
        }
        check("id", &jq(".n"), "7", "\"7\"");
        check("id", &jq("\"a\""), "a", "\"a\"");
        check("flag", &jq("true"), "true", "true");
        check("n", &jq("-2147483648"), "-2147483648", "-2147483648");
        let time = "2026-01-31T12:00:00Z";
        check("time", &Text::Fixed(time.to_owned()), time, &format!("\"{time}\""));
        let schema = "https://shop.example/order.json";
        check("dataschema", &Text::Fixed(schema.to_owned()), schema, &format!("\"{schema}\""));
    }

    #[test]
    fn extensions_have_names_of_their_own() {
        assert_eq!(wrong_name("tenant7"), None);
        for name in ["", "a-b", "A", "é"] {
            assert!(wrong_name(name).is_some_and(|says| says.starts_with("is no name")), "{name}");
        }
        for name in ["id", "data", "time"] {
            assert!(wrong_name(name).is_some_and(|says| says.starts_with("is no ext")), "{name}");
        }
    }

    #[test]
    fn what_is_no_event_is_not_made() {
        #[track_caller]
        fn check(name: &str, text: Text, expected: &str) {
            assert_eq!(made(EventMode::Binary, &[(name, text)], ("text/plain", b"x")), expected);
        }
        for name in ["id", "type", "subject", "source", "dataschema"] {
            check(name, jq("\"\""), &format!("`cloudevents.{name}`: is empty"));
        }
        check(
            "dataschema",
            jq("\"/order.json\""),
            "`cloudevents.dataschema`: is no absolute URI: `https://shop.example/order.json` would be right",
        );
        check(
            "source",
            jq("\"a b\""),
            "`cloudevents.source`: is no URI reference: `https://shop.example/orders` or `/orders` would be right",
        );
        check(
            "time",
            jq("\"today\""),
            "`cloudevents.time`: is no time: `2026-01-31T12:00:00Z` would be right",
        );
        check("subject", jq("\"a\\nb\""), "`cloudevents.subject`: has control characters");
        let must = "must be text; an extension may be a boolean or a whole number of 32 bits too";
        check("subject", jq(".n"), &format!("`cloudevents.subject`: {must}"));
        check("time", jq("true"), &format!("`cloudevents.time`: {must}"));
        check("id", jq("true"), &format!("`cloudevents.id`: {must}"));
        check("n", jq("3000000000"), &format!("`cloudevents.n`: {must}"));
        check("n", jq(".list"), &format!("`cloudevents.n`: {must}"));
        let none =
            [("source".to_owned(), Text::Fixed("/a".to_owned())), ("type".to_owned(), jq("null"))];
        let events = CloudEvents::new(EventMode::Binary, none.to_vec());
        let content = ("text/plain".to_owned(), Bytes::from_static(b"x"));
        let error = events.event((&json!({}), "d"), content, &mut HeaderMap::new()).unwrap_err();
        assert_eq!(error.0, "`cloudevents.type` gives nothing");
    }
}

//! Events that anybody may send: nothing makes their reader panic, and what is written by the rules is read.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use proptest::{
    collection::vec,
    prelude::{Strategy, any},
    prop_assert_eq, prop_oneof, proptest,
};
use serde_json::json;

use super::event::{Event, Mode};

const ATTRIBUTES_BYTES_MAX: usize = 4 << 10;
/// HTTP protocol binding, section 3.1.3.2: space, `"`, `%` and what is not visible ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

fn headers() -> impl Strategy<Value = HeaderMap> {
    let name = prop_oneof![
        "ce-(id|source|type|specversion|time|subject|dataschema|datacontenttype|traceparent|[a-z0-9-]{1,9})",
        "content-type|content-length",
    ];
    let value = prop_oneof![
        "1\\.0|[ -~]{0,30}|(%[0-9A-Fa-f]{0,2}){0,6}|\"[ -~]{0,9}\\\\?\"?"
            .prop_map(String::into_bytes),
        "application/(cloudevents)?(-batch)?(\\+json)?(; ?charset=[a-z0-9-]{0,5})?"
            .prop_map(String::into_bytes),
        vec(any::<u8>(), 0..20),
    ];
    vec((name, value), 0..9).prop_map(|all| {
        let header = |(name, value): (String, Vec<u8>)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(&value).ok()?))
        };
        all.into_iter().filter_map(header).collect()
    })
}

fn body() -> impl Strategy<Value = Bytes> {
    let near = "\\{(\"(id|source|type|specversion|data|data_base64|time|a)\":(\"[ -~é]{0,9}\"|null|[0-9]{1,25}|\\[\\]|1\\.0|\\{\\}),?){0,6}\\}?";
    prop_oneof![near.prop_map(Bytes::from), vec(any::<u8>(), 0..60).prop_map(Bytes::from)]
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(headers in headers(), body in body()) {
        drop(Mode::of(&headers).map(|mode| Event::read(mode, &headers, &body, ATTRIBUTES_BYTES_MAX)));
        for mode in [Mode::Binary, Mode::Structured] {
            if let Ok(event) = Event::read(mode, &headers, &body, ATTRIBUTES_BYTES_MAX) {
                drop((event.key("r", 200), event.trace(), event.metadata()));
            }
        }
    }

    #[test]
    fn an_attribute_comes_through_in_both_modes(subject in "[ -~äß€😀]{1,30}", id in "[ -~é]{1,20}") {
        let encoded = |text: &str| {
            HeaderValue::try_from(utf8_percent_encode(text, ENCODED).to_string()).expect("ASCII")
        };
        let name = HeaderName::from_static;
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (name("ce-specversion"), HeaderValue::from_static("1.0")),
            (name("ce-id"), encoded(&id)),
            (name("ce-source"), HeaderValue::from_static("/a")),
            (name("ce-type"), HeaderValue::from_static("b")),
            (name("ce-subject"), encoded(&subject)),
        ]);
        let binary = Event::read(Mode::Binary, &headers, &Bytes::from("{}"), ATTRIBUTES_BYTES_MAX);
        let document = json!({ "specversion": "1.0", "id": id, "source": "/a", "type": "b", "subject": subject, "data": {} });
        let structured = Event::read(Mode::Structured, &HeaderMap::new(), &document.to_string().into(), ATTRIBUTES_BYTES_MAX);
        let subject = json!(subject);
        for event in [binary, structured] {
            let event = event.map_err(|problem| format!("{problem:?}"));
            prop_assert_eq!(event.map(|event| event.attributes["subject"].clone()), Ok(subject.clone()));
        }
    }
}

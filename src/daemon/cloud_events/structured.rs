//! An event in structured mode: one JSON object (JSON event format, section 3).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::Value;

use super::{
    attributes::{Attributes, Place},
    event::{Event, checked, is_json},
};
use crate::daemon::{members::Members, problem::Problem};

const NO_DATA: &str = "is missing: the event has no data to send";

pub(super) fn read(body: &Bytes, attributes_bytes_max: usize) -> Result<Event, Problem> {
    let mut members = Members::of(body)?;
    let mut attributes = Attributes::new(Place::Body, attributes_bytes_max);
    let (data, base64) = (members.raw("data"), members.raw("data_base64"));
    // The object was read already: each member is JSON. What is null is not set.
    for (name, raw) in members.rest() {
        let value: Value = serde_json::from_slice(&raw).unwrap_or_default();
        if !value.is_null() {
            attributes.add(&name, value);
        }
    }
    for mistake in members.mistakes {
        attributes.also(mistake);
    }
    // Section 3.1: what is not said is JSON.
    attributes.unless_there("datacontenttype", "application/json");
    let content_type = attributes.text("datacontenttype").unwrap_or_default().to_owned();
    let (data, at) = match (data, base64) {
        (Some(_), Some(_)) => {
            attributes.wrong("data_base64", "cannot stand beside `data`");
            (None, "")
        }
        (None, None) => {
            attributes.wrong("data", NO_DATA);
            (None, "")
        }
        (Some(raw), None) if is_json(&content_type) => (Some(raw), "/data"),
        (Some(raw), None) => {
            let text = serde_json::from_slice::<String>(&raw).ok().map(Bytes::from);
            if text.is_none() {
                attributes.wrong("data", "must be text, since `datacontenttype` is not JSON");
            }
            (text, "/data")
        }
        (None, Some(raw)) => (bytes(&raw, &content_type, &mut attributes), "/data_base64"),
    };
    if data.as_ref().is_some_and(Bytes::is_empty) {
        attributes.wrong(at.trim_start_matches('/'), "is empty: the event has no data to send");
    }
    checked(attributes, data.map(|bytes| (content_type, bytes)), at)
}

fn bytes(raw: &Bytes, content_type: &str, attributes: &mut Attributes) -> Option<Bytes> {
    let text = serde_json::from_slice::<String>(raw).ok();
    let Some(bytes) = text.and_then(|text| STANDARD.decode(text).ok()) else {
        attributes.wrong("data_base64", "must be base64 (RFC 4648 section 4), as text");
        return None;
    };
    let json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes);
    if is_json(content_type) && json.is_err() {
        attributes.wrong("data_base64", "is not JSON, as `datacontenttype` says");
    }
    Some(bytes.into())
}

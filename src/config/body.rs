//! `body`: what is made of a payload.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{build::filter, document::child, issues::Issues, text::TextSetting};
use crate::mapping::{Body, BodyForm, Part, PartContent};

/// How the body is made.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum BodySetting {
    /// A jq expression: its output is the JSON body.
    Json(String),
    /// The same, and how its output is written.
    As(BodyAs),
}

/// How the output of a jq expression is written.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum BodyAs {
    /// As JSON.
    Json(String),
    /// An object as `application/x-www-form-urlencoded`; a list repeats its key.
    Form(String),
    /// Several parts as `multipart/form-data`, in this order.
    Multipart(#[schemars(length(min = 1, max = 100))] Vec<PartSetting>),
    /// A string as `text/plain`.
    Text(String),
    /// A string as `application/xml`; `@xml` escapes what stands in it.
    Xml(String),
    /// A string of base64 as bytes.
    Bytes(String),
}

/// A part of a body: one of `text`, `json` and `bytes` says what is in it. `null` leaves it out, a list repeats it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartSetting {
    /// The name of the field.
    #[schemars(length(min = 1))]
    name: String,
    /// A jq expression over the payload: a string, a number, `true` or `false`.
    #[serde(default)]
    text: Option<String>,
    /// A jq expression over the payload: anything, as JSON. A list is one part.
    #[serde(default)]
    json: Option<String>,
    /// A jq expression over the payload: a string of base64, as bytes.
    #[serde(default)]
    bytes: Option<String>,
    /// The name of the file: text, or a jq expression over the payload. Without it, it is a field and no file.
    #[serde(default)]
    filename: Option<TextSetting>,
    /// The media type; else it follows from what is in it.
    #[serde(default)]
    content_type: Option<String>,
}

impl BodySetting {
    /// How the body is made; `issues` stands at what has the key `body`.
    pub(super) fn body(&self, issues: &mut Issues<'_>) -> Option<Body> {
        let (below, form, source) = match self {
            Self::Json(source) => ("", BodyForm::Json, source),
            Self::As(BodyAs::Json(source)) => ("/json", BodyForm::Json, source),
            Self::As(BodyAs::Form(source)) => ("/form", BodyForm::Form, source),
            Self::As(BodyAs::Text(source)) => ("/text", BodyForm::Text, source),
            Self::As(BodyAs::Xml(source)) => ("/xml", BodyForm::Xml, source),
            Self::As(BodyAs::Bytes(source)) => ("/bytes", BodyForm::Bytes, source),
            Self::As(BodyAs::Multipart(parts)) => {
                let mut here = issues.at("body");
                let mut here = here.at("multipart");
                let part =
                    |(at, part): (usize, &PartSetting)| part.part(&mut here.at(&at.to_string()));
                return Some(Body::Multipart(parts.iter().enumerate().filter_map(part).collect()));
            }
        };
        let pointer = format!("{}{below}", child(&issues.pointer, "body"));
        filter(source, &pointer, issues).map(|filter| Body::As(form, filter))
    }
}

impl PartSetting {
    fn part(&self, issues: &mut Issues<'_>) -> Option<Part> {
        let contents = [("text", &self.text), ("json", &self.json), ("bytes", &self.bytes)];
        let mut contents = contents.into_iter().filter_map(|(key, it)| Some((key, it.as_ref()?)));
        let here = issues.pointer.clone();
        let Some((key, source)) = contents.next() else {
            issues.push_at(&here, "has nothing in it: `text`, `json` or `bytes` would be right");
            return None;
        };
        for (other, _) in contents {
            issues.push(other, format!("stands beside `{key}`: keep one of them"));
        }
        let filter = filter(source, &child(&here, key), issues);
        let content_type = self.content_type.as_ref();
        if content_type.is_some_and(|text| !is_media_type(text)) {
            issues.push("content_type", "is no media type: `image/png` would be right");
        }
        let filename = self.filename.as_ref().map(|text| text.text("filename", issues));
        let content = match key {
            "text" => PartContent::Text(filter?),
            "json" => PartContent::Json(filter?),
            _ => PartContent::Bytes(filter?),
        };
        let mut part = Part::new(&self.name, content);
        part.filename = filename.flatten();
        part.content_type.clone_from(&self.content_type);
        Some(part)
    }
}

fn is_media_type(text: &str) -> bool {
    text.contains('/') && text.chars().all(|letter| (' '..='~').contains(&letter))
}

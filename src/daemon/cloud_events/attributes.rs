//! The attributes of an event, each by its rule (CloudEvents 1.0.2, sections 2 and 3).

use serde_json::{Map, Value};
use url::Url;

use crate::daemon::problem::{Mistake, Problem, short};

const REQUIRED: [&str; 4] = ["id", "source", "specversion", "type"];

/// Where attributes stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Each in a header: `ce-id`.
    Head,
    /// Each in a member of the body: `/id`.
    Body,
}

/// Attributes that are being collected, and what is wrong with them.
#[derive(Debug)]
pub(super) struct Attributes {
    place: Place,
    bytes_max: usize,
    found: Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Attributes {
    pub(super) fn new(place: Place, bytes_max: usize) -> Self {
        Self { place, bytes_max, found: Map::new(), mistakes: Vec::new() }
    }

    /// Something is wrong with that one.
    pub(super) fn wrong(&mut self, name: &str, says: impl Into<String>) {
        let mistake = match self.place {
            Place::Head => Mistake::in_header(&short(&format!("ce-{name}")), says),
            Place::Body => Mistake::in_body(format!("/{}", short(name)), says),
        };
        self.mistakes.push(mistake);
    }

    /// Something is wrong besides.
    pub(super) fn also(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.found.get(name)?.as_str()
    }

    /// What holds where nothing is said.
    pub(super) fn unless_there(&mut self, name: &str, text: &str) {
        self.found.entry(name).or_insert_with(|| text.into());
    }

    /// One more.
    pub(super) fn add(&mut self, name: &str, value: Value) {
        if self.found.contains_key(name) {
            return self.wrong(name, "is given twice");
        }
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let says = if is_name && name != "data" {
            wrong(name, &value)
        } else {
            Some("is no name of an attribute: small letters and digits would be")
        };
        if let Some(says) = says {
            self.wrong(name, says);
        }
        // Also where it is wrong: it is not missing.
        self.found.insert(name.to_owned(), value);
    }

    /// What there is, where nothing is wrong.
    pub(super) fn end(mut self) -> Result<Map<String, Value>, Problem> {
        for name in REQUIRED {
            if !self.found.contains_key(name) {
                self.wrong(name, "is missing");
            }
        }
        let bytes = serde_json::to_vec(&self.found).map_or(0, |bytes| bytes.len());
        if bytes > self.bytes_max {
            let says =
                format!("the attributes have {bytes} bytes, and may have {}", self.bytes_max);
            self.mistakes.push(match self.place {
                Place::Head => Mistake::in_header("ce-*", says),
                Place::Body => Mistake::in_body("", says),
            });
        }
        if self.mistakes.is_empty() { Ok(self.found) } else { Err(Problem::invalid(self.mistakes)) }
    }
}

/// What is wrong with an attribute of that name; none where nothing is.
fn wrong(name: &str, value: &Value) -> Option<&'static str> {
    let known = REQUIRED.contains(&name)
        || ["datacontenttype", "dataschema", "subject", "time"].contains(&name);
    let Value::String(text) = value else {
        let fits = match value {
            Value::Bool(_) => true,
            Value::Number(number) => number.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
            Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_) => false,
        };
        return match (known, fits) {
            (true, _) => Some("must be text"),
            (false, true) => None,
            (false, false) => Some("must be text, `true`, `false`, or a whole number of 32 bits"),
        };
    };
    if text.chars().any(char::is_control) {
        return Some("has control characters");
    }
    let base = Url::parse("http://base.invalid/").ok();
    let fits = match name {
        "specversion" => return (text != "1.0").then_some("must be `1.0`"),
        "id" | "type" | "subject" => return text.is_empty().then_some("is empty"),
        "source" => {
            let reference = !text.is_empty() && !text.contains(char::is_whitespace);
            return (!reference || base?.join(text).is_err()).then_some(
                "must be a URI reference, like `https://shop.example/orders` or `/orders`",
            );
        }
        "dataschema" => return Url::parse(text).is_err().then_some("must be an absolute URI"),
        "time" => text.parse::<jiff::Timestamp>().is_ok(),
        "datacontenttype" => {
            return (!is_media_type(text))
                .then_some("must be a media type, like `application/json`");
        }
        _ => true,
    };
    (!fits).then_some("must be a time like `2026-01-31T12:00:00Z`")
}

fn is_media_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let token = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "!#$&^_.+-'*%`|~".contains(c))
    };
    text.is_ascii()
        && essence.split_once('/').is_some_and(|(major, minor)| token(major) && token(minor))
}

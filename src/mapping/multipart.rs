//! Bodies of several parts: `multipart/form-data` (RFC 7578).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fanfare_mapping::{Filter, Limits};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Text, form::BODY_BYTES_MAX};

/// One part, or as many as its expression gives.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// The name of the field.
    pub name: String,
    /// What is in it.
    pub content: PartContent,
    /// The name of the file; none is no file.
    pub filename: Option<Text>,
    /// The media type; none follows from the content.
    pub content_type: Option<String>,
}

/// What is in a part: an expression, and how its output is written. `null` leaves the part out; a list repeats it.
#[derive(Clone, Debug)]
pub enum PartContent {
    /// A string, a number or a boolean as text.
    Text(Filter),
    /// Anything as JSON; a list too is one part.
    Json(Filter),
    /// A string of base64 (RFC 4648 section 4) as bytes.
    Bytes(Filter),
}

impl Part {
    /// A part without a file name.
    #[must_use]
    pub fn new(name: impl Into<String>, content: PartContent) -> Self {
        Self { name: name.into(), content, filename: None, content_type: None }
    }

    /// The head of the part, and what is in it, for each value of its expression.
    fn written(&self, input: &Value) -> Result<Vec<(String, Vec<u8>)>, String> {
        let limits = Limits { output_bytes_max: BODY_BYTES_MAX, ..Limits::default() };
        let wrong = |says: &dyn std::fmt::Display| format!("`{}`: {says}", self.name);
        let output = self.content.filter().run(input, limits).map_err(|error| wrong(&error))?;
        let items = match (&self.content, output) {
            (_, Value::Null) => return Ok(Vec::new()),
            (PartContent::Text(_) | PartContent::Bytes(_), Value::Array(items)) => items,
            (_, one) => vec![one],
        };
        let filename = match &self.filename {
            Some(text) => text.for_payload(input).map_err(|says| wrong(&says))?,
            None => None,
        };
        let head = self.head(filename.as_deref());
        let content = |item: &Value| self.content.bytes(item).map_err(|says| wrong(&says));
        items.iter().map(|item| Ok((head.clone(), content(item)?))).collect()
    }

    fn head(&self, filename: Option<&str>) -> String {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(&self.name));
        if let Some(filename) = filename {
            head += &format!("; filename=\"{}\"", quoted(filename));
        }
        let content_type = self.content_type.as_deref();
        let usual = match (&self.content, filename) {
            (PartContent::Json(_), _) => Some("application/json"),
            (PartContent::Bytes(_), _) => Some("application/octet-stream"),
            (PartContent::Text(_), Some(_)) => Some("text/plain; charset=utf-8"),
            // RFC 7578 section 4.4: what it is anyway.
            (PartContent::Text(_), None) => None,
        };
        if let Some(content_type) = content_type.or(usual) {
            head += &format!("\r\nContent-Type: {content_type}");
        }
        head
    }
}

impl PartContent {
    fn filter(&self) -> &Filter {
        match self {
            Self::Text(filter) | Self::Json(filter) | Self::Bytes(filter) => filter,
        }
    }

    fn bytes(&self, item: &Value) -> Result<Vec<u8>, &'static str> {
        match (self, item) {
            (Self::Json(_), any) => serde_json::to_vec(any).map_err(|_| "no JSON"),
            (Self::Text(_), Value::String(text)) => Ok(text.clone().into_bytes()),
            (Self::Text(_), Value::Bool(_) | Value::Number(_)) => Ok(item.to_string().into_bytes()),
            (Self::Text(_), _) => Err("the expression gives no text"),
            (Self::Bytes(_), Value::String(text)) => STANDARD
                .decode(text)
                .map_err(|_| "the expression gives no base64 (RFC 4648 section 4)"),
            (Self::Bytes(_), _) => Err("the expression gives no string of base64"),
        }
    }
}

/// The media type and the body. The boundary comes from the idempotency key: a repeat is the same to the byte.
pub(super) fn write(parts: &[Part], input: &Value, key: &str) -> Result<(String, Bytes), String> {
    let mut written = Vec::new();
    for part in parts {
        written.extend(part.written(input)?);
    }
    let size: usize = written.iter().map(|(head, content)| head.len() + content.len()).sum();
    if size > BODY_BYTES_MAX {
        return Err(format!("the parts have more than {BODY_BYTES_MAX} bytes"));
    }
    let boundary = boundary(&written, key);
    let mut body = Vec::with_capacity(size + (written.len() + 1) * (boundary.len() + 10));
    for (head, content) in &written {
        for piece in ["--", &boundary, "\r\n", head, "\r\n\r\n"] {
            body.extend_from_slice(piece.as_bytes());
        }
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body.into()))
}

/// One that stands in no part.
fn boundary(written: &[(String, Vec<u8>)], key: &str) -> String {
    let mut tried = 0_u32;
    loop {
        let digest = Sha256::new().chain_update(tried.to_be_bytes()).chain_update(key).finalize();
        let boundary: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let is_in = |content: &[u8]| {
            content.windows(boundary.len()).any(|part| part == boundary.as_bytes())
        };
        if !written.iter().any(|(head, content)| is_in(head.as_bytes()) || is_in(content)) {
            return boundary;
        }
        tried = tried.wrapping_add(1);
    }
}

/// As browsers quote names of fields and files (WHATWG, multipart/form-data encoding algorithm).
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{BODY_BYTES_MAX, Filter, Part, PartContent, boundary, write};

    #[test]
    fn a_boundary_stands_in_no_part() {
        let first = boundary(&[], "k");
        let (inside, nothing) = (format!("a{first}b"), String::new());
        for (head, content) in [(&nothing, &inside), (&inside, &nothing)] {
            let part = [(head.clone(), content.clone().into_bytes())];
            let other = boundary(&part, "k");
            assert!(other != first && other.len() == first.len());
            assert_eq!(boundary(&part, "k"), other, "a repeat is the same");
        }
        assert_ne!(boundary(&[], "l"), first);
    }

    #[test]
    fn all_parts_together_have_a_limit() {
        let part = Part::new("a", PartContent::Text(Filter::parse(".").expect("it is jq")));
        let parts = [part.clone(), part];
        let written = |count: usize, mebibytes: usize| {
            let input = json!("x".repeat(mebibytes << 20));
            write(&parts[..count], &input, "k").map(|it| it.1.len() >> 20)
        };
        assert_eq!(written(1, 9), Ok(9));
        assert_eq!(written(2, 7), Ok(14));
        let says = format!("the parts have more than {BODY_BYTES_MAX} bytes");
        assert_eq!(written(2, 9), Err(says));
    }
}

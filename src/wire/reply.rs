//! A reply as it is written into a report.

use std::collections::BTreeMap;

use fanfare_sdk::check;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{CapturedReply, line};

/// What stands for the value of a header that may be a secret.
const MASK: &str = "***";

/// The last reply that was kept of a delivery.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Reply {
    /// The number of the attempt that it answered; left out of a canned reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// HTTP status; null for targets that are not HTTP.
    pub status: Option<u16>,
    /// Headers; values that may be secrets read `***`.
    pub headers: BTreeMap<String, String>,
    /// The body, where it was kept.
    pub body: Body,
    /// Whether there was more of the body, or should have been.
    pub truncated: bool,
    /// What the target's captures took out of it, by name.
    pub captured: BTreeMap<String, Value>,
}

/// Bytes of the words of a reply: a line, not a page.
const WORDS_BYTES_MAX: usize = 200;

/// Bytes of a body that are looked at for them: what is wrong is told in short.
const READ_BYTES_MAX: usize = 64 << 10;

/// Where APIs say what is wrong, the more telling first.
const WORDS_AT: [&str; 12] = [
    "/error/message",
    "/error_description",
    "/error/detail",
    "/error",
    "/message",
    "/detail",
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0/title",
    "/errors/0",
    "/title",
    "/msg",
];

/// A body: JSON where it is JSON, else text; what is neither is told by its length.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Body(pub Value);

impl From<&CapturedReply> for Reply {
    fn from(reply: &CapturedReply) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &reply.headers {
            let text = if is_secret(name.as_str()) || value.is_sensitive() {
                MASK.to_owned()
            } else {
                without_query(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))
            };
            let joined = headers.entry(name.as_str().to_owned()).or_default();
            joined.push_str(if joined.is_empty() { "" } else { ", " });
            joined.push_str(&text);
        }
        Self {
            attempt: None,
            status: reply.status,
            headers,
            body: body(&reply.body),
            truncated: reply.truncated,
            captured: reply.captured.clone(),
        }
    }
}

fn is_secret(name: &str) -> bool {
    check::is_secret_header(name)
        || ["set-cookie", "www-authenticate", "proxy-authenticate", "authentication-info"]
            .contains(&name)
}

/// A URL's query may hold a secret.
fn without_query(name: &str, value: &str) -> String {
    match value.split_once('?') {
        Some((url, _)) if ["location", "content-location", "refresh", "link"].contains(&name) => {
            format!("{url}?{MASK}")
        }
        Some(_) | None => value.to_owned(),
    }
}

/// What a body says is wrong, in a line: the member that mostly says so, else all of it. Pages are for browsers.
pub(super) fn words(bytes: &[u8]) -> Option<String> {
    if bytes.len() > READ_BYTES_MAX {
        return None;
    }
    let text = match body(bytes).0 {
        Value::Null => return None,
        Value::String(text) if text.trim_start().starts_with('<') => return None,
        Value::String(text) => text,
        value => {
            let found = WORDS_AT.iter().find_map(|place| value.pointer(place)?.as_str());
            found.map_or_else(|| value.to_string(), str::to_owned)
        }
    };
    line(&text, WORDS_BYTES_MAX)
}

fn body(bytes: &[u8]) -> Body {
    if bytes.is_empty() {
        return Body(Value::Null);
    }
    let text = || match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => Value::from(format!("{} bytes that are not text", bytes.len())),
    };
    Body(serde_json::from_slice(bytes).unwrap_or_else(|_| text()))
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn what_a_reply_says_is_told_in_a_line() {
        #[track_caller]
        fn check(body: &str, expected: Option<&str>) {
            assert_eq!(words(body.as_bytes()).as_deref(), expected, "{body}");
        }
        let message =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
        check(message, Some("Overloaded"));
        check(
            r#"{"error":"invalid_client","error_description":"No such client"}"#,
            Some("No such client"),
        );
        check(r#"{"error":"invalid_client"}"#, Some("invalid_client"));
        check(
            r#"{"message":"Not Found","documentation_url":"https://a.example"}"#,
            Some("Not Found"),
        );
        check(r#"{"errors":[{"code":7,"detail":"too long"}]}"#, Some("too long"));
        check(r#"{"errors":["a","b"]}"#, Some("a"));
        check(r#"{"error":{"code":7}}"#, Some(r#"{"error":{"code":7}}"#));
        check(
            "upstream connect error\r\nreset \u{1b}[2J",
            Some("upstream connect error  reset  [2J"),
        );
        check("<html><body>502 Bad Gateway</body></html>", None);
        check("", None);
        check(&"é".repeat(300), Some(&"é".repeat(100)));
        assert_eq!(words(&[0xff, 0xfe]).as_deref(), Some("2 bytes that are not text"));
    }
}

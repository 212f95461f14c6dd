//! A reply as it is written into a report.

use std::collections::BTreeMap;

use fanfare_sdk::check;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::CapturedReply;

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

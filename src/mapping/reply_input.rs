//! A reply, as expressions see it.

use std::cell::OnceCell;

use fanfare_sdk::{Reply, check};
use serde_json::{Map, Value, json};

/// A reply, as expressions see it: worked out when the first of them asks.
#[derive(Debug)]
pub(super) struct ReplyInput<'r> {
    reply: &'r Reply,
    value: OnceCell<Value>,
}

impl<'r> ReplyInput<'r> {
    pub(super) fn of(reply: &'r Reply) -> Self {
        Self { reply, value: OnceCell::new() }
    }

    /// `{status, headers, body, truncated}`. Headers that are secrets are not there; a body that is not JSON is text.
    pub(super) fn value(&self) -> &Value {
        self.value.get_or_init(|| input(self.reply))
    }
}

fn input(reply: &Reply) -> Value {
    let mut headers = Map::new();
    for (name, value) in &reply.head.headers {
        if !value.is_sensitive() && !check::is_secret_header(name.as_str()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            headers.entry(name.as_str()).or_insert_with(|| text.into());
        }
    }
    let bytes = reply.body.bytes();
    let body: Value = serde_json::from_slice(bytes)
        .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into());
    let truncated = reply.body.is_truncated();
    json!({ "status": reply.head.status, "headers": headers, "body": body, "truncated": truncated })
}

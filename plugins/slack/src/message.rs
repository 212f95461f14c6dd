//! What is posted: the payload where it is a message already, or a text.

use fanfare_sdk::{Payload, PrepareError};
use serde_json::{Map, Value};

/// Bytes of a message. Slack takes 40,000 characters of text, 50 blocks and as many attachments; beyond this nothing
/// fits.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Characters of `text`: Slack cuts what is longer, and does not say so.
const TEXT_CHARS_MAX: usize = 40_000;
/// Blocks of one message.
const BLOCKS_MAX: usize = 50;
/// One of these is what a message says.
const CONTENTS: [&str; 4] = ["text", "blocks", "attachments", "markdown_text"];

/// The message that the payload is: a JSON object as Slack has it, a JSON string, or plain text.
pub(crate) fn message(payload: &Payload) -> Result<Map<String, Value>, PrepareError> {
    if payload.bytes().len() > MESSAGE_BYTES_MAX {
        return Err(wrong("the payload is longer than 1 MiB, and no message is"));
    }
    let message = match payload.as_json() {
        Some(Value::Object(message)) => message.clone(),
        Some(Value::String(text)) => text_message(text),
        None if is_text(payload.content_type()) => {
            let text = std::str::from_utf8(payload.bytes());
            text_message(text.map_err(|_| wrong("the payload is not UTF-8"))?)
        }
        Some(_) | None => {
            return Err(wrong("the payload is neither a message (a JSON object) nor a text"));
        }
    };
    checked(message)
}

fn text_message(text: &str) -> Map<String, Value> {
    Map::from_iter([("text".to_owned(), Value::from(text))])
}

fn is_text(content_type: &str) -> bool {
    content_type.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

fn checked(message: Map<String, Value>) -> Result<Map<String, Value>, PrepareError> {
    if !CONTENTS.iter().any(|key| message.get(*key).is_some_and(says_something)) {
        return Err(wrong("the message says nothing: it has no `text`, `blocks` or `attachments`"));
    }
    if let Some(text) = message.get("text").and_then(Value::as_str)
        && text.chars().count() > TEXT_CHARS_MAX
    {
        return Err(wrong("`text` is longer than the 40,000 characters that Slack takes"));
    }
    if let Some(blocks) = message.get("blocks").and_then(Value::as_array)
        && blocks.len() > BLOCKS_MAX
    {
        return Err(wrong("there are more than the 50 `blocks` that Slack takes"));
    }
    Ok(message)
}

fn says_something(content: &Value) -> bool {
    match content {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn wrong(says: &str) -> PrepareError {
    PrepareError(says.to_owned())
}

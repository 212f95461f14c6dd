//! What an API said about an attempt that did not succeed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ended, History};

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

/// What an API said about an attempt, and which rule took it for that.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The rule of the target's `classify` that fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What the API calls it, by that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the API says about it, by that rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Problem details (RFC 9457), where the reply has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDetails>,
}

/// Problem details of a reply (RFC 9457), as far as they are kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProblemDetails {
    /// The type: a URI, `about:blank` where it says none.
    #[serde(rename = "type")]
    pub kind: String,
    /// A summary for people.
    pub title: Option<String>,
    /// The HTTP status of the reply, whatever its body says of that.
    pub status: Option<u16>,
}

// === impl Said ===

impl Said {
    /// What the API said at the end of an attempt: by a rule or as a problem, else in the words of its reply, where that
    /// was kept.
    #[must_use]
    pub fn at_the_end(ended: &Ended) -> Option<Self> {
        let mut said = ended.said.as_deref().cloned().unwrap_or_default();
        let is_titled = said.problem.as_ref().is_some_and(|problem| problem.title.is_some());
        if said.code.is_none() && said.message.is_none() && !is_titled {
            said.message = ended.reply.as_ref().and_then(|reply| words(&reply.body));
        }
        (said != Self::default()).then_some(said)
    }

    /// The same of the last attempt of a delivery.
    #[must_use]
    pub fn last(history: &History) -> Option<Self> {
        Self::at_the_end(history.end_of(history.starts().last()?.attempt)?)
    }
}

/// What a body says is wrong, in a line: the member that mostly says so, else all of it. Pages are for browsers.
fn words(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() || bytes.len() > READ_BYTES_MAX {
        return None;
    }
    let text = match serde_json::from_slice(bytes) {
        Ok(Value::Null) => return None,
        Ok(Value::String(text)) => text,
        Ok(value) => {
            let found = WORDS_AT.iter().find_map(|place| value.pointer(place)?.as_str());
            found.map_or_else(|| value.to_string(), str::to_owned)
        }
        Err(_) => std::str::from_utf8(bytes).ok()?.to_owned(),
    };
    if text.trim_start().starts_with('<') { None } else { line(&text, WORDS_BYTES_MAX) }
}

/// One line of at most so many bytes; none where nothing is left.
pub(crate) fn line(text: &str, bytes_max: usize) -> Option<String> {
    let mut line = text.trim().replace(char::is_control, " ");
    if let Some((end, _)) = line.char_indices().find(|(at, it)| at + it.len_utf8() > bytes_max) {
        line.truncate(end);
    }
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::{line, words};

    #[test]
    fn a_line_is_a_line() {
        #[track_caller]
        fn check(text: &str, expected: Option<&str>) {
            assert_eq!(line(text, 8).as_deref(), expected);
        }
        check(" quota ", Some("quota"));
        check("a\nb\u{1b}c", Some("a b c"));
        check("12345678", Some("12345678"));
        check("1234567é", Some("1234567"));
        check(" \n", None);
    }

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
        assert_eq!(words(&[0xff, 0xfe]), None);
    }
}

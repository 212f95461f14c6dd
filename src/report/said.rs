//! What an API said about an attempt that did not succeed.

use serde::{Deserialize, Serialize};

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
    use super::line;

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
}

//! What an API said about an attempt, as it is written into a report.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report;

/// What an API said about an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Said {
    /// The rule of `classify` that fitted: its name, or `rule` and its number from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What the API calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the API says about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The type of the problem, where the reply is `application/problem+json` (RFC 9457).
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The HTTP status that it came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
}

impl From<&report::Said> for Said {
    fn from(said: &report::Said) -> Self {
        let report::Said { rule, code, message, problem } = said.clone();
        let (kind, title, status) = match problem {
            Some(it) => (Some(it.kind), it.title, it.status),
            None => (None, None, None),
        };
        Self { rule, code, message, kind, title, status }
    }
}

#[cfg(feature = "cli")]
impl Said {
    /// In a line, for people; nothing where there is nothing to tell.
    pub(crate) fn line(&self) -> String {
        let kind = self.kind.as_ref().filter(|kind| *kind != "about:blank");
        let (code, says) =
            (self.code.as_ref().or(kind), self.message.as_ref().or(self.title.as_ref()));
        code.into_iter().chain(says).map(String::as_str).collect::<Vec<_>>().join(": ")
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use super::Said;

    #[test]
    fn what_was_said_is_told_in_a_line() {
        #[track_caller]
        fn check(said: &serde_json::Value, expected: &str) {
            assert_eq!(serde_json::from_value::<Said>(said.clone()).unwrap().line(), expected);
        }
        let said = |text: &str| serde_json::from_str(text).unwrap();
        check(&said(r#"{ "rule": "rule 1" }"#), "");
        check(&said(r#"{ "code": "quota" }"#), "quota");
        check(&said(r#"{ "code": "quota", "message": "Buy more" }"#), "quota: Buy more");
        check(&said(r#"{ "type": "about:blank", "title": "No credit" }"#), "No credit");
        let problem =
            r#"{ "type": "https://a.example/credit", "title": "No credit", "status": 403 }"#;
        check(&said(problem), "https://a.example/credit: No credit");
        check(
            &said(r#"{ "code": "quota", "type": "x", "title": "No credit" }"#),
            "quota: No credit",
        );
    }
}

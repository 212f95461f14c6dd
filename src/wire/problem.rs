//! What went wrong, as the daemon tells it: RFC 9457.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Problem details (RFC 9457).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Problem {
    /// Which problem it is. Stable.
    #[schemars(extend("format" = "uri"))]
    pub r#type: String,
    /// The same, for people.
    pub title: String,
    /// The status of the answer.
    pub status: u16,
    /// What happened, for people.
    pub detail: String,
    /// Everything that is wrong with the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Mistake>,
}

/// Something that is wrong in a request. Says one place.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Mistake {
    /// In the body: a JSON pointer (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A parameter of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// A header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The configuration: file, line, column and key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// What is wrong, and what would be right.
    pub detail: String,
}

//! What the daemon is asked: the bodies of requests, for whoever writes them and for the description of the API. The daemon
//! itself reads them member by member, so that it can say all that is wrong.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::report::{Completion, Priority, Rest};

/// A broadcast that is to be sent: `payload`, with `route` or `to`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// What is sent: any JSON. It arrives byte for byte as it stands here, unless the target makes something else of it.
    pub payload: Value,
    /// A route of the configuration. This, or `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Targets of the configuration. These, or `route`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1_000))]
    pub to: Option<Vec<Recipient>>,
    /// What makes it satisfied; else that of the route, else `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<Completion>,
    /// What becomes of the rest after the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// When the verdict falls at the latest: a duration. The route's counts too, where it is earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([0-9]+(us|ms|s|m|h|d))+$"), example = "10s")]
    pub deadline: Option<String>,
    /// How urgent it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Notes that are kept with it and told in its report. No API gets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A recipient: the name of a target, or a map with more to say.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Recipient {
    /// The target; required.
    Name(String),
    /// The target, with more to say.
    Detailed(Detailed),
}

/// A recipient, with more to say.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DetailedRecipient")]
pub struct Detailed {
    /// The target.
    pub target: String,
    /// The completion `all` does not need it.
    #[serde(default)]
    pub optional: bool,
}

/// Which dead letters of a broadcast are to be sent again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Only these targets. What may have been applied is sent again only where it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
}

/// Which dead letters are to be sent again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayAll {
    /// Of that broadcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uuid"))]
    pub broadcast: Option<String>,
    /// To that target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Sent to that route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// With that outcome. What is `indeterminate` is left, unless it is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DeadOutcome>,
    /// For that reason, by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Ended then or later: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub from: Option<String>,
    /// Ended before: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Says what would be done, and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub limit: Option<usize>,
    /// Deliveries a second: it goes on in the background.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub rate: Option<u32>,
}

/// Which dead letters are taken off the list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discard {
    /// Of that broadcast.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uuid"))]
    pub broadcast: Option<String>,
    /// To that target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Sent to that route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// With that outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DeadOutcome>,
    /// For that reason, by its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Ended then or later: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub from: Option<String>,
    /// Ended before: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub until: Option<String>,
    /// Says what would be done, and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// At most so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000))]
    pub limit: Option<usize>,
}

/// How a delivery ended that is a dead letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeadOutcome {
    /// It is certain that nothing was applied.
    Failed,
    /// It may have been applied.
    Indeterminate,
    /// Its time was over before it could be sent.
    Expired,
    /// A canned reply stood in.
    Substituted,
}

/// An event in structured mode: CloudEvents 1.0 as JSON. Other members of it are extensions.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "CloudEvent")]
pub struct Event {
    /// `1.0`.
    #[schemars(extend("const" = "1.0"))]
    pub specversion: String,
    /// Which event of its source it is.
    #[schemars(length(min = 1))]
    pub id: String,
    /// Where it happened: a URI reference.
    #[schemars(length(min = 1), extend("format" = "uri-reference"))]
    pub source: String,
    /// What happened.
    #[schemars(length(min = 1))]
    pub r#type: String,
    /// The media type of the data; JSON unless it says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    /// What the data adheres to: an absolute URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "uri"))]
    pub dataschema: Option<String>,
    /// What of its source it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When it happened: RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub time: Option<String>,
    /// The data, where it is JSON or text: it is the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The data, where it is not: base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("contentEncoding" = "base64"))]
    pub data_base64: Option<String>,
    /// Extensions: text, `true`, `false`, or whole numbers.
    #[serde(flatten)]
    pub extensions: Map<String, Value>,
}

//! Who goes first where not all can go at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How urgent a broadcast is. It matters where deliveries stand before the gate of a target: of seven that are let
/// through, four are urgent, two normal and one can wait, as long as there are some of each.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It can wait.
    Low,
    /// As most are.
    #[default]
    Normal,
    /// It is urgent.
    High,
}

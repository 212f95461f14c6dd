//! A text, fixed or worked out.

use std::fmt;

use fanfare_mapping::{Filter, Limits, RunError};
use serde_json::Value;

use crate::report::line;

/// Bytes of the value of a header or of a pair of the query.
pub(super) const VALUE_BYTES_MAX: usize = 8 << 10;

/// A text, fixed or worked out of a payload or a reply. Its `Debug` does not show it.
#[derive(Clone)]
pub enum Text {
    /// As it is.
    Fixed(String),
    /// By jq; `null` is none.
    Jq(Filter),
}

impl Text {
    /// Its expression, where it has one.
    pub(super) fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Fixed(_) => None,
            Self::Jq(filter) => Some(filter),
        }
    }

    /// One line of a reply; none where it cannot be worked out: what a reply lacks is no mistake of ours.
    pub(super) fn of_reply(&self, input: &Value, bytes_max: usize) -> Option<String> {
        let text = match self {
            Self::Fixed(text) => text.clone(),
            Self::Jq(filter) => filter.run_text(input, Limits::default()).ok()??,
        };
        line(&text, bytes_max)
    }

    /// What it is for a payload; says what is wrong where it cannot be worked out.
    pub(super) fn for_payload(&self, input: &Value) -> Result<Option<String>, String> {
        match self {
            Self::Fixed(text) => Ok(Some(text.clone())),
            Self::Jq(filter) => {
                let limits = Limits { output_bytes_max: VALUE_BYTES_MAX, ..Limits::default() };
                filter.run_text(input, limits).map_err(|error| error.to_string())
            }
        }
    }

    /// The same, where it may be more than a text.
    pub(super) fn value_for_payload(&self, input: &Value) -> Result<Value, String> {
        match self {
            Self::Fixed(text) => Ok(text.as_str().into()),
            Self::Jq(filter) => {
                let limits = Limits { output_bytes_max: VALUE_BYTES_MAX, ..Limits::default() };
                match filter.run(input, limits) {
                    Err(RunError::NoOutput) => Ok(Value::Null),
                    output => output.map_err(|error| error.to_string()),
                }
            }
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").finish_non_exhaustive()
    }
}

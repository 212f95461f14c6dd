//! What can be wrong with an expression, and with one run of it.

use std::time::Duration;

/// An expression that is no jq, or asks for what is not available.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}, at byte {offset}")]
#[non_exhaustive]
pub struct ParseError {
    /// Where it is wrong, in bytes from the start of the source. Always on the border of a character.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

/// A run that gave nothing usable. Never contains anything of the payload.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The expression gave nothing, as `empty` does.
    #[error("the expression gave no output")]
    NoOutput,
    /// The expression raised an error, or its output cannot be written as what was asked for.
    #[error("{0}")]
    Failed(String),
    /// The output is larger than allowed.
    #[error("the output is larger than {max} bytes")]
    TooLarge {
        /// [`Limits::output_bytes_max`](crate::Limits::output_bytes_max).
        max: usize,
    },
    /// It takes more steps than allowed: it goes on for ever, or as long as a number of the payload says.
    #[error("it takes more than {max} steps")]
    TooLong {
        /// [`Limits::steps_max`](crate::Limits::steps_max).
        max: u64,
    },
    /// It takes longer than allowed: each of its steps takes long, since what it works on is large.
    #[error("it takes longer than {} s", .max.as_secs())]
    TooSlow {
        /// How long it may take.
        max: Duration,
    },
    /// A filter calls itself again and again, until the stack is nearly used up.
    #[error("a filter calls itself too deep")]
    TooDeepCalls,
    /// The input or the output is nested deeper than allowed.
    #[error("a value is nested deeper than {max} levels")]
    TooDeep {
        /// How deep it may be.
        max: usize,
    },
}

impl ParseError {
    pub(crate) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into() }
    }
}

//! jq expressions over payloads: mappings, conditions, texts for headers.
//!
#![doc = include_str!("docs.md")]

mod allowance;
mod error;
mod extent;
mod filter;
mod prelude;
mod redact;
mod syntax;
mod terms;
mod value;

pub use self::{
    allowance::quickly,
    error::{ParseError, RunError},
    filter::{Filter, Limits},
};

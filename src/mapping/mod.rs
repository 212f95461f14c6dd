//! Payload mapping with jq: what one target gets of a payload, and what the report shows of its reply.

mod form;
mod jq_mapper;

pub use fanfare_mapping::{Filter, Limits, ParseError, RunError};

pub use self::{form::BodyForm, jq_mapper::JqMapper};

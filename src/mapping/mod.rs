//! Mapping with jq: what one target gets of a payload, what its reply means, and what the report shows of it.

mod form;
mod jq_mapper;
mod reply_input;
mod rule;

pub use fanfare_mapping::{Filter, Limits, ParseError, RunError};

pub use self::{
    form::BodyForm,
    jq_mapper::JqMapper,
    rule::{HeaderTest, Rule, Rules, Text},
};

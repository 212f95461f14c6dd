//! Mapping with jq: what one target gets of a payload, what its reply means, and what the report shows of it.

mod body;
mod cloud_events;
mod dialect;
mod form;
mod jq_mapper;
mod merge;
mod multipart;
mod reply_input;
mod rule;
mod text;

pub use fanfare_mapping::{Filter, Limits, ParseError, RunError};

#[cfg(feature = "config")]
pub(crate) use self::cloud_events::{wrong_name, wrong_value};
pub use self::{
    body::Body,
    cloud_events::{CloudEvents, EventMode},
    dialect::Dialect,
    form::BodyForm,
    jq_mapper::{JqMapper, Worked},
    multipart::{Part, PartContent},
    rule::{HeaderTest, Rule, Rules},
    text::Text,
};

//! The Slack target: incoming webhooks, and `chat.postMessage` of the Web API.
//!
#![doc = include_str!("docs.md")]

mod api;
mod errors;
mod kind;
mod message;
mod settings;

pub use self::{api::SlackTarget, kind::SlackKind, settings::SlackSettings};

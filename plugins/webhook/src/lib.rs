//! The signed webhook target: Standard Webhooks 1.0.0.
//!
#![doc = include_str!("docs.md")]

mod api;
mod kind;
mod settings;
mod signature;

pub use self::{api::WebhookTarget, kind::WebhookKind, settings::WebhookSettings};

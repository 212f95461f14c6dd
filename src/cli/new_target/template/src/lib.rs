//! The Acme target.
//!
#![doc = include_str!("docs.md")]

mod api;
mod kind;
mod settings;

pub use self::{api::AcmeTarget, kind::AcmeKind, settings::AcmeSettings};

//! The GitHub target: repository dispatch, which starts workflows.
//!
#![doc = include_str!("docs.md")]

mod api;
mod kind;
mod limits;
mod settings;

pub use self::{api::GithubTarget, kind::GithubKind, settings::GithubSettings};

//! The declarative HTTP target: an API described by its settings alone.
//!
#![doc = include_str!("docs.md")]

mod api;
mod key;
mod kind;
mod settings;
mod template;
mod value;
mod variables;

pub use self::{
    api::HttpTarget,
    kind::HttpKind,
    settings::{
        CompressSetting, HttpSettings, IdempotencyKeySettings, ProbeSettings, RepeatSetting,
        VersionIn,
    },
    value::{JqSetting, ListForm, QueryJqSetting, ValueSetting},
};

//! Authorizers that every target can use: bearer token, basic, API key.
//!
#![doc = include_str!("docs.md")]

mod api_key;
mod aws;
mod basic;
mod bearer;
mod digest;
mod error;
mod hmac;
mod keyed;
mod refusal;
mod settings;

pub use self::{
    api_key::{ApiKey, ApiKeyIn},
    aws::{AwsSettings, AwsSigner},
    basic::Basic,
    bearer::Bearer,
    digest::Digest,
    error::AuthSettingError,
    hmac::{HmacDigest, HmacPreset, HmacSettings, HmacSigner, KeyForm, SignatureForm},
    settings::{ApiKeySettings, AuthSettings, BasicSettings, BearerSettings, DigestSettings},
};

//! Authorizers that every target can use: secrets that are sent, and signatures.
//!
#![doc = include_str!("docs.md")]

mod api_key;
mod aws;
mod basic;
mod bearer;
mod digest;
mod error;
mod hmac;
mod jwt;
mod keyed;
mod message;
mod oauth;
mod oauth1;
mod places;
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
    jwt::{Jwt, JwtAlgorithm, JwtClaims, JwtSettings},
    message::{BodyDigest, MessageAlgorithm, MessageSettings, MessageSigner},
    oauth::{
        AssertionSettings, ClientAssertionSettings, ClientAuth, DpopSettings, Grant, OAuth2,
        OAuth2Settings, RefreshTokenSettings,
    },
    oauth1::{OAuth1, OAuth1Method, OAuth1Settings},
    places::AuthPlace,
    settings::{ApiKeySettings, AuthSettings, BasicSettings, BearerSettings, DigestSettings},
};

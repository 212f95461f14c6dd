//! What people write below `auth.oauth1`.

use fanfare_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// OAuth 1.0a (RFC 5849).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct OAuth1Settings {
    /// The client's name.
    #[schemars(with = "String")]
    pub consumer_key: Secret,
    /// The client's secret.
    #[schemars(with = "String")]
    pub consumer_secret: Secret,
    /// For whom the client acts; without it for itself.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token: Option<Secret>,
    /// The token's secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub token_secret: Option<Secret>,
    /// How it is signed.
    #[serde(default)]
    pub method: OAuth1Method,
    /// Where the API wants one.
    #[serde(default)]
    pub realm: Option<String>,
}

/// How a request is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
pub enum OAuth1Method {
    /// As RFC 5849 has it.
    #[default]
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    /// Where the API takes it.
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
}

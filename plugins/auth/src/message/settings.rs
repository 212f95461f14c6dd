//! What people write below `auth.http_signature`.

use fanfare_sdk::{Secret, Span};
use schemars::JsonSchema;
use serde::Deserialize;

/// HTTP Message Signatures (RFC 9421).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct MessageSettings {
    /// How it is signed. Belongs to the key: it is not sent.
    pub algorithm: MessageAlgorithm,
    /// The private key as PEM, or for `hmac-sha256` the secret as base64.
    #[schemars(with = "String")]
    pub key: Secret,
    /// Under which the API knows the key.
    pub key_id: String,
    /// What is signed: names of headers, `@method`, `@target-uri`, `@authority`, `@scheme`, `@request-target`, `@path`, `@query`,
    /// `@query-param;name="…"`.
    #[serde(default = "components")]
    pub components: Vec<String>,
    /// Under which the signature stands in its headers.
    #[serde(default = "label")]
    pub label: String,
    /// How long it holds: from one second to a day; without an end where it is left out.
    #[serde(default)]
    pub lifetime: Option<Span>,
    /// Whether each signature has a nonce.
    #[serde(default)]
    pub nonce: bool,
    /// What the signature is for, as the API names it.
    #[serde(default)]
    pub tag: Option<String>,
    /// The hash of `content-digest`.
    #[serde(default)]
    pub digest: BodyDigest,
}

/// How a message is signed, by its registered name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
pub enum MessageAlgorithm {
    /// A secret of both sides.
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// An Ed25519 key.
    #[serde(rename = "ed25519")]
    Ed25519,
    /// A key on the curve P-256.
    #[serde(rename = "ecdsa-p256-sha256")]
    EcdsaP256Sha256,
    /// An RSA key of 2048 bits at least.
    #[serde(rename = "rsa-pss-sha512")]
    RsaPssSha512,
}

/// The hash of a body (RFC 9530).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
pub enum BodyDigest {
    /// SHA-256.
    #[default]
    #[serde(rename = "sha-256")]
    Sha256,
    /// SHA-512.
    #[serde(rename = "sha-512")]
    Sha512,
}

fn components() -> Vec<String> {
    ["@method", "@target-uri", "content-type", "content-digest"].map(str::to_owned).into()
}

fn label() -> String {
    "sig1".to_owned()
}

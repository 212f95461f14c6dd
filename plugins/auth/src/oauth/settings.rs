//! What people write about OAuth 2.0.

use std::{collections::BTreeMap, fmt};

use fanfare_sdk::{Secret, Span};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::jwt::{JwtAlgorithm, JwtClaims};

/// A token that is fetched from a token endpoint (RFC 6749).
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct OAuth2Settings {
    /// The token endpoint.
    #[schemars(example = "https://auth.example/oauth2/token")]
    pub token_url: String,
    /// Who we are to it; left out only with `client_auth: none`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_id: Option<Secret>,
    /// For `basic`, `basic_raw` and `post`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<Secret>,
    /// How the client proves who it is.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// What the token is asked for with.
    #[serde(default)]
    pub grant: Grant,
    /// What the token is to allow, parted by spaces.
    #[serde(default)]
    pub scope: Option<String>,
    /// Where the token is to be used (RFC 8707).
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub resource: Vec<String>,
    /// The same, as some vendors call it.
    #[serde(default)]
    pub audience: Option<String>,
    /// Other parameters that the token endpoint asks for.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub parameters: BTreeMap<String, Secret>,
    /// Binds the token to a key of ours (RFC 9449).
    #[serde(default)]
    pub dpop: Option<Box<DpopSettings>>,
}

/// How the client proves who it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// By `Authorization: Basic …`, id and secret form-encoded, as RFC 6749 section 2.3.1 has it.
    #[default]
    Basic,
    /// The same without that encoding, as many servers expect it.
    BasicRaw,
    /// By `client_id` and `client_secret` in the body.
    Post,
    /// By a token that it signs (RFC 7523).
    PrivateKeyJwt(Box<ClientAssertionSettings>),
    /// By the client certificate of the target (RFC 8705): `client_id` in the body.
    Tls,
    /// Not at all: a public client, or a grant that says it all.
    None,
}

/// A token by which the client proves who it is.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct ClientAssertionSettings {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// The private key as PEM in PKCS#8; for `HS…` the client's secret.
    #[schemars(with = "String")]
    pub key: Secret,
    /// For whom it is: the issuer's identifier, as newer servers want it. The token endpoint unless set.
    #[serde(default)]
    pub audience: Option<String>,
    /// Parameters of its header: `kid`, `typ` (`JWT` unless set), `x5t#S256` and others.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
    /// How long it is good for: from one second to five minutes.
    #[serde(default = "assertion_lifetime")]
    pub lifetime: Span,
}

/// What a token is asked for with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Who the client is (RFC 6749 section 4.4).
    #[default]
    ClientCredentials,
    /// A refresh token, which the token endpoint may replace each time (RFC 6749 section 6).
    RefreshToken(RefreshTokenSettings),
    /// A token that we sign (RFC 7523 section 2.1).
    JwtBearer(Box<AssertionSettings>),
}

/// A refresh token.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct RefreshTokenSettings {
    /// The one to begin with. Another one here makes what is in `file` count no more.
    #[schemars(with = "String")]
    pub token: Secret,
    /// An absolute path to a file of ours, which keeps the newest one.
    #[schemars(example = "/var/lib/fanfare/crm.refresh")]
    pub file: String,
}

/// A token by which we ask for a token.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct AssertionSettings {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// The private key as PEM in PKCS#8.
    #[schemars(with = "String")]
    pub key: Secret,
    /// `iss` is needed; `aud` is the token endpoint unless set. `iat`, `exp` and `jti` are fresh in each.
    pub claims: JwtClaims,
    /// Parameters of its header: `kid`, `typ` (`JWT` unless set), `x5t#S256` and others.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
    /// How long it is good for: from one second to an hour.
    #[serde(default = "grant_lifetime")]
    pub lifetime: Span,
}

/// A key that tokens are bound to.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct DpopSettings {
    /// How proofs are signed; not by `HS…`.
    pub algorithm: JwtAlgorithm,
    /// The private key as PEM in PKCS#8.
    #[schemars(with = "String")]
    pub key: Secret,
}

/// Long enough for one request.
fn assertion_lifetime() -> Span {
    Span::secs(60)
}

fn grant_lifetime() -> Span {
    Span::secs(300)
}

/// Where a value comes from the environment or a file, it is a secret wherever it stands.
macro_rules! opaque {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    )*};
}

opaque!(
    OAuth2Settings,
    ClientAssertionSettings,
    RefreshTokenSettings,
    AssertionSettings,
    DpopSettings
);

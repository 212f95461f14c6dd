//! What people write below `auth`.

use std::sync::Arc;

use fanfare_sdk::{Authorizer, Secret, SettingErrors};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    ApiKey, ApiKeyIn, AuthSettingError, AwsSettings, AwsSigner, Basic, Bearer, Digest,
    HmacSettings, HmacSigner, Jwt, JwtSettings, MessageSettings, MessageSigner, OAuth1,
    OAuth1Settings, OAuth2, OAuth2Settings,
};

/// What people write below `auth`: one authorizer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthSettings {
    /// A token that does not change (RFC 6750).
    Bearer(BearerSettings),
    /// User and password (RFC 7617).
    Basic(BasicSettings),
    /// A key in a header, the query or a cookie.
    ApiKey(ApiKeySettings),
    /// A signature by HMAC over what a template says, as most webhooks have it.
    Hmac(Box<HmacSettings>),
    /// User and password, without sending the password (RFC 7616).
    Digest(DigestSettings),
    /// AWS Signature Version 4.
    Aws(AwsSettings),
    /// HTTP Message Signatures (RFC 9421).
    HttpSignature(Box<MessageSettings>),
    /// OAuth 1.0a (RFC 5849).
    #[serde(rename = "oauth1")]
    OAuth1(OAuth1Settings),
    /// A token that we sign, anew for every attempt (RFC 7519).
    Jwt(Box<JwtSettings>),
    /// A token that is fetched from a token endpoint (RFC 6749).
    // By its own name: otherwise it would be `o_auth2`.
    #[serde(rename = "oauth2")]
    OAuth2(Box<OAuth2Settings>),
}

/// A token that does not change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct BearerSettings {
    /// The token alone, without `Bearer`.
    #[schemars(with = "String")]
    pub token: Secret,
}

/// User and password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct BasicSettings {
    /// Without `:`. A secret here, because some APIs take a key in its place.
    #[schemars(with = "String")]
    pub user: Secret,
    /// May be empty.
    #[schemars(with = "String")]
    pub password: Secret,
}

/// A key in a header, the query or a cookie.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct ApiKeySettings {
    /// Where it goes, and under which name.
    #[serde(rename = "in")]
    pub place: ApiKeyIn,
    /// The key itself.
    #[schemars(with = "String")]
    pub value: Secret,
}

/// User and password, without sending the password.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct DigestSettings {
    /// As the API knows it.
    #[schemars(with = "String")]
    pub user: Secret,
    /// May be empty.
    #[schemars(with = "String")]
    pub password: Secret,
    /// Whether the body is protected too where the API offers it (`auth-int`).
    #[serde(default)]
    pub auth_int: bool,
}

impl AuthSettings {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong, with a pointer that begins at the authorizer's name.
    pub fn build(&self) -> Result<Arc<dyn Authorizer>, SettingErrors> {
        self.build_over(0)
    }

    /// The same where what is fetched is fetched over that way, whatever number stands for it: it is shared with nobody
    /// who fetches it over another one.
    ///
    /// # Errors
    /// As [`AuthSettings::build`].
    pub fn build_over(&self, way: u64) -> Result<Arc<dyn Authorizer>, SettingErrors> {
        match self {
            Self::Bearer(it) => built("bearer", Bearer::try_new(&it.token)),
            Self::Basic(it) => built("basic", Basic::try_new(it.user.expose(), &it.password)),
            Self::ApiKey(it) => built("api_key", ApiKey::try_new(&it.place, &it.value)),
            Self::Aws(it) => below("aws", AwsSigner::try_new(it)),
            Self::HttpSignature(it) => below("http_signature", MessageSigner::try_new(it)),
            Self::OAuth1(it) => below("oauth1", OAuth1::try_new(it)),
            Self::Digest(it) => {
                built("digest", Digest::try_new(it.user.expose(), &it.password, it.auth_int))
            }
            Self::Hmac(it) => below("hmac", HmacSigner::try_new(it)),
            Self::Jwt(it) => below("jwt", Jwt::try_new(it)),
            Self::OAuth2(it) => below("oauth2", OAuth2::over(it, way)),
        }
    }
}

fn built<A: Authorizer>(
    name: &str,
    authorizer: Result<A, AuthSettingError>,
) -> Result<Arc<dyn Authorizer>, SettingErrors> {
    let mut wrong = SettingErrors::default();
    let authorizer = authorizer
        .map_err(|error| wrong.push(&[name, error.setting], error.message))
        .map(|authorizer| Arc::new(authorizer) as Arc<dyn Authorizer>);
    wrong.or(authorizer.ok())
}

/// The same for an authorizer that says all that is wrong, each below its name.
fn below<A: Authorizer>(
    name: &str,
    authorizer: Result<A, SettingErrors>,
) -> Result<Arc<dyn Authorizer>, SettingErrors> {
    let under = |errors: SettingErrors| errors.below(name);
    authorizer.map(|authorizer| Arc::new(authorizer) as Arc<dyn Authorizer>).map_err(under)
}

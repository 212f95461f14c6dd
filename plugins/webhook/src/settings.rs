//! What people write about a webhook.

use std::{collections::BTreeMap, fmt};

use fanfare_sdk::{Secret, SettingErrors, check};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::WebhookTarget;

/// What people write about a webhook. Checked by [`WebhookTarget::try_new`].
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[schemars(title = "webhook", description = "The signed webhook target: Standard Webhooks 1.0.0.")]
#[non_exhaustive]
pub struct WebhookSettings {
    /// Absolute, `http` or `https`. No user info, no secret in its query.
    #[schemars(example = "https://audit.example/hook")]
    pub url: String,
    /// `whsec_` and the base64 of 24 to 64 random bytes, or `whsk_` and that of an ed25519 key. Either this or `secrets`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub secret: Option<Secret>,
    /// While a secret is being changed: the newest first. Every request is signed with all of them.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 8))]
    pub secrets: Vec<Secret>,
    /// One value each. A `Content-Type` replaces the payload's.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
}

impl WebhookSettings {
    /// A webhook at this URL, signed with this secret.
    #[must_use]
    pub fn new(url: impl Into<String>, secret: Secret) -> Self {
        let (secret, secrets, headers) = (None, vec![secret], BTreeMap::new());
        Self { url: url.into(), secret, secrets, headers }
    }

    /// Signed with an older secret too, while receivers change to the newer ones.
    #[must_use]
    pub fn older_secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// With this header; its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), Secret::new(value));
        self
    }

    /// Checks them: the same as [`WebhookTarget::try_new`].
    ///
    /// # Errors
    /// All settings that are wrong.
    pub fn build(&self) -> Result<WebhookTarget, SettingErrors> {
        WebhookTarget::try_new(self)
    }
}

impl fmt::Debug for WebhookSettings {
    /// Without path and query, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSettings")
            .field("url", &check::masked_url(&self.url))
            .field("secret", &self.secret)
            .field("secrets", &self.secrets)
            .field("headers", &self.headers)
            .finish()
    }
}

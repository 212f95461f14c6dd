//! What people write about Acme.

use std::fmt;

use fanfare_sdk::{Secret, SettingErrors, check};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::AcmeTarget;

/// What people write about Acme. Checked by [`AcmeTarget::try_new`].
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[schemars(title = "acme", description = "Messages to Acme.")]
#[non_exhaustive]
pub struct AcmeSettings {
    /// Where it takes messages: absolute, `http` or `https`. No user info, no secret in its query.
    #[schemars(example = "https://api.example/messages")]
    pub url: String,
    /// The key of the account.
    #[schemars(with = "String")]
    pub api_key: Secret,
}

impl AcmeSettings {
    /// Messages to this URL, with this key.
    #[must_use]
    pub fn new(url: impl Into<String>, api_key: Secret) -> Self {
        Self { url: url.into(), api_key }
    }

    /// Checks them: the same as [`AcmeTarget::try_new`].
    ///
    /// # Errors
    /// All settings that are wrong.
    pub fn build(&self) -> Result<AcmeTarget, SettingErrors> {
        AcmeTarget::try_new(self)
    }
}

impl fmt::Debug for AcmeSettings {
    /// Without path and query, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeSettings")
            .field("url", &check::masked_url(&self.url))
            .field("api_key", &self.api_key)
            .finish()
    }
}

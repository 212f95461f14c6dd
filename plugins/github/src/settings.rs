//! What people write about GitHub.

use std::fmt;

use fanfare_sdk::{SettingErrors, check};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::GithubTarget;

/// What people write about GitHub. Checked by [`GithubTarget::try_new`].
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[schemars(title = "github", description = "Events that start workflows: repository dispatch.")]
#[non_exhaustive]
pub struct GithubSettings {
    /// Owner and name: `octo/hello`.
    #[schemars(example = "octo/hello")]
    pub repository: String,
    /// What has happened: at most 100 characters. A workflow takes it by `on: repository_dispatch: types:`.
    #[schemars(length(min = 1, max = 100))]
    pub event_type: String,
    /// Where the API is; `https://api.github.com` unless set.
    #[serde(default = "api")]
    #[schemars(example = "https://github.example/api/v3")]
    pub api: String,
    /// Who asks: GitHub refuses requests without a `User-Agent`, and asks for the name of the account or the application.
    #[serde(default = "user_agent")]
    pub user_agent: String,
}

impl GithubSettings {
    /// Events of this type, to this repository.
    #[must_use]
    pub fn new(repository: impl Into<String>, event_type: impl Into<String>) -> Self {
        let (repository, event_type) = (repository.into(), event_type.into());
        Self { repository, event_type, api: api(), user_agent: user_agent() }
    }

    /// Checks them: the same as [`GithubTarget::try_new`].
    ///
    /// # Errors
    /// All settings that are wrong.
    pub fn build(&self) -> Result<GithubTarget, SettingErrors> {
        GithubTarget::try_new(self)
    }
}

impl fmt::Debug for GithubSettings {
    /// Of the API's URL only the origin: its path may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubSettings")
            .field("repository", &self.repository)
            .field("event_type", &self.event_type)
            .field("api", &check::masked_url(&self.api))
            .finish_non_exhaustive()
    }
}

fn api() -> String {
    "https://api.github.com".to_owned()
}

fn user_agent() -> String {
    "fanfare".to_owned()
}

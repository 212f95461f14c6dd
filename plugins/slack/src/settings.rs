//! What people write about Slack.

use std::fmt;

use fanfare_sdk::{Secret, SettingErrors, check};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::SlackTarget;

/// What people write about Slack. Checked by [`SlackTarget::try_new`].
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[schemars(
    title = "slack",
    description = "Messages to Slack, by an incoming webhook or by chat.postMessage."
)]
#[non_exhaustive]
pub struct SlackSettings {
    /// The URL of an incoming webhook: a secret as a whole. Either this, or `channel`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub webhook: Option<Secret>,
    /// The channel's id (`C0123456789`), for the Web API. A message that names another `channel` goes there.
    #[serde(default)]
    pub channel: Option<String>,
    /// Where the Web API is, beside `channel`; `https://slack.com/api` unless set.
    #[serde(default)]
    #[schemars(example = "https://slack-gov.com/api")]
    pub api: Option<String>,
}

impl SlackSettings {
    /// By an incoming webhook.
    #[must_use]
    pub fn webhook(url: Secret) -> Self {
        Self { webhook: Some(url), ..Self::default() }
    }

    /// By the Web API, to this channel. The token of a bot is put on by an authorizer.
    #[must_use]
    pub fn channel(channel: impl Into<String>) -> Self {
        Self { channel: Some(channel.into()), ..Self::default() }
    }

    /// Checks them: the same as [`SlackTarget::try_new`].
    ///
    /// # Errors
    /// All settings that are wrong.
    pub fn build(&self) -> Result<SlackTarget, SettingErrors> {
        SlackTarget::try_new(self)
    }
}

impl fmt::Debug for SlackSettings {
    /// Of the Web API's URL only the origin: its path may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlackSettings")
            .field("webhook", &self.webhook)
            .field("channel", &self.channel)
            .field("api", &self.api.as_deref().map(check::masked_url))
            .finish()
    }
}

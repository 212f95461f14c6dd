//! A secret that cannot be sent, a proof that would hold for too long, and a request that cannot carry one.

use std::time::Duration;

use fanfare_sdk::{AuthError, SettingErrors, Span};

/// A setting of an authorizer that is wrong. Never contains the value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{setting}` {message}")]
#[non_exhaustive]
pub struct AuthSettingError {
    /// The setting's name.
    pub setting: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl AuthSettingError {
    pub(crate) fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting, message: message.into() }
    }

    /// Refuses control characters, which nobody puts into a secret on purpose.
    pub(crate) fn unless_printable(setting: &'static str, text: &str) -> Result<(), Self> {
        if text.chars().any(char::is_control) {
            let says = "contains a control character, perhaps a line break at its end: remove it";
            return Err(Self::new(setting, says));
        }
        Ok(())
    }

    /// Refuses an empty text too.
    pub(crate) fn unless_secret(setting: &'static str, text: &str) -> Result<(), Self> {
        if text.is_empty() {
            return Err(Self::new(
                setting,
                "is empty: is the variable or file that it comes from empty too?",
            ));
        }
        Self::unless_printable(setting, text)
    }
}

/// How long a proof holds: its times are whole seconds, so from one second to the given span.
pub(crate) fn lifetime(
    Span(written): Span,
    longest: Span,
    (wrong, place): (&mut SettingErrors, &[&str]),
) -> Duration {
    if !(Duration::from_secs(1)..=longest.0).contains(&written) {
        wrong.push(place, format!("is not from 1s to {longest}"));
    }
    written
}

/// There is no proof to give for this request, ever.
pub(crate) fn unfit(says: &'static str) -> AuthError {
    AuthError::permanent("unfit").because(says)
}

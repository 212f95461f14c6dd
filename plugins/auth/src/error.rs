//! A secret that cannot be sent, and a request that cannot carry a proof.

use fanfare_sdk::AuthError;

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

/// There is no proof to give for this request, ever.
pub(crate) fn unfit(says: &'static str) -> AuthError {
    AuthError::permanent("unfit").because(says)
}

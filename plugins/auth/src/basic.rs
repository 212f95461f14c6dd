//! `Authorization: Basic …` (RFC 7617).

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare_sdk::{AuthError, Authorizer, Call, Learn, Learned, Secret, Stamp, async_trait};
use http::{HeaderValue, Request, header::AUTHORIZATION};

use crate::{AuthSettingError, refusal};

/// Sends user and password in UTF-8 (RFC 7617 section 2.1).
#[derive(Clone, Debug)]
pub struct Basic {
    // Invariant: marked as sensitive.
    value: HeaderValue,
}

impl Basic {
    /// Checks user and password. Both may be empty: some APIs take a key as the user, without a password.
    ///
    /// # Errors
    /// When the user contains a `:`, or either a control character (RFC 7617 section 2).
    pub fn try_new(user: &str, password: &Secret) -> Result<Self, AuthSettingError> {
        AuthSettingError::unless_printable("user", user)?;
        AuthSettingError::unless_printable("password", password.expose())?;
        if user.contains(':') {
            let says =
                "contains a `:`, where the password would begin: RFC 7617 has no way to send it";
            return Err(AuthSettingError::new("user", says));
        }
        let proof = BASE64_STANDARD.encode(format!("{user}:{}", password.expose()));
        let Ok(mut value) = HeaderValue::try_from(format!("Basic {proof}")) else {
            return Err(AuthSettingError::new("password", "does not fit a header"));
        };
        value.set_sensitive(true);
        Ok(Self { value })
    }
}

#[async_trait]
impl Authorizer for Basic {
    async fn authorize(
        &self,
        _stamp: Stamp,
        _call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        request.headers_mut().insert(AUTHORIZATION, self.value.clone());
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

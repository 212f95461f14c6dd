//! `Authorization: Bearer …` (RFC 6750).

use bytes::Bytes;
use fanfare_sdk::{AuthError, Authorizer, Call, Learn, Learned, Secret, Stamp, async_trait};
use http::{HeaderValue, Request, header::AUTHORIZATION};

use crate::{AuthSettingError, refusal};

/// Sends a token that does not change (RFC 6750 section 2.1): in the header, never in query or body.
#[derive(Clone, Debug)]
pub struct Bearer {
    // Invariant: marked as sensitive.
    value: HeaderValue,
}

impl Bearer {
    /// Checks the token. Wider than RFC 6750's `b64token`, because many APIs' tokens are: any visible ASCII.
    ///
    /// # Errors
    /// When it is empty, or contains a space or anything that is not visible ASCII.
    pub fn try_new(token: &Secret) -> Result<Self, AuthSettingError> {
        let wrong = |says: &str| AuthSettingError::new("token", says);
        AuthSettingError::unless_secret("token", token.expose())?;
        if token.expose().contains(' ') {
            return Err(wrong("contains a space: write the token alone, without `Bearer`"));
        }
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let ascii = value.ok().filter(|_| token.expose().is_ascii());
        let Some(mut value) = ascii else { return Err(wrong("is not ASCII")) };
        value.set_sensitive(true);
        Ok(Self { value })
    }
}

#[async_trait]
impl Authorizer for Bearer {
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

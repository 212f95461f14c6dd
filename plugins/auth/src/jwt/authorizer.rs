//! `Authorization: Bearer …` with a token of our own.

use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, SettingErrors, Span, Stamp, async_trait, check,
};
use http::{HeaderName, HeaderValue, Request, header::AUTHORIZATION};

use super::{JwtSettings, Signer, SigningKey, Times, check_claims, head};
use crate::{
    error::{lifetime, unfit},
    refusal,
};

/// The longest that a token of our own is good for: a day, since nobody can take it back.
const LIFETIME_MAX: Span = Span::secs(24 * 60 * 60);

/// Signs a token for every request.
#[derive(Debug)]
pub struct Jwt {
    signer: Signer,
    /// None is `Authorization`, with `Bearer` before the token.
    header: Option<HeaderName>,
}

impl Jwt {
    /// Checks key, claims and header.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn try_new(settings: &JwtSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        check_claims(&settings.claims.0, (&mut wrong, &["claims"]));
        let lifetime = lifetime(settings.lifetime, LIFETIME_MAX, (&mut wrong, &["lifetime"]));
        let header = settings.header.as_deref().map(check::header_name);
        let header = header.and_then(|header| wrong.take(&["header"], header));
        let key = wrong.take(&["key"], SigningKey::try_new(settings.algorithm, &settings.key));
        let signer = key.map(|key| {
            let head = head(&key, "JWT", &settings.headers, (&mut wrong, &["headers"]));
            Signer::new((key, head), settings.claims.0.clone(), lifetime)
        });
        wrong.or(signer.map(|signer| Self { signer, header }))
    }
}

#[async_trait]
impl Authorizer for Jwt {
    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let times = Times::new(call.now, call.nonce);
        let token = self.signer.sign(times).map_err(|_| unfit("the token cannot be signed"))?;
        let (name, value) = match &self.header {
            Some(name) => (name, HeaderValue::try_from(token.expose())),
            None => (&AUTHORIZATION, HeaderValue::try_from(format!("Bearer {}", token.expose()))),
        };
        let mut value = value.map_err(|_| unfit("the token does not fit a header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

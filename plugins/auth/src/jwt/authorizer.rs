//! `Authorization: Bearer …` with a token of our own.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learned, ReplyHead, SettingErrors, Stamp, async_trait, check,
};
use http::{HeaderName, HeaderValue, Request, header::AUTHORIZATION};

use super::{JwtSettings, Signer, SigningKey, Times, head, signer::FRESH};
use crate::{error::unfit, refusal};

/// The longest that a token of our own is good for: a day, since nobody can take it back.
const LIFETIME_SECONDS_MAX: u32 = 86_400;

/// Signs a token for every request.
#[derive(Debug)]
pub struct Jwt {
    signer: Signer,
    /// None is `Authorization`, with `Bearer` before the token.
    header: Option<HeaderName>,
    /// An attempt may make several requests; each has a token of its own.
    signed: AtomicU64,
}

impl Jwt {
    /// Checks key, claims and header.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn try_new(settings: &JwtSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        for name in FRESH.iter().filter(|name| settings.claims.0.contains_key(**name)) {
            wrong.push(&["claims", name], "is fresh in each token: leave it out");
        }
        if !(1..=LIFETIME_SECONDS_MAX).contains(&settings.lifetime_seconds) {
            let says = format!("is not from 1 to {LIFETIME_SECONDS_MAX}");
            wrong.push(&["lifetime_seconds"], says);
        }
        let header = settings.header.as_deref().map(check::header_name);
        let header = header.and_then(|header| wrong.take(&["header"], header));
        let key = wrong.take(&["key"], SigningKey::try_new(settings.algorithm, &settings.key));
        let signer = key.map(|key| {
            let head = head(&key, "JWT", &settings.headers, (&mut wrong, &["headers"]));
            let lifetime = Duration::from_secs(settings.lifetime_seconds.into());
            Signer::new((key, head), settings.claims.0.clone(), lifetime)
        });
        wrong.or(signer.map(|signer| Self { signer, header, signed: AtomicU64::new(0) }))
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
        let nth = self.signed.fetch_add(1, Ordering::Relaxed);
        let times = Times::new(call.now, call.nonce).nth(nth);
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

    fn learn(&self, _stamp: Stamp, head: &ReplyHead) -> Learned {
        refusal::learned(head)
    }
}

//! What a token is asked for with.

use std::sync::Arc;

use fanfare_sdk::{AuthError, Secret, SettingErrors, Span};

use super::{
    Grant, OAuth2Settings,
    client::Form,
    kept::{Kept, Lease},
};
use crate::{
    error::{lifetime, unfit},
    jwt::{Signer, SigningKey, Times, check_claims, head},
};

/// As long as Google's own.
const LIFETIME_MAX: Span = Span::secs(60 * 60);

/// A grant, checked.
#[derive(Debug)]
pub(super) enum Asking {
    ClientCredentials,
    RefreshToken(Arc<Kept>),
    JwtBearer(Box<Signer>),
}

impl Asking {
    /// Checks what was written.
    pub(super) fn of(settings: &OAuth2Settings, wrong: &mut SettingErrors) -> Option<Self> {
        match &settings.grant {
            Grant::ClientCredentials => Some(Self::ClientCredentials),
            Grant::RefreshToken(it) => {
                Kept::of(it, wrong).map(|kept| Self::RefreshToken(Arc::new(kept)))
            }
            Grant::JwtBearer(it) => {
                let at = |key| ["grant", "jwt_bearer", key];
                let mut claims = it.claims.0.clone();
                if !claims.contains_key("iss") {
                    wrong.push(&at("claims"), "has no `iss`: it says who asks (RFC 7523)");
                }
                check_claims(&claims, (wrong, &at("claims")));
                let lifetime = lifetime(it.lifetime, LIFETIME_MAX, (wrong, &at("lifetime")));
                claims.entry("aud").or_insert_with(|| settings.token_url.as_str().into());
                let key = wrong.take(&at("key"), SigningKey::try_new(it.algorithm, &it.key))?;
                let head = head(&key, "JWT", &it.headers, (wrong, &at("headers")));
                Some(Self::JwtBearer(Box::new(Signer::new((key, head), claims, lifetime))))
            }
        }
    }

    /// Where it keeps what a request spends.
    pub(super) fn kept(&self) -> Option<&Arc<Kept>> {
        match self {
            Self::RefreshToken(kept) => Some(kept),
            Self::ClientCredentials | Self::JwtBearer(_) => None,
        }
    }

    /// What it adds to a request.
    pub(super) fn add(
        &self,
        form: &mut Form,
        (lease, times): (Option<&Lease>, Times),
    ) -> Result<(), AuthError> {
        let grant_type = match self {
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken(_) => "refresh_token",
            Self::JwtBearer(_) => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        };
        form.push(("grant_type", Secret::new(grant_type)));
        if let Some(lease) = lease {
            form.push(("refresh_token", lease.token().clone()));
        }
        if let Self::JwtBearer(signer) = self {
            let token = signer.sign(times).map_err(|_| unfit("the assertion cannot be signed"))?;
            form.push(("assertion", token));
        }
        Ok(())
    }
}

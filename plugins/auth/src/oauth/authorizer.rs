//! `Authorization: Bearer …` or `DPoP …` with a token that was fetched.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, Ready, SettingErrors, Stamp, Timestamp,
    async_trait,
};
use http::{Request, header::AUTHORIZATION};

use super::{
    OAuth2Settings, dpop, pool,
    recipe::{Recipe, fingerprint},
    source::Source,
};
use crate::{error::unfit, jwt::Times};

/// Servers whose nonces are remembered: the endpoints of one target.
const SERVERS_MAX: usize = 16;

/// Fetches tokens, and shares them with all that are built from the same settings.
pub struct OAuth2 {
    source: Arc<Source>,
    /// An attempt may make several requests; each has a proof of its own.
    proved: AtomicU64,
    /// By server the newest nonce; of the server that has sent one last, first.
    nonces: Mutex<Vec<(String, String)>>,
}

impl OAuth2 {
    /// Checks the settings. Nothing is fetched yet.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn try_new(settings: &OAuth2Settings) -> Result<Self, SettingErrors> {
        Self::over(settings, 0)
    }

    /// The same over that way, whatever number stands for it: the token is shared with nobody who fetches it over another
    /// one.
    ///
    /// # Errors
    /// All that is wrong with the settings.
    pub fn over(settings: &OAuth2Settings, way: u64) -> Result<Self, SettingErrors> {
        let source = Source::new(Recipe::try_new(settings)?);
        let source = pool::shared(fingerprint(settings, way), source);
        Ok(Self { source, proved: AtomicU64::new(0), nonces: Mutex::default() })
    }

    fn nonces(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.nonces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nonce_of(&self, server: &str) -> Option<String> {
        let nonces = self.nonces();
        nonces.iter().find(|(other, _)| other == server).map(|(_, nonce)| nonce.clone())
    }

    fn note(&self, server: String, nonce: String) {
        let mut nonces = self.nonces();
        nonces.retain(|(other, _)| *other != server);
        nonces.insert(0, (server, nonce));
        nonces.truncate(SERVERS_MAX);
    }
}

#[async_trait]
impl Authorizer for OAuth2 {
    async fn ready(&self, ready: Ready) -> Result<Stamp, AuthError> {
        self.source.ready(ready).await
    }

    fn is_ready(&self, stamp: Stamp, now: Timestamp) -> bool {
        self.source.is_good(stamp, now)
    }

    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let carried = self.source.carried(call.now);
        let carried = carried.ok_or_else(|| unfit("there is no token: was it not made ready?"))?;
        request.headers_mut().insert(AUTHORIZATION, carried.value);
        if let Some(dpop) = self.source.recipe.dpop.as_ref().filter(|_| carried.is_bound) {
            let nonce = self.nonce_of(&dpop::server(request.uri()));
            let nth = self.proved.fetch_add(1, Ordering::Relaxed);
            let times = Times::new(call.now, call.nonce).nth(nth);
            dpop.add(request, (Some(&carried.text), nonce.as_deref()), times)?;
        }
        Ok(())
    }

    fn fetches(&self) -> bool {
        true
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        let (stamp, head) = (it.stamp, it.head);
        // Of no use to a token that is not bound.
        let nonce = dpop::nonce(&head.headers).filter(|_| self.source.is_bound());
        let is_new = nonce.is_some();
        if let Some(nonce) = nonce {
            self.note(dpop::server(it.url), nonce);
        }
        match head.status {
            Some(401) if is_new && dpop::wants_nonce(&head.headers) => Learned::TryAgain,
            Some(401) if self.source.refused(stamp) => Learned::TryAgain,
            Some(401) => Learned::Hopeless,
            // A 403 says that the token is good, and allows too little (RFC 6750 section 3.1).
            Some(200..=299 | 403) => {
                self.source.accepted(stamp);
                Learned::Nothing
            }
            Some(_) | None => Learned::Nothing,
        }
    }
}

impl fmt::Debug for OAuth2 {
    /// What it was built from may come from the environment, and is a secret then.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth2(***)")
    }
}

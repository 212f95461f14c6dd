//! Answers challenges, and remembers what they taught.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, Ready, ReplyHead, Secret, Stamp, async_trait,
};
use http::{HeaderValue, Request, header::AUTHORIZATION};

use super::{
    challenge::{Challenge, next_nonce, strongest},
    response::{Asked, Qop, authorization, secret_hash},
    session::{Session, Sessions},
};
use crate::{AuthSettingError, error::unfit};

/// Proves that it knows the password without sending it (RFC 7616).
///
/// The first request goes without a proof and is refused with a challenge; the engine then grants another try. Requests after
/// that reuse the nonce, counted, as long as the server lets them.
pub struct Digest {
    user: String,
    password: Secret,
    protect_body: bool,
    // A stamp is the generation of the session that was there.
    sessions: Mutex<Sessions>,
}

// === impl Digest ===

impl Digest {
    /// Checks user and password. With `protect_body`, `auth-int` is taken where it is offered beside `auth`.
    ///
    /// # Errors
    /// When the user is empty, or either contains a control character.
    pub fn try_new(
        user: &str,
        password: &Secret,
        protect_body: bool,
    ) -> Result<Self, AuthSettingError> {
        AuthSettingError::unless_secret("user", user)?;
        AuthSettingError::unless_printable("password", password.expose())?;
        let (user, password) = (user.to_owned(), password.clone());
        Ok(Self { user, password, protect_body, sessions: Mutex::default() })
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, sessions: &mut Sessions, challenge: Challenge) {
        let hash = secret_hash(&challenge, &self.user, self.password.expose());
        sessions.begin(Session::new(challenge, hash));
    }

    fn refused(&self, stamp: Stamp, head: &ReplyHead) -> Learned {
        let mut sessions = self.sessions();
        if stamp.0 < sessions.generation {
            // Another request has learned in the meantime.
            return Learned::TryAgain;
        }
        let Some(challenge) = strongest(&head.headers) else { return Learned::Hopeless };
        // A server that has forgotten its nonces need not say `stale`: what was let in once may be let in again.
        let was_good = sessions.current.as_ref().is_none_or(|session| session.is_good);
        let worth_it = challenge.is_stale || was_good;
        self.begin(&mut sessions, challenge);
        if worth_it { Learned::TryAgain } else { Learned::Hopeless }
    }
}

#[async_trait]
impl Authorizer for Digest {
    async fn ready(&self, _ready: Ready) -> Result<Stamp, AuthError> {
        Ok(Stamp(self.sessions().generation))
    }

    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let value = {
            let mut sessions = self.sessions();
            let Some(session) = &mut sessions.current else { return Ok(()) };
            let (count, cnonce) = session.next(hex::encode(call.nonce));
            let asked = Asked {
                method: request.method().as_str(),
                uri: request.uri().path_and_query().map_or("/", |it| it.as_str()),
                body: request.body(),
                qop: Qop::of(session.challenge.qop, self.protect_body),
                count,
                first_nonce: &session.first_nonce,
                cnonce: &cnonce,
            };
            authorization(&session.challenge, &self.user, &session.secret_hash, &asked)
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| unfit("what the server asks for does not fit a header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        let (stamp, head) = (it.stamp, it.head);
        if head.status == Some(401) {
            return self.refused(stamp, head);
        }
        let mut sessions = self.sessions();
        let is_current = stamp.0 == sessions.generation;
        let Some(session) = &mut sessions.current else { return Learned::Nothing };
        session.is_good |= is_current;
        let next = next_nonce(&head.headers).filter(|next| *next != session.challenge.nonce);
        if let Some(nonce) = next {
            let next = session.with_next(nonce);
            sessions.begin(next);
        }
        Learned::Nothing
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(***)")
    }
}

//! What is remembered of a challenge between requests: a nonce serves many of them.

use super::challenge::Challenge;

/// A nonce in use.
pub(super) struct Session {
    pub(super) challenge: Challenge,
    /// The nonce that the challenge came with: with `-sess` the hash of the session is made with it, also after another nonce
    /// has followed (RFC 7616 section 3.4.2).
    pub(super) first_nonce: String,
    /// As the password's: never printed.
    pub(super) secret_hash: String,
    /// The first client nonce: with `-sess` the hash of the session is made with it.
    pub(super) cnonce: Option<String>,
    /// Requests that were made with this nonce.
    pub(super) count: u32,
    /// Whether a request that was made with it was let in.
    pub(super) is_good: bool,
}

/// All sessions of an authorizer: the newest only, and how many there were.
#[derive(Default)]
pub(super) struct Sessions {
    pub(super) current: Option<Session>,
    /// Counts them, from 1; 0 before there is one.
    pub(super) generation: u64,
}

// === impl Session ===

impl Session {
    pub(super) fn new(challenge: Challenge, secret_hash: String) -> Self {
        let first_nonce = challenge.nonce.clone();
        Self { challenge, first_nonce, secret_hash, cnonce: None, count: 0, is_good: false }
    }

    /// The same session with the nonce that follows (RFC 7616 section 3.5).
    pub(super) fn with_next(&self, nonce: String) -> Self {
        let challenge = Challenge { nonce, ..self.challenge.clone() };
        let (first_nonce, secret_hash) = (self.first_nonce.clone(), self.secret_hash.clone());
        let (cnonce, is_good) = (self.cnonce.clone(), self.is_good);
        Self { challenge, first_nonce, secret_hash, cnonce, count: 0, is_good }
    }

    /// The count and the client nonce of the next request.
    pub(super) fn next(&mut self, fresh: String) -> (u32, String) {
        self.count = self.count.saturating_add(1);
        let first = self.cnonce.get_or_insert_with(|| fresh.clone());
        let cnonce = if self.challenge.is_session { first.clone() } else { fresh };
        (self.count, cnonce)
    }
}

// === impl Sessions ===

impl Sessions {
    pub(super) fn begin(&mut self, session: Session) {
        self.generation += 1;
        self.current = Some(session);
    }
}

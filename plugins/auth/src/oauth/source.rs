//! One token for all who ask: fetched by one flight however many wait, refreshed early while the old one still serves,
//! dropped when it is refused.
//!
//! Invariant: a flight has a life of its own. Whoever has begun it may go away: it lands, and what it brings is kept.

use std::{
    sync::{Arc, Mutex as Lock, MutexGuard, PoisonError},
    time::Duration,
};

use fanfare_sdk::{AuthError, Ready, Secret, Stamp, Timestamp, Work};
use futures_util::{
    FutureExt,
    lock::{Mutex, OwnedMutexGuard},
};
use http::HeaderValue;

use super::{
    dpop,
    failure::{Failing, Failure, code},
    kept::Lease,
    recipe::Recipe,
    reply::{Given, read},
};
use crate::jwt::Times;

/// How long before its end a token is refreshed at most.
const EARLY_MAX: Duration = Duration::from_secs(60);

/// How long a token has to have been there before it is dropped, where it took the place of a refused one and was refused
/// itself: what refuses every token does not make us fetch one for every delivery.
const REFUSED_AGAIN_PAUSE: Duration = Duration::from_secs(60);

/// How long a token endpoint may take to answer: a connection and a reply of a slow one.
const FLIGHT_MAX: Duration = Duration::from_secs(10);

/// The same where the request spends a refresh token: whoever does not hear the answer has lost the next one.
const SPENDING_FLIGHT_MAX: Duration = Duration::from_secs(60);

/// Where a token comes from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) recipe: Recipe,
    /// Held by the flight.
    flight: Arc<Mutex<()>>,
    kept: Lock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    failing: Option<Failing>,
    /// Of the token endpoint (RFC 9449 section 8).
    nonce: Option<String>,
    generation: u64,
}

/// A token.
#[derive(Debug)]
struct Token {
    value: HeaderValue,
    text: Secret,
    is_bound: bool,
    fetched: Timestamp,
    refresh_at: Timestamp,
    expires: Timestamp,
    /// When a request carried it last.
    used: Timestamp,
    /// Some API has taken it.
    accepted: bool,
    /// It took the place of one that was refused.
    replaces_refused: bool,
    /// It is not handed out any more. Requests on their way keep it.
    refused: bool,
}

/// What a request carries.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) value: HeaderValue,
    pub(super) text: Secret,
    pub(super) is_bound: bool,
}

enum Look {
    Good(Stamp),
    /// It still serves, but should be refreshed.
    Old(Stamp),
    None,
    Failing(AuthError),
}

/// Notes that a flight was cut off, unless it came to its end.
struct Flying<'a> {
    source: &'a Source,
    ready: &'a Ready,
    is_over: bool,
}

// === impl Source ===

impl Source {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, flight: Arc::default(), kept: Lock::default() }
    }

    /// A token that is good now.
    pub(super) async fn ready(self: &Arc<Self>, ready: Ready) -> Result<Stamp, AuthError> {
        match self.look(ready.by_now()) {
            Look::Good(stamp) => return Ok(stamp),
            Look::Old(stamp) => return Ok(self.refresh(ready, stamp)),
            Look::Failing(error) => return Err(error),
            Look::None => {}
        }
        let flight = self.flight.clone().lock_owned().await;
        match self.look(ready.by_now()) {
            Look::Good(stamp) | Look::Old(stamp) => Ok(stamp),
            Look::Failing(error) => Err(error),
            Look::None => {
                let before = self.kept().generation;
                self.fetch(ready, flight).await;
                self.landed(before)
            }
        }
    }

    /// Has the token refreshed, unless somebody does that already. The old one serves meanwhile.
    fn refresh(self: &Arc<Self>, ready: Ready, old: Stamp) -> Stamp {
        let Some(flight) = self.flight.clone().try_lock_owned() else { return old };
        let now = ready.by_now();
        match self.look(now) {
            Look::Old(old) if self.may_ask(now) => {
                // It may have landed at once.
                let landed = self.fetch(ready, flight).now_or_never();
                landed.and_then(|()| self.landed(old.0).ok()).unwrap_or(old)
            }
            Look::Good(newer) => newer,
            Look::Old(_) | Look::None | Look::Failing(_) => old,
        }
    }

    /// Whether that token is still the one, and good.
    pub(super) fn is_good(&self, stamp: Stamp, now: Timestamp) -> bool {
        match self.look(now) {
            Look::Good(newest) | Look::Old(newest) => newest == stamp,
            Look::None | Look::Failing(_) => false,
        }
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.kept().failing.as_ref().is_none_or(|failing| failing.error(now).is_none())
    }

    fn look(&self, now: Timestamp) -> Look {
        let kept = self.kept();
        let stamp = Stamp(kept.generation);
        match &kept.token {
            Some(token) if !token.refused && now < token.refresh_at => Look::Good(stamp),
            Some(token) if !token.refused && now < token.expires => Look::Old(stamp),
            Some(_) | None => match kept.failing.as_ref().and_then(|failing| failing.error(now)) {
                Some(error) => Look::Failing(error),
                None => Look::None,
            },
        }
    }

    /// Asks the token endpoint, whether or not somebody waits for what is returned.
    fn fetch(self: &Arc<Self>, ready: Ready, flight: OwnedMutexGuard<()>) -> Work {
        let spends = self.recipe.grant.kept().is_some();
        let within = if spends { SPENDING_FLIGHT_MAX } else { FLIGHT_MAX };
        let background = ready.clone();
        background.detach(within, self.clone().fly(ready, flight))
    }

    async fn fly(self: Arc<Self>, ready: Ready, _flight: OwnedMutexGuard<()>) {
        let mut flying = Flying { source: &self, ready: &ready, is_over: false };
        let asked = self.ask(&ready).await;
        flying.is_over = true;
        match asked {
            Ok((given, sent)) => self.keep(given, sent, ready.nonce[0]),
            Err(failure) => self.failed(failure, ready.by_now()),
        }
    }

    /// What the flight has brought that was begun when that one was the newest.
    fn landed(&self, before: u64) -> Result<Stamp, AuthError> {
        let kept = self.kept();
        if kept.generation != before {
            return Ok(Stamp(kept.generation));
        }
        Err(kept.failing.as_ref().map_or_else(|| AuthError::temporary("timeout"), Failing::told))
    }

    /// A token, and when it was asked for.
    async fn ask(&self, ready: &Ready) -> Result<(Given, Timestamp), Failure> {
        let lease = self.lease(ready).await?;
        let times = Times::new(ready.by_now(), ready.nonce);
        // A nonce is asked for once: then it is known (RFC 9449 section 8).
        for again in [false, true] {
            let nonce = self.kept().nonce.clone();
            // What is fresh in a request is so in the second one, too.
            let times = times.nth(if again { 8 } else { 0 });
            let request = self.recipe.request(lease.as_ref(), times, nonce.as_deref())?;
            let sent = ready.by_now();
            let reply =
                ready.wire.send(request).await.map_err(|error| Failure::unreached(&error))?;
            let newer = dpop::nonce(&reply.head.headers);
            let has_newer = newer.is_some();
            if has_newer {
                self.kept().nonce = newer;
            }
            if reply.head.status == Some(200) {
                let given = read(&reply, self.recipe.dpop.is_some(), ready.by_now())?;
                if let Some(lease) = lease {
                    spend(lease, given.refresh_token.clone(), ready).await;
                }
                return Ok((given, sent));
            }
            let wants_nonce = code(&reply).is_some_and(|(code, _)| code == "use_dpop_nonce");
            if again || !wants_nonce || !has_newer {
                return Err(Failure::refused(&reply, ready.by_now()));
            }
        }
        Err(Failure::temporary(
            "use_dpop_nonce",
            "the token endpoint asks for one nonce after the other",
        ))
    }

    /// Takes what belongs to one request alone: the newest refresh token.
    async fn lease(&self, ready: &Ready) -> Result<Option<Lease>, Failure> {
        let Some(kept) = self.recipe.grant.kept().cloned() else { return Ok(None) };
        let lease = ready.blocking(move || kept.lease()).await;
        let lease = lease.unwrap_or_else(|| Err(AuthError::permanent("panicked")));
        lease.map(Some).map_err(Failure::from)
    }

    fn keep(&self, given: Given, now: Timestamp, chance: u8) {
        let Given { value, token, life, is_bound, .. } = given;
        let mut kept = self.kept();
        let replaces_refused = kept.token.as_ref().is_some_and(|token| token.refused);
        kept.generation += 1;
        kept.failing = None;
        kept.token = Some(Token {
            value,
            text: token,
            is_bound,
            fetched: now,
            refresh_at: now.after(life.saturating_sub(early(life, chance))),
            expires: now.after(life),
            used: now,
            accepted: false,
            replaces_refused,
            refused: false,
        });
    }

    fn failed(&self, failure: Failure, now: Timestamp) {
        let mut kept = self.kept();
        kept.failing = Some(Failing::after(kept.failing.as_ref(), failure, now));
    }

    /// Whether the token is bound to our key.
    pub(super) fn is_bound(&self) -> bool {
        self.kept().token.as_ref().is_some_and(|token| token.is_bound)
    }

    /// What a request carries now.
    pub(super) fn carried(&self, now: Timestamp) -> Option<Carried> {
        let mut kept = self.kept();
        let token = kept.token.as_mut()?;
        token.used = token.used.max(now);
        let (value, text) = (token.value.clone(), token.text.clone());
        Some(Carried { value, text, is_bound: token.is_bound })
    }

    /// An API has taken the token.
    pub(super) fn accepted(&self, stamp: Stamp) {
        let mut kept = self.kept();
        if Stamp(kept.generation) == stamp
            && let Some(token) = &mut kept.token
        {
            token.accepted = true;
        }
    }

    /// An API has refused the token. Says whether another one may be taken.
    pub(super) fn refused(&self, stamp: Stamp) -> bool {
        let mut kept = self.kept();
        if Stamp(kept.generation) != stamp {
            // There is a newer one.
            return true;
        }
        let Some(token) = &mut kept.token else { return true };
        let long = token.used.since(token.fetched) >= REFUSED_AGAIN_PAUSE;
        token.refused |= token.accepted || !token.replaces_refused || long;
        token.refused
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long before its end a token is refreshed: a tenth to a fifth of its life, so that those who began together do not
/// come together, and never more than a minute.
fn early(life: Duration, chance: u8) -> Duration {
    life.mul_f64(0.1 + 0.1 * f64::from(chance) / 255.0).min(EARLY_MAX)
}

/// Writes down what follows a refresh token that was spent.
async fn spend(lease: Lease, next: Option<Secret>, ready: &Ready) {
    let written = ready.blocking(move || lease.spent(next)).await;
    if let Err(error) = written.unwrap_or_else(|| Err(AuthError::temporary("panicked"))) {
        ready.warn(&error);
    }
}

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let failure = if std::thread::panicking() {
                Failure::permanent("panicked", "fetching the token panicked")
            } else {
                Failure::temporary("timeout", "the token endpoint did not answer in time")
            };
            self.source.failed(failure, self.ready.by_now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::early;

    #[test]
    fn a_token_is_refreshed_some_time_before_its_end() {
        #[track_caller]
        fn check(life: u64, chance: u8, expected: u64) {
            let early = early(Duration::from_millis(life), chance);
            assert_eq!(early, Duration::from_millis(expected));
        }
        check(0, 255, 0);
        check(1_000, 0, 100);
        check(1_000, 255, 200);
        check(300_000, 0, 30_000);
        check(300_000, 255, 60_000);
        check(3_600_000, 0, 60_000);
    }
}

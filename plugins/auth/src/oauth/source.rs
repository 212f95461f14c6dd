//! One token for all who ask: fetched by one flight however many wait, refreshed early while the old one still serves,
//! dropped when it is refused.

use std::{
    sync::{Mutex as Lock, MutexGuard, PoisonError},
    time::Duration,
};

use fanfare_sdk::{AuthError, Ready, Secret, Stamp, Timestamp};
use futures_util::lock::Mutex;
use http::HeaderValue;

use super::{
    dpop,
    failure::{Failing, Failure, code},
    recipe::Recipe,
    reply::{Given, read},
};
use crate::jwt::Times;

/// How long before its end a token is refreshed at most.
const EARLY_MAX: Duration = Duration::from_secs(60);

/// How long a token has to have been there before it is dropped, where it took the place of a refused one and was refused
/// itself: what refuses every token does not make us fetch one for every delivery.
const REFUSED_AGAIN_PAUSE: Duration = Duration::from_secs(60);

/// Where a token comes from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) recipe: Recipe,
    /// Held by whoever fetches.
    flight: Mutex<()>,
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
    now: Timestamp,
    is_over: bool,
}

// === impl Source ===

impl Source {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self { recipe, flight: Mutex::new(()), kept: Lock::default() }
    }

    /// A token that is good now.
    pub(super) async fn ready(&self, ready: Ready) -> Result<Stamp, AuthError> {
        match self.look(ready.now) {
            Look::Good(stamp) => return Ok(stamp),
            Look::Failing(error) => return Err(error),
            Look::Old(stamp) => {
                let Some(_flight) = self.flight.try_lock() else { return Ok(stamp) };
                return match self.look(ready.now) {
                    Look::Good(stamp) => Ok(stamp),
                    Look::Old(old) if self.may_ask(ready.now) => {
                        Ok(self.fetch(ready).await.unwrap_or(old))
                    }
                    Look::Old(old) => Ok(old),
                    Look::None | Look::Failing(_) => self.fetch(ready).await,
                };
            }
            Look::None => {}
        }
        let _flight = self.flight.lock().await;
        match self.look(ready.now) {
            Look::Good(stamp) | Look::Old(stamp) => Ok(stamp),
            Look::Failing(error) => Err(error),
            Look::None => self.fetch(ready).await,
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

    /// Asks the token endpoint. Whoever calls it holds the flight.
    async fn fetch(&self, ready: Ready) -> Result<Stamp, AuthError> {
        let mut flying = Flying { source: self, now: ready.now, is_over: false };
        let asked = self.ask(&ready).await;
        flying.is_over = true;
        match asked {
            Ok(given) => Ok(self.keep(given, &ready)),
            Err(failure) => Err(self.failed(failure, ready.now)),
        }
    }

    async fn ask(&self, ready: &Ready) -> Result<Given, Failure> {
        let lease = self.recipe.grant.lease()?;
        let times = Times::new(ready.now, ready.nonce);
        // A nonce is asked for once: then it is known (RFC 9449 section 8).
        for again in [false, true] {
            let nonce = self.kept().nonce.clone();
            // What is fresh in a request is so in the second one, too.
            let times = times.nth(if again { 8 } else { 0 });
            let request = self.recipe.request(lease.as_ref(), times, nonce.as_deref())?;
            let reply =
                ready.wire.send(request).await.map_err(|error| Failure::unreached(&error))?;
            let newer = dpop::nonce(&reply.head.headers);
            let has_newer = newer.is_some();
            if has_newer {
                self.kept().nonce = newer;
            }
            if reply.head.status == Some(200) {
                let given = read(&reply, self.recipe.dpop.is_some())?;
                if let Some(lease) = lease {
                    lease.spent(given.refresh_token.clone());
                }
                return Ok(given);
            }
            let wants_nonce = code(&reply).is_some_and(|(code, _)| code == "use_dpop_nonce");
            if again || !wants_nonce || !has_newer {
                return Err(Failure::refused(&reply, ready.now));
            }
        }
        Err(Failure::temporary(
            "use_dpop_nonce",
            "the token endpoint asks for one nonce after the other",
        ))
    }

    fn keep(&self, given: Given, ready: &Ready) -> Stamp {
        let Given { value, token, life, is_bound, .. } = given;
        let mut kept = self.kept();
        let replaces_refused = kept.token.as_ref().is_some_and(|token| token.refused);
        let now = ready.now;
        kept.generation += 1;
        kept.failing = None;
        kept.token = Some(Token {
            value,
            text: token,
            is_bound,
            fetched: now,
            refresh_at: now.after(life.saturating_sub(early(life, ready.nonce[0]))),
            expires: now.after(life),
            used: now,
            accepted: false,
            replaces_refused,
            refused: false,
        });
        Stamp(kept.generation)
    }

    fn failed(&self, failure: Failure, now: Timestamp) -> AuthError {
        let mut kept = self.kept();
        let failing = Failing::after(kept.failing.as_ref(), failure, now);
        let error = failing.told();
        kept.failing = Some(failing);
        error
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

impl Drop for Flying<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let says = "the token endpoint did not answer in time";
            self.source.failed(Failure::temporary("timeout", says), self.now);
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

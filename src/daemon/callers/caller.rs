//! Who a caller is, and what of everything concerns him.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use fanfare_sdk::Timestamp;
use http::{HeaderMap, HeaderValue, header};

use super::{
    file::Keys,
    key::{Key, Scope, Standing},
    token::Token,
    usage::{Usage, policy},
};
use crate::daemon::{ProblemKind, problem::Problem};

/// All callers there may be.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Callers {
    /// By the ids of their keys; none where nobody needs a key.
    known: RwLock<Option<Arc<ById>>>,
}

type ById = HashMap<String, Arc<Known>>;

/// A key, and how much of what it allows is being used.
#[derive(Debug)]
pub(in crate::daemon) struct Known {
    pub(in crate::daemon) key: Key,
    pub(in crate::daemon) usage: Arc<Usage>,
    /// `RateLimit-Policy`.
    pub(in crate::daemon) policy: Option<HeaderValue>,
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(in crate::daemon) enum Caller {
    /// Whoever can open a connection: no keys are asked for.
    Anybody,
    /// Somebody with a key.
    Known(Arc<Known>),
    /// Somebody without one, where none is needed.
    Stranger,
}

impl Callers {
    /// Asks for keys from here on, for these. What was used of a key before stays used.
    pub(in crate::daemon) fn ask_for(&self, keys: &Keys) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let before = known.take().unwrap_or_default();
        let usage = |id: &str| before.get(id).map(|it| it.usage.clone()).unwrap_or_default();
        let entry = |key: &Key| {
            let known = Known { key: key.clone(), usage: usage(&key.id), policy: policy(key) };
            (key.id.clone(), Arc::new(known))
        };
        *known = Some(Arc::new(keys.iter().map(entry).collect()));
    }

    pub(in crate::daemon) fn need_keys(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Who that is. Whatever is wrong with a key, the answer is the same: it tells nothing of keys.
    pub(in crate::daemon) fn identify(
        &self,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(known) = known else { return Ok(Caller::Anybody) };
        let says = "the header `Authorization: Bearer ffk_…` must have a key that is good";
        let refused = || Problem::new(ProblemKind::Unauthorized, says);
        let token = shown(headers).ok_or_else(refused)?;
        let found = known.get(token.id()).ok_or_else(refused)?;
        if !token.is(&found.key.sha256) {
            return Err(refused());
        }
        let Key { id, name, .. } = &found.key;
        match found.key.standing(now) {
            Standing::Active => Ok(Caller::Known(found.clone())),
            // Its caller does not get to know why; whoever operates the daemon does.
            Standing::Expired => {
                tracing::warn!(key = id, caller = name, "refused: the key has expired");
                Err(refused())
            }
            Standing::Revoked => {
                tracing::warn!(key = id, caller = name, "refused: the key was revoked");
                Err(refused())
            }
        }
    }
}

/// `Authorization: Bearer …` (RFC 6750, section 2.1).
fn shown(headers: &HeaderMap) -> Option<Token> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (line, None) = (lines.next()?.to_str().ok()?, lines.next()) else { return None };
    let (scheme, token) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Token::parse(token.trim()))?
}

impl Caller {
    /// Which key it is: no secret.
    pub(in crate::daemon) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Known(known) => Some(&known.key.id),
            Self::Anybody | Self::Stranger => None,
        }
    }

    /// That he may do what that scope allows. `whole`: it concerns more than some routes.
    pub(in crate::daemon) fn may(&self, scope: Scope, whole: bool) -> Result<(), Problem> {
        let Self::Known(known) = self else { return Ok(()) };
        let not_allowed = |says| Err(Problem::new(ProblemKind::NotAllowed, says));
        if !known.key.scopes.contains(&scope) {
            return not_allowed(format!("the key does not have the scope `{scope}`"));
        }
        if whole && known.key.routes.is_some() {
            return not_allowed(
                "the key is bound to routes, and this concerns others too".to_owned(),
            );
        }
        Ok(())
    }

    /// That he may send along that route; none: to targets that he names.
    pub(in crate::daemon) fn may_send(&self, route: Option<&str>) -> Result<(), Problem> {
        if self.reaches(route) {
            return Ok(());
        }
        // Whether there is such a route is not told.
        let says = "the key is bound to other routes: `route` must be one of them";
        Err(Problem::new(ProblemKind::NotAllowed, says))
    }

    /// Whether he gets to see what was sent along that route.
    pub(in crate::daemon) fn reaches(&self, route: Option<&str>) -> bool {
        match self {
            Self::Anybody | Self::Stranger => true,
            Self::Known(known) => known.key.reaches(route),
        }
    }

    /// The routes that he is bound to; none is all.
    pub(in crate::daemon) fn routes(&self) -> Option<Vec<String>> {
        let Self::Known(known) = self else { return None };
        Some(known.key.routes.as_ref()?.iter().cloned().collect())
    }

    /// His idempotency key, apart from the same one of another caller.
    pub(in crate::daemon) fn scoped(&self, idempotency_key: String) -> String {
        match self {
            Self::Anybody | Self::Stranger => idempotency_key,
            // No header has such a character, and no name: it is nobody else's.
            Self::Known(known) => format!("{}\u{1f}{idempotency_key}", known.key.name),
        }
    }
}

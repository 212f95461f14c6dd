//! What one key allows.

use std::{collections::BTreeSet, fmt};

use fanfare_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::gate::RateLimit;

/// What a caller may do.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Send broadcasts.
    Send,
    /// Look at what became of them.
    Read,
    /// Cancel, replay, discard, and pull the levers of targets.
    Operate,
}

/// A key that has been checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key {
    /// What it is found by; not secret.
    pub id: String,
    /// Whose it is. Keys of the same name belong to the same caller.
    pub name: String,
    // Invariant: a SHA-256 in lower-case hexadecimal digits.
    pub(super) sha256: String,
    /// What it allows; never nothing.
    pub scopes: BTreeSet<Scope>,
    /// The routes that it is bound to; none is all, and targets beside them.
    pub routes: Option<BTreeSet<String>>,
    /// Requests a second.
    pub rate: u32,
    // Invariant: `rate` in a second, as many at once.
    pub(in crate::daemon) rate_limit: RateLimit,
    /// Requests at once.
    pub in_flight: u32,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was taken back.
    pub revoked: Option<Timestamp>,
}

/// How a key stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is good.
    Active,
    /// Its time is over.
    Expired,
    /// It was taken back.
    Revoked,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Send, Self::Read, Self::Operate];

    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Read => "read",
            Self::Operate => "operate",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Key {
    /// How it stands then.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.revoked, self.expires) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(expires)) if expires <= now => Standing::Expired,
            (None, _) => Standing::Active,
        }
    }

    /// Whether it may do with that route what its scopes allow.
    #[must_use]
    pub fn reaches(&self, route: Option<&str>) -> bool {
        self.routes.as_ref().is_none_or(|routes| route.is_some_and(|route| routes.contains(route)))
    }
}

//! What people write about tokens that we sign ourselves.

use std::{collections::BTreeMap, fmt};

use fanfare_sdk::{Secret, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::JwtAlgorithm;

/// A token that is signed anew for every attempt.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct JwtSettings {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// The private key as PEM in PKCS#8; for `HS…` the shared key itself.
    #[schemars(with = "String")]
    pub key: Secret,
    /// What it says: `iss`, `sub`, `aud` and whatever else the API asks for. `iat`, `exp` and `jti` are fresh in each.
    #[serde(default)]
    pub claims: JwtClaims,
    /// Parameters of its header: `kid`, `typ` (`JWT` unless set), `x5t#S256` and others.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub headers: BTreeMap<String, Secret>,
    /// How long it is good for: from one second to a day.
    #[serde(default = "lifetime")]
    pub lifetime: Span,
    /// The header that carries it, alone; `Authorization: Bearer …` unless set.
    #[serde(default)]
    pub header: Option<String>,
}

/// Claims by name. Some may be secrets: they are never printed.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct JwtClaims(pub Map<String, Value>);

/// As long as the clocks of two machines may differ, and some more.
fn lifetime() -> Span {
    Span::secs(300)
}

impl fmt::Debug for JwtSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtSettings").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl fmt::Debug for JwtClaims {
    /// Their names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

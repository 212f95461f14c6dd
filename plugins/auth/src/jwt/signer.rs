//! One token after the other: what stays, and what is fresh in each of them.

use std::{collections::BTreeMap, fmt, time::Duration};

use fanfare_sdk::{Secret, SettingErrors, Timestamp};
use jsonwebtoken::Header;
use serde_json::{Map, Value};

use super::SigningKey;

/// Parameters of the header that say how a token is made, which is not for people to say.
const HEAD_FIXED: [&str; 7] = ["alg", "b64", "crit", "enc", "jwk", "x5c", "zip"];

/// Claims that are fresh in each token.
const FRESH: [&str; 3] = ["exp", "iat", "jti"];

/// Signs tokens.
pub(crate) struct Signer {
    key: SigningKey,
    head: Header,
    claims: Map<String, Value>,
    lifetime: Duration,
}

/// What is fresh in a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) now: Timestamp,
    /// Another one for each token.
    pub(crate) nonce: u128,
}

/// The header of tokens that are signed with this key.
pub(crate) fn head(
    key: &SigningKey,
    typ: &str,
    parameters: &BTreeMap<String, Secret>,
    (wrong, parts): (&mut SettingErrors, &[&str]),
) -> Header {
    let mut head = Header::new(key.algorithm);
    head.typ = Some(typ.to_owned());
    for (name, value) in parameters {
        let value = value.expose();
        let mut place: Vec<_> = parts.to_vec();
        place.push(name);
        if value.is_empty() || value.chars().any(char::is_control) {
            wrong.push(&place, "is empty, or contains a control character");
        }
        match name.as_str() {
            "typ" => head.typ = Some(value.to_owned()),
            "kid" => head.kid = Some(value.to_owned()),
            "cty" => head.cty = Some(value.to_owned()),
            "jku" => head.jku = Some(value.to_owned()),
            "x5u" => head.x5u = Some(value.to_owned()),
            "x5t" => head.x5t = Some(value.to_owned()),
            "x5t#S256" => head.x5t_s256 = Some(value.to_owned()),
            fixed if HEAD_FIXED.contains(&fixed) => {
                wrong.push(&place, "is set by whoever signs: leave it out");
            }
            other => head.extras.insert(other, value),
        }
    }
    head
}

/// Claims that a standard has (RFC 7519 section 4.1) are of its types.
pub(crate) fn check_claims(
    claims: &Map<String, Value>,
    (wrong, parts): (&mut SettingErrors, &[&str]),
) {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let is_texts = |value: &Value| {
        let all = value.as_array();
        is_text(value) || all.is_some_and(|all| !all.is_empty() && all.iter().all(is_text))
    };
    for (name, value) in claims {
        let says = match name.as_str() {
            "iss" | "sub" if !is_text(value) => "is to be text, and not empty (RFC 7519)",
            "aud" if !is_texts(value) => "is to be text or a list of texts (RFC 7519)",
            "nbf" if !value.is_number() => "is to be a number: seconds since 1970 (RFC 7519)",
            fresh if FRESH.contains(&fresh) => "is fresh in each token: leave it out",
            _ => continue,
        };
        let place: Vec<_> = parts.iter().copied().chain([name.as_str()]).collect();
        wrong.push(&place, says);
    }
}

impl Signer {
    pub(crate) fn new(
        (key, head): (SigningKey, Header),
        claims: Map<String, Value>,
        lifetime: Duration,
    ) -> Self {
        Self { key, head, claims, lifetime }
    }

    /// A token of its own: `iat`, `exp` and `jti` are fresh.
    pub(crate) fn sign(&self, times: Times) -> Result<Secret, jsonwebtoken::errors::Error> {
        let mut claims = self.claims.clone();
        claims.insert("iat".into(), times.now.as_secs().into());
        claims.insert("exp".into(), times.now.after(self.lifetime).as_secs().into());
        claims.insert("jti".into(), times.jti().into());
        jsonwebtoken::encode(&self.head, &claims, &self.key.key).map(Secret::new)
    }

    /// A token with these claims alone.
    pub(crate) fn sign_claims(
        &self,
        claims: &Map<String, Value>,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&self.head, claims, &self.key.key).map(Secret::new)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?})", self.key)
    }
}

impl Times {
    pub(crate) fn new(now: Timestamp, nonce: [u8; 16]) -> Self {
        Self { now, nonce: u128::from_be_bytes(nonce) }
    }

    /// The `nth` of those that are made from the same chance.
    pub(crate) fn nth(self, nth: u64) -> Self {
        Self { now: self.now, nonce: self.nonce.wrapping_add(nth.into()) }
    }

    pub(crate) fn jti(self) -> String {
        format!("{:032x}", self.nonce)
    }
}

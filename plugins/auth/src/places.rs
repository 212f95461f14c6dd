//! What authorizers write into a request: where two write the same, the later one would replace the proof of the other.

use std::fmt;

use http::{HeaderName, header::AUTHORIZATION};

use crate::{ApiKeyIn, AuthSettings};

/// A place in a request that an authorizer fills.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AuthPlace {
    /// A header.
    Header(HeaderName),
    /// A key of the query.
    Query(String),
    /// A cookie.
    Cookie(String),
    /// A signature among those of a message, by its label.
    Signature(String),
}

impl AuthSettings {
    /// The places that they fill; none of names that are none.
    #[must_use]
    pub fn places(&self) -> Vec<AuthPlace> {
        let header = |name: &str| name.parse().map(AuthPlace::Header).ok();
        let authorization = || AuthPlace::Header(AUTHORIZATION);
        match self {
            Self::Bearer(_) | Self::Basic(_) | Self::Digest(_) | Self::Aws(_) | Self::OAuth1(_) => {
                vec![authorization()]
            }
            Self::ApiKey(it) => match &it.place {
                ApiKeyIn::Header(name) => header(name).into_iter().collect(),
                ApiKeyIn::Query(key) => vec![AuthPlace::Query(key.clone())],
                ApiKeyIn::Cookie(name) => vec![AuthPlace::Cookie(name.clone())],
            },
            Self::Hmac(it) => {
                it.headers().into_iter().filter_map(|(_, name)| header(name)).collect()
            }
            Self::HttpSignature(it) => vec![AuthPlace::Signature(it.label.clone())],
            Self::Jwt(it) => match &it.header {
                Some(name) => header(name).into_iter().collect(),
                None => vec![authorization()],
            },
            Self::OAuth2(it) => {
                let dpop = it.dpop.as_ref().and_then(|_| header("dpop"));
                [authorization()].into_iter().chain(dpop).collect()
            }
        }
    }
}

impl fmt::Display for AuthPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header `{name}`"),
            Self::Query(key) => write!(f, "`{key}` in the query"),
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
            Self::Signature(label) => write!(f, "the signature `{label}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::check;
    use serde_json::{Value, json};

    use crate::AuthSettings;

    #[track_caller]
    fn check(written: Value, expected: &[&str]) {
        let settings: AuthSettings = check::settings(written).unwrap();
        let places: Vec<_> = settings.places().iter().map(ToString::to_string).collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn it_is_known_what_an_authorizer_writes() {
        check(json!({ "bearer": { "token": "a" } }), &["the header `authorization`"]);
        let key = |place: Value| json!({ "api_key": { "in": place, "value": "a" } });
        check(key(json!({ "header": "X-Key" })), &["the header `x-key`"]);
        check(key(json!({ "header": "a b" })), &[]);
        check(key(json!({ "query": "k" })), &["`k` in the query"]);
        check(key(json!({ "cookie": "c" })), &["the cookie `c`"]);
        check(
            json!({ "hmac": { "preset": "slack", "secret": "a" } }),
            &["the header `x-slack-signature`", "the header `x-slack-request-timestamp`"],
        );
        check(
            json!({ "http_signature": { "algorithm": "ed25519", "key": "a", "key_id": "b" } }),
            &["the signature `sig1`"],
        );
        let jwt = |header: Value| json!({ "jwt": { "algorithm": "ES256", "key": "a", "header": header } });
        check(jwt(Value::Null), &["the header `authorization`"]);
        check(jwt(json!("X-Assertion")), &["the header `x-assertion`"]);
        let dpop = json!({ "algorithm": "ES256", "key": "a" });
        check(
            json!({ "oauth2": { "token_url": "a", "dpop": dpop } }),
            &["the header `authorization`", "the header `dpop`"],
        );
    }
}

//! Proofs of possession (RFC 9449): a token is of no use to whoever has not its key.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use fanfare_sdk::{AuthError, Secret, SettingErrors};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::DpopSettings;
use crate::{
    error::unfit,
    jwt::{Signer, SigningKey, Times, head},
};

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A nonce is a short text; what is longer is not kept.
const NONCE_BYTES_MAX: usize = 1024;

/// Makes proofs.
#[derive(Debug)]
pub(super) struct Dpop(Signer);

impl Dpop {
    pub(super) fn of(settings: &DpopSettings, wrong: &mut SettingErrors) -> Option<Self> {
        if !settings.algorithm.is_asymmetric() {
            let says = "is shared with whoever checks it: one with a private key would be right";
            wrong.push(&["dpop", "algorithm"], says);
            return None;
        }
        let key = SigningKey::try_new(settings.algorithm, &settings.key);
        let key = wrong.take(&["dpop", "key"], key)?;
        let jwk = wrong.take(&["dpop", "key"], key.public())?;
        let mut head = head(&key, "dpop+jwt", &Default::default(), (wrong, &["dpop"]));
        head.jwk = Some(jwk);
        Some(Self(Signer::new((key, head), Map::new(), std::time::Duration::ZERO)))
    }

    /// Puts a proof on a request, with the token that it goes with and the server's nonce.
    pub(super) fn add(
        &self,
        request: &mut Request<Bytes>,
        (token, nonce): (Option<&Secret>, Option<&str>),
        times: Times,
    ) -> Result<(), AuthError> {
        let mut claims = Map::new();
        claims.insert("jti".into(), times.jti().into());
        claims.insert("htm".into(), request.method().as_str().into());
        claims.insert("htu".into(), target(request.uri()).into());
        claims.insert("iat".into(), times.now.as_secs().into());
        if let Some(token) = token {
            claims.insert("ath".into(), ath(token).into());
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), nonce.into());
        }
        let proof = self.0.sign_claims(&claims).map_err(|_| unfit("the proof cannot be signed"))?;
        let value = HeaderValue::try_from(proof.expose());
        let mut value = value.map_err(|_| unfit("the proof does not fit a header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(DPOP, value);
        Ok(())
    }
}

/// The nonce that a server wants to see next.
pub(super) fn nonce(headers: &HeaderMap) -> Option<String> {
    let nonce = headers.get("dpop-nonce")?.to_str().ok()?;
    (1..=NONCE_BYTES_MAX).contains(&nonce.len()).then(|| nonce.to_owned())
}

/// Whether a resource asks for a nonce (RFC 9449 section 9).
pub(super) fn wants_nonce(headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(http::header::WWW_AUTHENTICATE).iter();
    challenges.filter_map(|it| it.to_str().ok()).any(|it| it.contains("use_dpop_nonce"))
}

/// Scheme and authority: nonces are the server's.
pub(super) fn server(uri: &Uri) -> String {
    let (scheme, authority) = (uri.scheme_str().unwrap_or(""), uri.authority());
    format!("{scheme}://{}", authority.map_or("", |authority| authority.as_str()))
}

/// The URL without query and fragment (RFC 9449 section 4.2).
fn target(uri: &Uri) -> String {
    format!("{}{}", server(uri), uri.path())
}

/// RFC 9449 section 4.2.
fn ath(token: &Secret) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Secret;
    use serde_json::Value;

    use super::{ath, target};

    #[test]
    fn the_hash_of_a_token_is_that_of_the_standard() {
        let vectors = include_str!("../../tests/vectors/oauth2.json");
        let vectors: Value = serde_json::from_str(vectors).expect("it is JSON");
        for case in vectors["dpop_ath"].as_array().expect("there are cases") {
            let token = case["access_token"].as_str().expect("it is text");
            assert_eq!(ath(&Secret::new(token)), case["ath"]);
        }
    }

    #[test]
    fn the_target_has_no_query() {
        let uri = "https://a.example:8443/b/c?d=e".parse().expect("a URL");
        assert_eq!(target(&uri), "https://a.example:8443/b/c");
    }
}

//! How a client proves who it is to a token endpoint (RFC 6749 section 2.3, RFC 7523, RFC 8705).

use base64::{Engine, prelude::BASE64_STANDARD};
use fanfare_sdk::{AuthError, Secret, SettingErrors, Span};
use http::HeaderValue;
use serde_json::Map;

use super::{ClientAuth, OAuth2Settings};
use crate::{
    error::{lifetime, unfit},
    jwt::{Signer, SigningKey, Times, head},
};

/// RFC 7523 section 2.2.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// RFC 7523 asks for a short life: no request is on its way for longer.
const LIFETIME_MAX: Span = Span::secs(5 * 60);

/// Pairs of a form.
pub(super) type Form = Vec<(&'static str, Secret)>;

/// A client.
#[derive(Debug)]
pub(super) enum Client {
    /// The value of the header `Authorization`.
    Header(HeaderValue),
    /// What stands in the body.
    Body(Form),
    /// A token that it signs, besides what stands in the body.
    Assertion(Box<Signer>),
}

impl Client {
    /// Checks what was written.
    pub(super) fn of(settings: &OAuth2Settings, wrong: &mut SettingErrors) -> Option<Self> {
        let uses_secret = match settings.client_auth {
            ClientAuth::Basic | ClientAuth::BasicRaw | ClientAuth::Post => true,
            ClientAuth::PrivateKeyJwt(_) | ClientAuth::Tls | ClientAuth::None => false,
        };
        let id = text(&settings.client_id, "client_id", wrong);
        let secret = text(&settings.client_secret, "client_secret", wrong);
        if uses_secret && settings.client_secret.is_none() {
            wrong.push(&["client_secret"], "is missing: `client_auth` says how it would be sent");
        }
        if !uses_secret && settings.client_secret.is_some() {
            wrong.push(&["client_secret"], "is not used with that `client_auth`: leave it out");
        }
        let without = matches!(settings.client_auth, ClientAuth::None);
        if !without && settings.client_id.is_none() {
            wrong.push(&["client_id"], "is missing: it is how the token endpoint knows us");
        }
        let is_http =
            settings.token_url.get(..7).is_some_and(|it| it.eq_ignore_ascii_case("http://"));
        if matches!(settings.client_auth, ClientAuth::Tls) && is_http {
            wrong.push(
                &["token_url"],
                "is not asked by TLS, and `client_auth: tls` needs it: `https://…` would be right",
            );
        }
        let in_body = |secret: Option<&Secret>| {
            let id = id.iter().map(|id| ("client_id", (*id).clone()));
            Self::Body(id.chain(secret.map(|it| ("client_secret", it.clone()))).collect())
        };
        match &settings.client_auth {
            ClientAuth::Basic => basic((&encoded(id?), &encoded(secret?)), wrong),
            ClientAuth::BasicRaw => {
                if id.is_some_and(|id| id.expose().contains(':')) {
                    let says = "contains a `:`, where the secret would begin: `basic` encodes it";
                    wrong.push(&["client_id"], says);
                }
                basic((id?.expose(), secret?.expose()), wrong)
            }
            ClientAuth::Post => Some(in_body(Some(secret?))),
            ClientAuth::Tls | ClientAuth::None => Some(in_body(None)),
            ClientAuth::PrivateKeyJwt(assertion) => {
                let place = ["client_auth", "private_key_jwt"];
                let at = |key| [place[0], place[1], key];
                let lifetime = lifetime(assertion.lifetime, LIFETIME_MAX, (wrong, &at("lifetime")));
                let key = SigningKey::try_new(assertion.algorithm, &assertion.key);
                let key = wrong.take(&at("key"), key)?;
                let head = head(&key, "JWT", &assertion.headers, (wrong, &at("headers")));
                let audience = assertion.audience.as_ref().unwrap_or(&settings.token_url);
                if audience.is_empty() || audience.chars().any(char::is_control) {
                    wrong.push(&at("audience"), "is empty, or contains a control character");
                }
                let mut claims = Map::new();
                for name in ["iss", "sub"] {
                    claims.insert(name.into(), id?.expose().into());
                }
                claims.insert("aud".into(), audience.as_str().into());
                Some(Self::Assertion(Box::new(Signer::new((key, head), claims, lifetime))))
            }
        }
    }

    /// What it adds to a request.
    pub(super) fn add(
        &self,
        form: &mut Form,
        times: Times,
    ) -> Result<Option<HeaderValue>, AuthError> {
        match self {
            Self::Header(value) => return Ok(Some(value.clone())),
            Self::Body(pairs) => form.extend(pairs.iter().cloned()),
            Self::Assertion(signer) => {
                let token =
                    signer.sign(times).map_err(|_| unfit("the assertion cannot be signed"))?;
                form.push(("client_assertion_type", Secret::new(ASSERTION_TYPE)));
                form.push(("client_assertion", token));
            }
        }
        Ok(None)
    }
}

fn text<'a>(
    value: &'a Option<Secret>,
    key: &'static str,
    wrong: &mut SettingErrors,
) -> Option<&'a Secret> {
    let value = value.as_ref()?;
    match crate::AuthSettingError::unless_secret(key, value.expose()) {
        Ok(()) => Some(value),
        Err(error) => {
            wrong.push(&[key], error.message);
            None
        }
    }
}

/// RFC 6749 appendix B.
fn encoded(text: &Secret) -> String {
    form_urlencoded::byte_serialize(text.expose().as_bytes()).collect()
}

fn basic((id, secret): (&str, &str), wrong: &mut SettingErrors) -> Option<Client> {
    let proof = BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let value = HeaderValue::try_from(format!("Basic {proof}"));
    let mut value = wrong.take(&["client_secret"], value.map_err(|_| "does not fit a header"))?;
    value.set_sensitive(true);
    Some(Client::Header(value))
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Secret;
    use serde_json::Value;

    use super::encoded;

    #[test]
    fn a_text_is_encoded_as_in_a_form() {
        let vectors = include_str!("../../tests/vectors/oauth2.json");
        let vectors: Value = serde_json::from_str(vectors).expect("it is JSON");
        for case in vectors["form_encoding"].as_array().expect("there are cases") {
            let text = case["in"].as_str().expect("it is text");
            assert_eq!(encoded(&Secret::new(text)), case["out"]);
        }
    }
}

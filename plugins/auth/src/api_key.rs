//! An API key in a header, the query or a cookie (OpenAPI's `apiKey`).

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{AuthError, Authorizer, Call, Learn, Learned, Secret, Stamp, async_trait, check};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header::COOKIE};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{AuthSettingError, refusal};

/// What is no `cookie-octet` (RFC 6265 section 4.1.1), and `%`, so that it can be decoded.
const NO_COOKIE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// Where an API key goes, and under which name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiKeyIn {
    /// Into the header of this name, as it is.
    Header(String),
    /// Into the query, percent-encoded. Seen by every proxy and in every access log on the way.
    Query(String),
    /// Into the cookie of this name, percent-encoded where a cookie needs it (RFC 6265).
    Cookie(String),
}

/// Sends a key that does not change.
#[derive(Clone)]
pub struct ApiKey(Place);

#[derive(Clone)]
enum Place {
    // Invariant: the value is marked as sensitive.
    Header(HeaderName, HeaderValue),
    // Invariant: an encoded pair.
    Query(Secret),
    Cookie(Secret),
}

// === impl ApiKey ===

impl ApiKey {
    /// Checks name and value.
    ///
    /// # Errors
    /// When the name cannot stand there or is the engine's, or the value is empty, contains a control character,
    /// or does not fit a header.
    pub fn try_new(place: &ApiKeyIn, value: &Secret) -> Result<Self, AuthSettingError> {
        AuthSettingError::unless_secret("value", value.expose())?;
        Ok(Self(match place {
            ApiKeyIn::Header(name) => {
                let name = check::header_name(name).map_err(|says| wrong_name(&says))?;
                let value = check::header_value(&name, value.expose());
                let mut value = value.map_err(|says| AuthSettingError::new("value", says))?;
                value.set_sensitive(true);
                Place::Header(name, value)
            }
            ApiKeyIn::Query(name) if name.is_empty() => return Err(wrong_name("is empty")),
            ApiKeyIn::Query(name) if name.chars().any(char::is_control) => {
                return Err(wrong_name("contains a control character: remove it"));
            }
            ApiKeyIn::Query(name) => {
                let (name, value) =
                    (check::percent_encode(name), check::percent_encode(value.expose()));
                Place::Query(Secret::new(format!("{name}={value}")))
            }
            ApiKeyIn::Cookie(name) => {
                // The name of a cookie is a token, as that of a header is (RFC 6265 section 4.1.1).
                if HeaderName::from_bytes(name.as_bytes()).is_err() {
                    return Err(wrong_name("is not the name of a cookie"));
                }
                let value = utf8_percent_encode(value.expose(), NO_COOKIE);
                Place::Cookie(Secret::new(format!("{name}={value}")))
            }
        }))
    }
}

#[async_trait]
impl Authorizer for ApiKey {
    async fn authorize(
        &self,
        _stamp: Stamp,
        _call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        match &self.0 {
            Place::Header(name, value) => {
                request.headers_mut().insert(name, value.clone());
            }
            Place::Query(pair) => {
                *request.uri_mut() = with_query(request.uri(), pair.expose())?;
            }
            Place::Cookie(pair) => {
                let cookies = with_cookie(request.headers(), pair.expose())?;
                request.headers_mut().insert(COOKIE, cookies);
            }
        }
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

impl fmt::Debug for ApiKey {
    /// The place only; in a query or a cookie the name stands beside the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Header(name, _) => write!(f, "ApiKey(header {name})"),
            Place::Query(_) => f.write_str("ApiKey(query)"),
            Place::Cookie(_) => f.write_str("ApiKey(cookie)"),
        }
    }
}

fn wrong_name(says: &str) -> AuthSettingError {
    AuthSettingError::new("in", says)
}

fn with_query(uri: &Uri, pair: &str) -> Result<Uri, AuthError> {
    let path = uri.path();
    let text = match uri.query().map(|query| query.trim_end_matches('&')) {
        None | Some("") => format!("{path}?{pair}"),
        Some(query) => format!("{path}?{query}&{pair}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(text.try_into().map_err(|_| does_not_fit("url"))?);
    Uri::from_parts(parts).map_err(|_| does_not_fit("url"))
}

/// One header with all cookies: more than one is not allowed (RFC 6265 section 5.4).
fn with_cookie(headers: &HeaderMap, pair: &str) -> Result<HeaderValue, AuthError> {
    let mut cookies = Vec::new();
    for value in headers.get_all(COOKIE).iter().filter(|value| !value.is_empty()) {
        cookies.extend_from_slice(value.as_bytes());
        cookies.extend_from_slice(b"; ");
    }
    cookies.extend_from_slice(pair.as_bytes());
    let mut value = HeaderValue::from_bytes(&cookies).map_err(|_| does_not_fit("cookie"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn does_not_fit(place: &str) -> AuthError {
    AuthError::permanent("unfit").because(format!("the API key does not fit the {place}"))
}

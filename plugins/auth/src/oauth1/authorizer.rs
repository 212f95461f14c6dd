//! Signs a request by OAuth 1.0a.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, Secret, SettingErrors, Stamp, async_trait, check,
};
use http::{
    HeaderValue, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};

use super::{OAuth1Method, OAuth1Settings};
use crate::{
    AuthSettingError,
    error::unfit,
    keyed::{Keyed, KeyedDigest},
    refusal,
};

/// Signs every request with the secrets of a client and of a token, each with a nonce and a time of its own.
pub struct OAuth1 {
    consumer_key: String,
    token: Option<Secret>,
    // Of both secrets (RFC 5849 section 3.4.2).
    key: Keyed,
    method: OAuth1Method,
    realm: Option<String>,
}

// === impl OAuth1 ===

impl OAuth1 {
    /// Checks the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn try_new(settings: &OAuth1Settings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let secrets = [
            ("consumer_key", Some(&settings.consumer_key)),
            ("consumer_secret", Some(&settings.consumer_secret)),
            ("token", settings.token.as_ref()),
            ("token_secret", settings.token_secret.as_ref()),
        ];
        for (key, secret) in secrets {
            let text = secret.map_or("-", |secret| secret.expose());
            let checked = AuthSettingError::unless_secret(key, text).map_err(|it| it.message);
            wrong.take(&[key], checked);
        }
        match (&settings.token, &settings.token_secret) {
            (Some(_), None) => wrong.push(&["token_secret"], "is missing beside `token`"),
            (None, Some(_)) => wrong.push(&["token"], "is missing beside `token_secret`"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let realm = settings.realm.clone();
        let is_plain = |it: char| matches!(it, ' '..='~') && !matches!(it, '"' | '\\');
        if realm.as_ref().is_some_and(|realm| !realm.chars().all(is_plain)) {
            wrong.push(&["realm"], "is to be ASCII without quotes and backslashes");
        }
        let digest = match settings.method {
            OAuth1Method::HmacSha1 => KeyedDigest::Sha1,
            OAuth1Method::HmacSha256 => KeyedDigest::Sha256,
        };
        // The `&` is there even without a token.
        let token_secret = settings.token_secret.as_ref().map_or("", |secret| secret.expose());
        let secrets = [settings.consumer_secret.expose(), token_secret];
        let key = secrets.map(check::percent_encode).join("&");
        wrong.or(Keyed::new(digest, key.as_bytes()).map(|key| Self {
            consumer_key: settings.consumer_key.expose().to_owned(),
            token: settings.token.clone(),
            key,
            method: settings.method,
            realm,
        }))
    }

    /// The parameters of the protocol, without the signature.
    fn parameters<'a>(
        &'a self,
        timestamp: &'a str,
        nonce: &'a str,
    ) -> Vec<(&'static str, &'a str)> {
        let method = match self.method {
            OAuth1Method::HmacSha1 => "HMAC-SHA1",
            OAuth1Method::HmacSha256 => "HMAC-SHA256",
        };
        let mut parameters = vec![
            ("oauth_consumer_key", self.consumer_key.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", method),
            ("oauth_timestamp", timestamp),
        ];
        parameters.extend(self.token.iter().map(|token| ("oauth_token", token.expose())));
        parameters
    }

    fn value(&self, parameters: &[(&'static str, &str)], signature: &str) -> String {
        let mut value = String::from("OAuth ");
        if let Some(realm) = &self.realm {
            value.push_str(&format!("realm=\"{realm}\", "));
        }
        for (name, text) in parameters {
            value.push_str(&format!("{name}=\"{}\", ", check::percent_encode(text)));
        }
        value.push_str(&format!("oauth_signature=\"{}\"", check::percent_encode(signature)));
        value
    }
}

/// What is signed (RFC 5849 section 3.4.1).
fn base_string(request: &Request<Bytes>, parameters: &[(&'static str, &str)]) -> String {
    let uri = request.uri();
    let encoded = |name: &str, value: &str| {
        (check::percent_encode(name).into_owned(), check::percent_encode(value).into_owned())
    };
    let mut pairs: Vec<_> = parameters.iter().map(|(name, value)| encoded(name, value)).collect();
    let query = uri.query().unwrap_or("").as_bytes();
    let body: &[u8] = if is_form(request) { request.body() } else { b"" };
    for text in [query, body] {
        pairs.extend(form_urlencoded::parse(text).map(|(name, value)| encoded(&name, &value)));
    }
    // By name and then by value, both encoded (section 3.4.1.3.2).
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let scheme = uri.scheme_str().unwrap_or("https");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let base = format!("{scheme}://{authority}{}", uri.path());
    let parts = [request.method().as_str(), &base, &pairs.join("&")];
    parts.map(check::percent_encode).join("&")
}

/// Only what is a form is signed with its content (section 3.4.1.3.1).
fn is_form(request: &Request<Bytes>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[async_trait]
impl Authorizer for OAuth1 {
    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let nonce = hex::encode(call.nonce);
        let timestamp = call.now.as_secs().to_string();
        let parameters = self.parameters(&timestamp, &nonce);
        let base = base_string(request, &parameters);
        let signature = BASE64_STANDARD.encode(self.key.sign([base.as_bytes()]));
        let value = HeaderValue::try_from(self.value(&parameters, &signature));
        let mut value = value.map_err(|_| unfit("the signature does not fit its header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

impl fmt::Debug for OAuth1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuth1({:?})", self.method)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use bytes::Bytes;
    use fanfare_sdk::check;
    use http::Request;
    use serde_json::{Value, json};

    use super::{OAuth1, base_string};

    const VECTORS: &str = include_str!("../../tests/vectors/oauth1.json");

    #[track_caller]
    fn check(case: &Value) {
        let text = |key: &str| case[key].as_str().expect("it is text");
        let settings = json!({
            "consumer_key": case["consumer_key"], "consumer_secret": case["consumer_secret"],
            "token": case.get("token"), "token_secret": case.get("token_secret"),
        });
        let settings = check::settings(settings).expect("the settings have their form");
        let oauth = OAuth1::try_new(&settings).expect("the settings are right");
        let body = case["body"].as_str().unwrap_or_default().to_owned();
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        let kind = case["content_type"].as_str().unwrap_or(form);
        let request = Request::builder()
            .method(text("method"))
            .uri(text("sent_url"))
            .header("content-type", kind)
            .body(Bytes::from(body))
            .expect("it is right");
        let parameters = oauth.parameters(text("timestamp"), text("nonce"));
        let base = base_string(&request, &parameters);
        assert_eq!(base, text("base_string"));
        let signature = BASE64_STANDARD.encode(oauth.key.sign([base.as_bytes()]));
        assert_eq!(signature, text("signature"));
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("it is JSON");
        let cases = vectors["cases"].as_array().expect("there are cases");
        assert_eq!(cases.len(), 3);
        cases.iter().for_each(check);
    }

    #[test]
    fn only_a_form_is_signed_with_its_content() {
        #[track_caller]
        fn check(kind: &str, expected: &str) {
            let request = Request::post("https://a.example/").header("content-type", kind);
            let request = request.body(Bytes::from_static(b"c=d")).expect("it is right");
            assert_eq!(base_string(&request, &[]), expected);
        }
        let with = "POST&https%3A%2F%2Fa.example%2F&c%3Dd";
        check("application/x-www-form-urlencoded", with);
        check("Application/X-WWW-Form-Urlencoded ; charset=utf-8", with);
        check("application/json", "POST&https%3A%2F%2Fa.example%2F&");
    }
}

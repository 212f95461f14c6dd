//! How a token is asked for: all of it was checked when it was built.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fanfare_sdk::{AuthError, Secret, SettingErrors, check};
use http::{
    HeaderValue, Request, Uri,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use sha2::{Digest as _, Sha256};

use super::{
    ClientAuth, Grant, OAuth2Settings,
    client::{Client, Form},
    dpop::Dpop,
    grant::Asking,
    kept::Lease,
};
use crate::{error::unfit, jwt::Times};

/// Parameters that have a setting of their own.
const NAMED: [&str; 10] = [
    "assertion",
    "audience",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "refresh_token",
    "resource",
    "scope",
];

/// Those that are built from the same settings have the same: one token serves them all.
pub(super) type Fingerprint = [u8; 32];

/// Tells those apart that must not share a token.
static ALONE: AtomicU64 = AtomicU64::new(0);

/// How a token is asked for.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) token_url: Uri,
    client: Client,
    pub(super) grant: Asking,
    /// Scope, resources, audience, and other parameters.
    form: Vec<(String, Secret)>,
    pub(super) dpop: Option<Dpop>,
}

impl Recipe {
    /// Checks the settings.
    pub(super) fn try_new(settings: &OAuth2Settings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let token_url = wrong.take_all(&["token_url"], check::url(&settings.token_url));
        let client = Client::of(settings, &mut wrong);
        let grant = Asking::of(settings, &mut wrong);
        let form = parameters(settings, &mut wrong);
        let dpop = settings.dpop.as_deref().map(|it| Dpop::of(it, &mut wrong));
        let whole = token_url.zip(client).zip(grant);
        wrong.or(whole.map(|((token_url, client), grant)| Self {
            token_url,
            client,
            grant,
            form,
            dpop: dpop.flatten(),
        }))
    }

    /// A request for a token: `jti`s in it are fresh.
    pub(super) fn request(
        &self,
        lease: Option<&Lease>,
        times: Times,
        nonce: Option<&str>,
    ) -> Result<Request<Bytes>, AuthError> {
        let mut form = Form::new();
        self.grant.add(&mut form, (lease, times))?;
        let authorization = self.client.add(&mut form, times.nth(1))?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &form {
            body.append_pair(name, value.expose());
        }
        for (name, value) in &self.form {
            body.append_pair(name, value.expose());
        }
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let mut request = Request::post(self.token_url.clone())
            .header(CONTENT_TYPE, form)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .body(Bytes::from(body.finish()))
            .map_err(|_| unfit("the request for a token cannot be built"))?;
        if let Some(value) = authorization {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        if let Some(dpop) = &self.dpop {
            dpop.add(&mut request, (None, nonce), times.nth(2))?;
        }
        Ok(request)
    }
}

fn parameters(settings: &OAuth2Settings, wrong: &mut SettingErrors) -> Vec<(String, Secret)> {
    let mut form = Vec::new();
    let mut add = |name: &str, value: &str, place: &[&str], wrong: &mut SettingErrors| {
        if value.is_empty() || value.chars().any(char::is_control) {
            wrong.push(place, "is empty, or contains a control character");
        }
        form.push((name.to_owned(), Secret::new(value)));
    };
    if let Some(scope) = &settings.scope {
        add("scope", scope, &["scope"], wrong);
    }
    for (at, resource) in settings.resource.iter().enumerate() {
        // RFC 8707 section 2.
        if !is_absolute(resource) {
            let says = "is not an absolute URI without a fragment (RFC 8707)";
            wrong.push(&["resource", &at.to_string()], says);
        }
        add("resource", resource, &["resource", &at.to_string()], wrong);
    }
    if let Some(audience) = &settings.audience {
        add("audience", audience, &["audience"], wrong);
    }
    for (name, value) in &settings.parameters {
        if NAMED.contains(&name.as_str()) {
            wrong.push(&["parameters", name], "has a setting of its own: leave it out here");
        }
        add(name, value.expose(), &["parameters", name], wrong);
    }
    form
}

/// Whether it is an absolute URI without a fragment, as far as its characters tell (RFC 3986 sections 3.1 and 4.3).
fn is_absolute(text: &str) -> bool {
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let of_scheme = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'-' | b'.');
    scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(of_scheme)
        && text.bytes().all(|it| it.is_ascii_graphic() && !b"#\"<>\\^`{|}".contains(&it))
}

/// What the token depends on, and the way over which it is fetched: who shares it must not send a secret of ours over a
/// way of theirs. Whoever shows a client certificate has a token of its own: it may be bound to that.
pub(super) fn fingerprint(settings: &OAuth2Settings, way: u64) -> Fingerprint {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    let secret =
        |it: &Option<Secret>| it.as_ref().map_or(String::new(), |it| it.expose().to_owned());
    add(&way.to_string());
    add(&settings.token_url);
    add(&secret(&settings.client_id));
    add(&secret(&settings.client_secret));
    match &settings.client_auth {
        ClientAuth::Basic => add("basic"),
        ClientAuth::BasicRaw => add("basic_raw"),
        ClientAuth::Post => add("post"),
        ClientAuth::None => add("none"),
        ClientAuth::Tls => add(&format!("tls {}", ALONE.fetch_add(1, Ordering::Relaxed))),
        ClientAuth::PrivateKeyJwt(it) => {
            add(&format!("private_key_jwt {:?} {}", it.algorithm, it.lifetime));
            add(it.key.expose());
            add(it.audience.as_deref().unwrap_or_default());
            it.headers.iter().for_each(|(name, value)| add(&format!("{name}: {}", value.expose())));
        }
    }
    match &settings.grant {
        Grant::ClientCredentials => add("client_credentials"),
        Grant::RefreshToken(it) => {
            add("refresh_token");
            add(it.token.expose());
            add(&it.file);
        }
        Grant::JwtBearer(it) => {
            add(&format!("jwt_bearer {:?} {}", it.algorithm, it.lifetime));
            add(it.key.expose());
            add(&serde_json::Value::Object(it.claims.0.clone()).to_string());
            it.headers.iter().for_each(|(name, value)| add(&format!("{name}: {}", value.expose())));
        }
    }
    add(settings.scope.as_deref().unwrap_or_default());
    add(settings.audience.as_deref().unwrap_or_default());
    settings.resource.iter().for_each(|resource| add(resource));
    for (name, value) in &settings.parameters {
        add(&format!("{name}={}", value.expose()));
    }
    if let Some(dpop) = &settings.dpop {
        add(&format!("dpop {:?}", dpop.algorithm));
        add(dpop.key.expose());
    }
    hash.finalize().into()
}

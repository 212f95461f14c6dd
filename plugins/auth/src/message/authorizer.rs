//! Signs a message.

use std::{fmt, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, SettingErrors, Span, Stamp, async_trait,
};
use http::{
    HeaderName, HeaderValue, Request,
    header::{CONTENT_LENGTH, DATE},
};
use sfv::{Integer, KeyRef, ListSerializer, StringRef};
use sha2::{Digest, Sha256, Sha512};

use super::{BodyDigest, MessageSettings, component::Component, key::Key};
use crate::{
    error::{lifetime, unfit},
    refusal,
};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");
const SIGNATURE: HeaderName = HeaderName::from_static("signature");
const SIGNATURE_INPUT: HeaderName = HeaderName::from_static("signature-input");

/// A signature is made for one request: what holds for longer can be replayed for as long.
const LIFETIME_MAX: Span = Span::secs(24 * 60 * 60);

/// Parts of one request that can be signed: each makes a line.
const COMPONENTS_MAX: usize = 64;

/// Signs chosen parts of every request, and its body by way of `content-digest`.
pub struct MessageSigner {
    key: Key,
    // Invariant: none is there twice.
    components: Vec<Component>,
    /// A key of a dictionary (RFC 9651 section 3.1.2).
    label: String,
    // Invariant: both are visible ASCII and spaces.
    key_id: String,
    tag: Option<String>,
    lifetime: Option<Duration>,
    has_nonce: bool,
    digest: BodyDigest,
}

// === impl MessageSigner ===

impl MessageSigner {
    /// Checks the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn try_new(settings: &MessageSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let key = wrong.take(&["key"], Key::try_new(settings.algorithm, &settings.key));
        let mut components: Vec<Component> = Vec::new();
        for (at, text) in settings.components.iter().enumerate() {
            let at = ["components", &at.to_string()];
            let Some(component) = wrong.take(&at, Component::try_new(text)) else { continue };
            if components.contains(&component) {
                wrong.push(&at, "is there twice");
            }
            components.push(component);
        }
        if settings.components.len() > COMPONENTS_MAX {
            wrong.push(&["components"], format!("are more than {COMPONENTS_MAX}"));
        }
        if KeyRef::from_str(&settings.label).is_err() {
            let says = "is to begin with a small letter or `*`, then small letters, digits, `_-.*`";
            wrong.push(&["label"], says);
        }
        let tag = settings.tag.as_deref().unwrap_or("app");
        for (key, text) in [("key_id", settings.key_id.as_str()), ("tag", tag)] {
            if text.is_empty() || StringRef::from_str(text).is_err() {
                wrong.push(&[key], "is to be visible ASCII and spaces, and not empty");
            }
        }
        let place: &[&str] = &["lifetime"];
        let lifetime = settings.lifetime.map(|it| lifetime(it, LIFETIME_MAX, (&mut wrong, place)));
        wrong.or(key.map(|key| Self {
            key,
            components,
            label: settings.label.clone(),
            key_id: settings.key_id.clone(),
            tag: settings.tag.clone(),
            lifetime,
            has_nonce: settings.nonce,
            digest: settings.digest,
        }))
    }

    fn covers(&self, name: &HeaderName) -> bool {
        self.components.iter().any(|it| matches!(it, Component::Field(field) if field == name))
    }

    /// Adds what is signed and not there yet.
    fn complete(&self, call: &Call, request: &mut Request<Bytes>) -> Option<()> {
        let body = request.body();
        let digest = match self.digest {
            BodyDigest::Sha256 => ("sha-256", BASE64_STANDARD.encode(Sha256::digest(body))),
            BodyDigest::Sha512 => ("sha-512", BASE64_STANDARD.encode(Sha512::digest(body))),
        };
        let secs = u64::try_from(call.now.as_secs()).ok()?;
        let date = std::time::UNIX_EPOCH + Duration::from_secs(secs);
        let added = [
            (CONTENT_DIGEST, format!("{}=:{}:", digest.0, digest.1)),
            (CONTENT_LENGTH, body.len().to_string()),
            (DATE, httpdate::fmt_http_date(date)),
        ];
        for (name, value) in added {
            if self.covers(&name) && !request.headers().contains_key(&name) {
                request.headers_mut().insert(name, HeaderValue::try_from(value).ok()?);
            }
        }
        Some(())
    }

    /// The parameters of the signature (RFC 9421 section 2.3).
    fn parameters(&self, call: &Call) -> Option<String> {
        let mut list = ListSerializer::new();
        let mut inner = list.inner_list();
        for component in &self.components {
            let (name, parameter) = component.name();
            let item = inner.bare_item(StringRef::from_str(name).ok()?);
            if let Some(parameter) = parameter {
                let name = KeyRef::from_str("name").ok()?;
                let _written = item.parameter(name, StringRef::from_str(parameter).ok()?).finish();
            }
        }
        let created = call.now.as_secs();
        let key = |name| KeyRef::from_str(name).ok();
        let mut parameters = inner.finish();
        parameters = parameters.parameter(key("created")?, Integer::try_from(created).ok()?);
        if let Some(lifetime) = self.lifetime {
            let expires = Integer::try_from(call.now.after(lifetime).as_secs()).ok()?;
            parameters = parameters.parameter(key("expires")?, expires);
        }
        let nonce = self.has_nonce.then(|| hex::encode(call.nonce));
        let texts =
            [("keyid", Some(&self.key_id)), ("nonce", nonce.as_ref()), ("tag", self.tag.as_ref())];
        for (name, text) in texts {
            let Some(text) = text else { continue };
            parameters = parameters.parameter(key(name)?, StringRef::from_str(text).ok()?);
        }
        let _written = parameters.finish();
        list.finish()
    }

    /// What is signed (RFC 9421 section 2.5).
    ///
    /// # Errors
    /// What the request does not have.
    fn base(&self, parameters: &str, request: &Request<Bytes>) -> Result<String, &'static str> {
        let mut base = String::new();
        for component in &self.components {
            let missing = "a part of the request that is to be signed is missing, or there twice";
            let value = component.value(request).ok_or(missing)?;
            match component.name() {
                (name, None) => base.push_str(&format!("\"{name}\": {value}\n")),
                (name, Some(parameter)) => {
                    base.push_str(&format!("\"{name}\";name=\"{parameter}\": {value}\n"));
                }
            }
        }
        base.push_str(&format!("\"@signature-params\": {parameters}"));
        Ok(base)
    }
}

#[async_trait]
impl Authorizer for MessageSigner {
    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let no_header = || unfit("the signature does not fit its headers");
        self.complete(call, request).ok_or_else(no_header)?;
        let parameters = self.parameters(call).ok_or_else(no_header)?;
        let base = self.base(&parameters, request).map_err(unfit)?;
        let signature = self.key.sign(base.as_bytes()).ok_or_else(|| unfit("no signature"))?;
        let signature = format!("{}=:{}:", self.label, BASE64_STANDARD.encode(signature));
        let input = format!("{}={parameters}", self.label);
        let mut signature = HeaderValue::try_from(signature).map_err(|_| no_header())?;
        signature.set_sensitive(true);
        let input = HeaderValue::try_from(input).map_err(|_| no_header())?;
        // Dictionaries: what others have signed stays.
        request.headers_mut().append(SIGNATURE_INPUT, input);
        request.headers_mut().append(SIGNATURE, signature);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

impl fmt::Debug for MessageSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageSigner({:?})", self.components)
    }
}

#[cfg(test)]
#[path = "vectors.rs"]
mod tests;

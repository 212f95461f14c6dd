//! The target: settings once checked, and the signed request of every call.

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{
    Call, Classification, Effect, Endpoint, HttpApi, Meaning, Payload, PrepareError, Profile,
    Repeat, Reply, Secret, SettingErrors, VersionUse, check,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header::CONTENT_TYPE};

use crate::{WebhookSettings, signature::Signer};

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// Secrets that sign one request: a receiver changes from one to the next, and each costs a hash of the body.
const SECRETS_MAX: usize = 8;
/// Bytes of the longer kind of signature and the space before it.
const SIGNATURE_BYTES: usize = 93;

/// A receiver of signed webhooks.
#[derive(Clone)]
pub struct WebhookTarget {
    url: Uri,
    // Invariant: at least one; the newest first.
    signers: Vec<Signer>,
    headers: HeaderMap,
}

// === impl WebhookTarget ===

impl WebhookTarget {
    /// Checks the settings.
    ///
    /// # Errors
    /// All settings that are wrong, each with what would be right.
    pub fn try_new(settings: &WebhookSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let url = wrong.take_all(&["url"], check::url(&settings.url));
        let signers = signers(settings, &mut wrong);
        let headers = check::headers(&settings.headers, &mut wrong);
        for typed in settings.headers.keys() {
            let own = [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE];
            if let Some(name) = own.iter().find(|name| typed.eq_ignore_ascii_case(name.as_str())) {
                let says = format!("`{name}` is set by the target: leave it out");
                wrong.push(&["headers", typed], says);
            }
        }
        wrong.or(url.map(|url| Self { url, signers, headers }))
    }

    fn uri(&self, call: &Call) -> Result<Uri, PrepareError> {
        call.endpoint.as_ref().map_or_else(|| Ok(self.url.clone()), endpoint_uri)
    }

    fn signature(&self, signed: [&[u8]; 3]) -> Result<HeaderValue, PrepareError> {
        let mut signature = String::with_capacity(self.signers.len() * SIGNATURE_BYTES);
        for signer in &self.signers {
            if !signature.is_empty() {
                signature.push(' ');
            }
            signer.sign(signed, &mut signature);
        }
        let value = HeaderValue::try_from(signature);
        let mut value = value.map_err(|_| PrepareError("the signature is too long".to_owned()))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl HttpApi for WebhookTarget {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        // The standard has receivers recognise a `webhook-id`; another endpoint need not know it.
        profile.repeat = Repeat::SameEndpoint;
        profile.version_use = VersionUse::Ignored;
        profile
    }

    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let id = call.delivery_id.as_str();
        let timestamp = call.now.as_secs().to_string();
        let mut headers = self.headers.clone();
        if let (false, Some(value)) = (headers.contains_key(CONTENT_TYPE), content_type(payload)?) {
            headers.insert(CONTENT_TYPE, value);
        }
        headers.insert(WEBHOOK_ID, webhook_id(id)?);
        let signature = self.signature([id.as_bytes(), timestamp.as_bytes(), payload.bytes()])?;
        headers.insert(WEBHOOK_SIGNATURE, signature);
        let timestamp = HeaderValue::try_from(timestamp);
        let wrong = |_| PrepareError("the timestamp does not fit a header".to_owned());
        headers.insert(WEBHOOK_TIMESTAMP, timestamp.map_err(wrong)?);
        let mut request = Request::new(payload.bytes().clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(call)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let mut meant = Classification::by_status(call, reply);
        (meant.meaning, meant.effect) = match reply.head.status {
            Some(410) => (Meaning::TargetDisabled, Effect::None),
            Some(502 | 504) => (Meaning::Throttled, Effect::Unknown),
            Some(_) | None => (meant.meaning, meant.effect),
        };
        meant
    }
}

impl fmt::Debug for WebhookTarget {
    /// Without path, query and the values of headers: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("WebhookTarget")
            .field("url", &check::masked_url(&self.url.to_string()))
            .field("signers", &self.signers)
            .field("headers", &names)
            .finish()
    }
}

// === checks ===

fn signers(settings: &WebhookSettings, wrong: &mut SettingErrors) -> Vec<Signer> {
    let indices: Vec<_> = (0..settings.secrets.len()).map(|at| at.to_string()).collect();
    let many = indices.iter().zip(&settings.secrets).map(|(at, it)| (vec!["secrets", at], it));
    let written: Vec<(Vec<&str>, &Secret)> =
        settings.secret.iter().map(|it| (vec!["secret"], it)).chain(many).collect();
    match (&settings.secret, written.len()) {
        (_, 0) => wrong.push(&["secret"], "is missing: `whsec_…` would be right"),
        (Some(_), 2..) => wrong.push(&["secrets"], "stands beside `secret`: keep one of them"),
        (None, count) if count > SECRETS_MAX => {
            wrong.push(&["secrets"], format!("are {count}: at most {SECRETS_MAX} would be right"));
        }
        (_, _) => {}
    }
    let signer = |(at, secret): (Vec<&str>, &Secret)| wrong.take(&at, Signer::try_new(secret));
    written.into_iter().filter_map(signer).collect()
}

// === parts of a request ===

fn endpoint_uri(endpoint: &Endpoint) -> Result<Uri, PrepareError> {
    let says = |wrong: Vec<String>| PrepareError(format!("the endpoint {}", wrong.join("; ")));
    check::url(endpoint.as_str()).map_err(says)
}

/// A `.` would let one signed text be read as two different ones.
fn webhook_id(id: &str) -> Result<HeaderValue, PrepareError> {
    let right = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    let value = HeaderValue::try_from(id).ok().filter(|_| right);
    value.ok_or_else(|| {
        PrepareError("the delivery's id is to be visible ASCII without `.`".to_owned())
    })
}

fn content_type(payload: &Payload) -> Result<Option<HeaderValue>, PrepareError> {
    match payload.content_type() {
        "" => Ok(None),
        text => check::header_value(&CONTENT_TYPE, text)
            .map(Some)
            .map_err(|says| PrepareError(format!("the payload's content type {says}"))),
    }
}

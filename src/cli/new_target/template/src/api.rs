//! The target: settings once checked, the request of every call, and what replies mean.

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{
    Call, Classification, Effect, HttpApi, Meaning, Payload, PrepareError, Profile, Reply,
    SettingErrors, check,
};
use http::{HeaderName, HeaderValue, Request, Uri, header::CONTENT_TYPE};
use serde_json::Value;

use crate::AcmeSettings;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Acme, described by settings that have been checked.
#[derive(Clone)]
pub struct AcmeTarget {
    url: Uri,
    // Invariant: marked as sensitive.
    api_key: HeaderValue,
}

// === impl AcmeTarget ===

impl AcmeTarget {
    /// Checks the settings.
    ///
    /// # Errors
    /// All settings that are wrong, each with what would be right.
    pub fn try_new(settings: &AcmeSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let url = wrong.take_all(&["url"], check::url(&settings.url));
        // Marked as sensitive, since its name looks like a secret's.
        let api_key =
            wrong.take(&["api_key"], check::header_value(&API_KEY, settings.api_key.expose()));
        wrong.or(url.zip(api_key).map(|(url, api_key)| Self { url, api_key }))
    }

    fn uri(&self, call: &Call) -> Result<Uri, PrepareError> {
        let Some(endpoint) = &call.endpoint else { return Ok(self.url.clone()) };
        let says = |wrong: Vec<String>| PrepareError(format!("the endpoint {}", wrong.join("; ")));
        check::url(endpoint.as_str()).map_err(says)
    }
}

impl HttpApi for AcmeTarget {
    fn profile(&self) -> Profile {
        // What it leaves out: one request an attempt, 64 KiB of a reply, no versions, and `Repeat::Never`. Where the
        // API's documentation says that it recognises a key, `profile.repeat = Repeat::SameEndpoint` lets the engine
        // send again what may have been applied.
        Profile::default()
    }

    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        if payload.as_json().is_none() {
            return Err(PrepareError("the payload is not JSON".to_owned()));
        }
        Request::post(self.uri(call)?)
            .header(CONTENT_TYPE, "application/json")
            .header(API_KEY, self.api_key.clone())
            .header("idempotency-key", call.idempotency_key.as_str())
            .body(payload.bytes().clone())
            .map_err(|error| PrepareError(error.to_string()))
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let by_status = Classification::by_status(call, reply);
        // An API that says in the body of a 200 that it has not done it: where yours does not, leave `classify` out.
        let Some(code) = refused(reply).filter(|_| by_status.meaning == Meaning::Success) else {
            return by_status;
        };
        let (meaning, effect) = match code.as_str() {
            "busy" => (Meaning::Throttled, Effect::None),
            "internal" => (Meaning::Retry, Effect::Unknown),
            _ => (Meaning::Permanent, Effect::None),
        };
        Classification { meaning, effect, ..by_status }
    }
}

impl fmt::Debug for AcmeTarget {
    /// Without path and query, which may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmeTarget")
            .field("url", &check::masked_url(&self.url.to_string()))
            .finish_non_exhaustive()
    }
}

// === replies ===

/// The code in `{"error": "…"}`; none where there is no such thing.
fn refused(reply: &Reply) -> Option<String> {
    let said: Value = serde_json::from_slice(reply.body.bytes()).ok()?;
    said["error"].as_str().map(str::to_owned)
}

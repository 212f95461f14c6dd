//! The target: settings once checked, and the request of every call.

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{
    Call, Classification, Effect, Endpoint, HttpApi, Meaning, Payload, PrepareError, Profile,
    Reply, SettingErrors, VersionUse, check,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use serde_json::{Value, json};

use crate::{GithubSettings, limits};

const API_VERSION: HeaderName = HeaderName::from_static("x-github-api-version");
/// What a request without a version gets: <https://docs.github.com/en/rest/about-the-rest-api/api-versions>.
const VERSION: &str = "2022-11-28";
const GITHUB_JSON: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Characters of `event_type`.
const EVENT_TYPE_CHARS_MAX: usize = 100;
/// Top-level properties of `client_payload`.
const PROPERTIES_MAX: usize = 10;
/// Characters of `client_payload`.
const PAYLOAD_CHARS_MAX: usize = 65_535;

/// A repository of GitHub.
#[derive(Clone)]
pub struct GithubTarget {
    // Invariant: an absolute URL, without a slash at its end.
    api: Endpoint,
    repository: String,
    event_type: String,
    user_agent: HeaderValue,
}

// === impl GithubTarget ===

impl GithubTarget {
    /// Checks the settings.
    ///
    /// # Errors
    /// All settings that are wrong, each with what would be right.
    pub fn try_new(settings: &GithubSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let api = settings.api.trim_end_matches('/');
        wrong.take_all(&["api"], check::url(api));
        if api.contains('?') {
            wrong.push(&["api"], "has a query: `https://host/api/v3` would be right");
        }
        wrong.take(&["repository"], repository(&settings.repository));
        wrong.take(&["event_type"], event_type(&settings.event_type));
        let user_agent = wrong.take(&["user_agent"], user_agent(&settings.user_agent));
        wrong.or(user_agent.map(|user_agent| Self {
            api: api.into(),
            repository: settings.repository.clone(),
            event_type: settings.event_type.clone(),
            user_agent,
        }))
    }

    fn uri(&self, call: &Call, path: &str) -> Result<Uri, PrepareError> {
        let api = call.endpoint.as_ref().unwrap_or(&self.api).as_str().trim_end_matches('/');
        let says = |wrong: Vec<String>| PrepareError(format!("the endpoint {}", wrong.join("; ")));
        check::url(&format!("{api}/repos/{}{path}", self.repository)).map_err(says)
    }

    fn headers(&self, call: &Call) -> Result<HeaderMap, PrepareError> {
        let version = call.version.as_ref().map_or(VERSION, |version| version.as_str());
        let version = check::header_value(&API_VERSION, version);
        let version = version.map_err(|says| PrepareError(format!("the version {says}")))?;
        Ok(HeaderMap::from_iter([
            (ACCEPT, GITHUB_JSON),
            (API_VERSION, version),
            (USER_AGENT, self.user_agent.clone()),
        ]))
    }
}

impl HttpApi for GithubTarget {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        // Each request starts workflows: there is nothing by which a repeat is recognised.
        profile.versions = vec![VERSION.into()];
        profile.version_use = VersionUse::Accepted;
        profile.endpoints = vec![self.api.clone()];
        profile
    }

    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let event = json!({
            "event_type": self.event_type,
            "client_payload": client_payload(payload)?,
        });
        let mut request = Request::new(event.to_string().into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri(call, "/dispatches")?;
        *request.headers_mut() = self.headers(call)?;
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        Ok(request)
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let mut unversioned = call.clone();
        // A 404 is a missing permission, whatever the version; and of the others only a 400 is about it.
        unversioned.version = None;
        let by_status = Classification::by_status(&unversioned, reply);
        if let Some(wait) = limits::exceeded(reply) {
            let (meaning, effect) = (Meaning::Throttled, Effect::None);
            return Classification { meaning, effect, retry_after: Some(wait) };
        }
        if call.version.is_some() && is_version_refused(reply) {
            return Classification::new(Meaning::VersionRejected, Effect::None);
        }
        by_status
    }

    fn probe(&self, call: &Call) -> Result<Option<Request<Bytes>>, PrepareError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = self.uri(call, "")?;
        *request.headers_mut() = self.headers(call)?;
        Ok(Some(request))
    }
}

impl fmt::Debug for GithubTarget {
    /// Of the API's URL only the origin: its path may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GithubTarget")
            .field("api", &self.api)
            .field("repository", &self.repository)
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

// === checks ===

fn repository(written: &str) -> Result<(), String> {
    let is_word = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let right = written.split_once('/').is_some_and(|(owner, name)| {
        is_word(owner, "-_") && is_word(name, "-_.") && name != "." && name != ".."
    });
    if right { Ok(()) } else { Err("is not owner and name: `octo/hello` would be right".into()) }
}

fn event_type(written: &str) -> Result<(), String> {
    match written.chars().count() {
        0 => Err("is empty: `order_placed` would be right".to_owned()),
        1..=EVENT_TYPE_CHARS_MAX => Ok(()),
        count => Err(format!("is of {count} characters: GitHub takes {EVENT_TYPE_CHARS_MAX}")),
    }
}

fn user_agent(written: &str) -> Result<HeaderValue, String> {
    if written.is_empty() {
        return Err("is empty: GitHub refuses requests without it".to_owned());
    }
    check::header_value(&USER_AGENT, written)
}

// === parts of a request, and of a reply ===

fn client_payload(payload: &Payload) -> Result<&Value, PrepareError> {
    let wrong = |says: &str| Err(PrepareError(says.to_owned()));
    let Some(value @ Value::Object(properties)) = payload.as_json() else {
        return wrong("the payload is not a JSON object: `body` makes one of it");
    };
    if properties.len() > PROPERTIES_MAX {
        return wrong(
            "the payload has more than the 10 properties that GitHub takes: `body: '{ data: . }'` puts them into one",
        );
    }
    if value.to_string().chars().count() > PAYLOAD_CHARS_MAX {
        return wrong("the payload is longer than the 65,535 characters that GitHub takes");
    }
    Ok(value)
}

/// A version that is not served (any more) is a 400, which says so.
fn is_version_refused(reply: &Reply) -> bool {
    let said = String::from_utf8_lossy(reply.body.bytes()).to_ascii_lowercase();
    reply.head.status == Some(400) && said.contains("api version")
}

//! The target: settings once checked, and the request of every call.

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{
    Call, Classification, Effect, HttpApi, Meaning, Payload, PrepareError, Profile, Reply,
    SecretUrl, SettingErrors, check,
};
use http::{HeaderValue, Method, Request, Uri, header::CONTENT_TYPE};
use serde_json::Value;

use crate::{SlackSettings, errors, message::message};

const API: &str = "https://slack.com/api";
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Slack, by one of its two doors.
#[derive(Clone)]
pub struct SlackTarget(Door);

#[derive(Clone)]
enum Door {
    Webhook(Uri),
    WebApi(WebApi),
}

#[derive(Clone)]
struct WebApi {
    post: Uri,
    test: Uri,
    channel: String,
}

// === impl SlackTarget ===

impl SlackTarget {
    /// Checks the settings.
    ///
    /// # Errors
    /// All settings that are wrong, each with what would be right.
    pub fn try_new(settings: &SlackSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let door = match (&settings.webhook, &settings.channel) {
            (Some(url), None) => {
                if settings.api.is_some() {
                    wrong.push(&["api"], "goes with `channel`: a webhook is called by its own URL");
                }
                wrong.take_all(&["webhook"], check::url(url.expose())).map(Door::Webhook)
            }
            (None, Some(channel)) => web_api(settings, channel, &mut wrong).map(Door::WebApi),
            (Some(_), Some(_)) => {
                wrong.push(
                    &["channel"],
                    "stands beside `webhook`, which has its own: keep one of them",
                );
                None
            }
            (None, None) => {
                let says =
                    "is missing: the URL of an incoming webhook would be right, or a `channel`";
                wrong.push(&["webhook"], says);
                None
            }
        };
        wrong.or(door.map(Self))
    }
}

impl HttpApi for SlackTarget {
    fn profile(&self) -> Profile {
        // Slack recognises no repeat: each request is a message. Neither door has versions.
        Profile::default()
    }

    fn request(&self, _: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let mut message = message(payload)?;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = Method::POST;
        request.headers_mut().insert(CONTENT_TYPE, JSON);
        match &self.0 {
            Door::Webhook(url) => {
                *request.uri_mut() = url.clone();
                request.extensions_mut().insert(SecretUrl);
            }
            Door::WebApi(api) => {
                *request.uri_mut() = api.post.clone();
                message.entry("channel").or_insert_with(|| Value::from(api.channel.as_str()));
            }
        }
        *request.body_mut() = Value::Object(message).to_string().into();
        Ok(request)
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let by_status = Classification::by_status(call, reply);
        let meant = match (&self.0, reply.head.status) {
            (Door::Webhook(_), Some(status)) => {
                errors::of_webhook(status, &String::from_utf8_lossy(reply.body.bytes()))
            }
            (Door::WebApi(_), Some(200..=299)) => said(reply),
            (Door::Webhook(_) | Door::WebApi(_), _) => None,
        };
        let Some((meaning, effect)) = meant else { return by_status };
        let retry_after = fanfare_sdk::retry_after(&reply.head.headers)
            .filter(|_| !matches!(meaning, Meaning::Success))
            .or(by_status.retry_after);
        Classification { meaning, effect, retry_after }
    }

    fn probe(&self, _: &Call) -> Result<Option<Request<Bytes>>, PrepareError> {
        let Door::WebApi(api) = &self.0 else { return Ok(None) };
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = api.test.clone();
        Ok(Some(request))
    }
}

impl fmt::Debug for SlackTarget {
    /// Of URLs the origin only: a webhook's path is its secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, channel) = match &self.0 {
            Door::Webhook(url) => (url, None),
            Door::WebApi(api) => (&api.post, Some(&api.channel)),
        };
        f.debug_struct("SlackTarget")
            .field("url", &check::masked_url(&url.to_string()))
            .field("channel", &channel)
            .finish()
    }
}

// === checks ===

fn web_api(settings: &SlackSettings, written: &str, wrong: &mut SettingErrors) -> Option<WebApi> {
    let base = settings.api.as_deref().unwrap_or(API).trim_end_matches('/');
    let url = |method: &str| check::url(&format!("{base}/{method}"));
    let post = wrong.take_all(&["api"], url("chat.postMessage"));
    let test = url("auth.test").ok();
    if written.is_empty() || written.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let says = "is empty or has a space in it: the channel's id (`C0123456789`) would be right";
        wrong.push(&["channel"], says);
        return None;
    }
    Some(WebApi { post: post?, test: test?, channel: written.to_owned() })
}

// === replies ===

/// What the Web API says in the body of a 200; none where it does not say it.
fn said(reply: &Reply) -> Option<(Meaning, Effect)> {
    let said: Value = serde_json::from_slice(reply.body.bytes()).unwrap_or_default();
    match (said["ok"].as_bool(), said["error"].as_str()) {
        (Some(true), _) => Some((Meaning::Success, Effect::Applied)),
        (Some(false), code) => Some(errors::of_web_api(code.unwrap_or_default())),
        // Something between us and Slack has answered, or the body was cut.
        (None, _) => Some((Meaning::Retry, Effect::Unknown)),
    }
}

//! Asks, and understands what comes back.

use std::{env, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::args::CredentialArgs;
use crate::{
    cli::run::Status,
    transport::{Caller, NoAnswer, Stream},
};

/// Longer than the daemon lets anybody wait.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// A daemon that is asked.
pub(in crate::cli) struct Client {
    caller: Caller,
    server: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// How a command ends that got no answer, or one that it did not want; with what is to be said, a line each.
pub(in crate::cli) type Failed = (Status, Vec<String>);

/// What was answered.
pub(in crate::cli) struct Answer {
    pub(super) status: StatusCode,
    body: Bytes,
}

/// There is no answer.
pub(super) enum Trouble {
    /// The request may have arrived, or not, or it may be asked again.
    MayBeRepeated(Failed),
    /// It makes no sense to ask again.
    Final(Failed),
}

impl Client {
    pub(in crate::cli) fn new(server: &str, credentials: &CredentialArgs) -> Result<Self, Failed> {
        let is_url = server.parse::<http::Uri>().is_ok_and(|uri| {
            ["http", "https"].contains(&uri.scheme_str().unwrap_or_default())
                && uri.query().is_none()
        });
        if !is_url {
            let says = "--server: `http://127.0.0.1:8080` would be right".to_owned();
            return Err((Status::WrongUsage, vec![says]));
        }
        let caller = Caller::try_new(ANSWER_MAX, credentials.server_ca.as_deref());
        let caller = caller.map_err(|error| (Status::WrongUsage, vec![error.to_string()]))?;
        let headers = key(credentials)?.map(|key| (header::AUTHORIZATION, key));
        let server = server.trim_end_matches('/').to_owned();
        Ok(Self { caller, server, headers: headers.into_iter().collect() })
    }

    /// With this header in every request.
    pub(super) fn header(&mut self, name: &'static str, value: &str) -> Result<(), Failed> {
        let value = HeaderValue::try_from(value).map_err(|_| {
            (Status::WrongUsage, vec![format!("`{name}` may have visible ASCII only")])
        })?;
        self.headers.push((HeaderName::from_static(name), value));
        Ok(())
    }

    /// The trace that the environment names.
    pub(super) fn continue_trace(&mut self) {
        for (name, variable) in [("traceparent", "TRACEPARENT"), ("tracestate", "TRACESTATE")] {
            let value = env::var(variable).ok().and_then(|it| HeaderValue::try_from(it).ok());
            self.headers.extend(value.map(|value| (HeaderName::from_static(name), value)));
        }
    }

    pub(in crate::cli) async fn get(&self, path: &str) -> Result<Answer, Failed> {
        self.ask(Method::GET, path, Bytes::new()).await.map_err(Trouble::end)
    }

    pub(in crate::cli) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Failed> {
        self.try_post(path, body.to_string().into()).await.map_err(Trouble::end)
    }

    pub(super) async fn try_post(&self, path: &str, body: Bytes) -> Result<Answer, Trouble> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Trouble> {
        let request = self.request((method, path), body, None)?;
        let answered = self.caller.ask(request).await.map_err(|error| self.silent(&error))?;
        let (head, body) = answered.into_parts();
        if head.status.is_success() {
            return Ok(Answer { status: head.status, body });
        }
        Err(refused(head.status, &body))
    }

    /// Opens a stream of events, behind the last one that was read.
    pub(super) async fn open(
        &self,
        path: &str,
        last: Option<&str>,
    ) -> Result<(StatusCode, Stream), Trouble> {
        let request = self.request((Method::GET, path), Bytes::new(), last)?;
        let opened = self.caller.open(request).await;
        let (status, stream) = opened.map_err(|error| self.silent(&error))?;
        if status.is_success() {
            return Ok((status, stream));
        }
        let body = stream.whole().await.map_err(|error| self.silent(&error))?;
        Err(refused(status, &body))
    }

    fn request(
        &self,
        (method, path): (Method, &str),
        body: Bytes,
        last: Option<&str>,
    ) -> Result<Request<Bytes>, Trouble> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(body).map_err(|_| {
            let says = "what was typed does not fit into a request".to_owned();
            Trouble::Final((Status::WrongUsage, vec![says]))
        })
    }

    fn silent(&self, error: &NoAnswer) -> Trouble {
        let may = if error.may_have_arrived { "; the request may have arrived" } else { "" };
        let says = format!("{} does not answer: {}{may}", self.server, error.says);
        Trouble::MayBeRepeated((Status::OurFault, vec![says]))
    }
}

/// The daemon does not want it, or cannot.
fn refused(status: StatusCode, body: &Bytes) -> Trouble {
    let told = problem(status, body);
    if status.is_client_error() && status != StatusCode::CONFLICT {
        return Trouble::Final((Status::WrongUsage, told));
    }
    Trouble::MayBeRepeated((Status::OurFault, told))
}

impl Trouble {
    pub(super) fn end(self) -> Failed {
        let (Self::MayBeRepeated(failed) | Self::Final(failed)) = self;
        failed
    }
}

impl Answer {
    /// What it says.
    pub(in crate::cli) fn read<T: DeserializeOwned>(&self) -> Result<T, Failed> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let says = format!("the answer is not what a daemon of this version says: {error}");
            (Status::OurFault, vec![says])
        })
    }

    /// As JSON, for a terminal.
    pub(super) fn pretty(&self) -> Result<String, Failed> {
        Ok(format!("{:#}\n", self.read::<Value>()?))
    }
}

/// `Authorization`, where the environment has a key.
fn key(credentials: &CredentialArgs) -> Result<Option<HeaderValue>, Failed> {
    let wrong = |says: String| (Status::WrongUsage, vec![says]);
    let name = credentials.key_env.as_deref().unwrap_or("FANFARE_KEY");
    let Ok(key) = env::var(name) else {
        let is_asked_for = credentials.key_env.is_some();
        let says = format!(
            "--key-env: the environment variable `{name}` is not set: `export {name}=ffk_…` would be right"
        );
        return if is_asked_for { Err(wrong(says)) } else { Ok(None) };
    };
    // What it is instead is not told: it may be another secret.
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.trim()))
        .map_err(|_| wrong(format!("`{name}` is no key: `ffk_…` would be right")))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Problem details (RFC 9457), a line each.
fn problem(status: StatusCode, body: &Bytes) -> Vec<String> {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    let told = errors.iter().filter_map(|error| {
        let at = ["pointer", "parameter", "header", "configuration"]
            .into_iter()
            .find_map(|at| text(&error[at]))?;
        Some(format!("{at}: {}", text(&error["detail"])?))
    });
    let mut told: Vec<_> = told.collect();
    if told.is_empty() {
        told.extend(text(&document["detail"]));
    }
    if told.is_empty() {
        told.push(format!("the server answers {status}"));
    }
    told
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn any_refusal_is_told(
        status in 100_u16..600,
        body in "\\{(\"(detail|errors|title)\":(\"[ -~é]{0,9}\"|null|7|\\[(\\{\"pointer\":\"/a\"(,\"detail\":(\"b\"|1))?\\},?){0,3}\\]),?){0,3}\\}?|\\PC{0,30}",
    ) {
        let told = problem(StatusCode::from_u16(status).unwrap(), &body.into());
        proptest::prop_assert!(!told.is_empty());
    }
}

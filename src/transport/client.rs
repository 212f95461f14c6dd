//! The pooled client.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_sdk::{
    Capture, Exchange, Reply, ReplyHead, SendError, SendErrorKind, Transport, async_trait,
};
use http::{HeaderValue, Method, header};
use reqwest::{Body, Client, Request, Response, redirect::Policy};

use super::{error::send_error, progress_body::ProgressBody, reply::Kept, tls::tls, urls::Urls};

/// What a client is made with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TransportSettings {
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept. Shorter than servers keep theirs, so that fewer requests meet one that
    /// is just being closed.
    pub idle_timeout: Duration,
    /// Idle connections that are kept for one host.
    pub idle_per_host_max: usize,
}

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct TransportError(pub(super) String);

/// The way out over HTTP. It follows no redirect, repeats nothing, reads no proxy from the environment, and adds no
/// header but `host`, `content-length` and, where there is none, `user-agent` and `accept`.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    urls: Arc<Urls>,
}

pub(super) const USER_AGENT: &str = concat!("fanfare/", env!("CARGO_PKG_VERSION"));

impl Default for TransportSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(45),
            idle_per_host_max: 128,
        }
    }
}

impl HttpTransport {
    /// Builds a client with a pool of its own.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub fn try_new(settings: &TransportSettings) -> Result<Self, TransportError> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(settings.connect_timeout)
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_per_host_max)
            .tcp_nodelay(true)
            .build()
            .map_err(|error| TransportError(error.without_url().to_string()))?;
        Ok(Self { client, urls: Arc::default() })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let Exchange { request, progress, capture, .. } = exchange;
        let request = prepare(request, &self.urls, &progress)?;
        let response =
            self.client.execute(request).await.map_err(|error| send_error(error, &progress))?;
        progress.replied(response.status().as_u16());
        Ok(reply(response, capture).await)
    }
}

/// The request in the client's own form.
fn prepare(
    request: http::Request<Bytes>,
    urls: &Urls,
    progress: &fanfare_sdk::Progress,
) -> Result<Request, SendError> {
    let (parts, body) = request.into_parts();
    // The text of the error, not the URL: that may hold a secret.
    let url = urls
        .parsed(&parts.uri)
        .map_err(|error| SendError::permanent(SendErrorKind::Prepare).because(error))?;
    let mut prepared = Request::new(parts.method, url);
    *prepared.headers_mut() = parts.headers;
    *prepared.version_mut() = parts.version;
    let length = prepared.headers().get(header::CONTENT_LENGTH);
    if length.is_some_and(|length| length.as_bytes() != body.len().to_string().as_bytes()) {
        let says = "content-length is not the length of the body";
        return Err(SendError::permanent(SendErrorKind::Prepare).because(says));
    }
    if body.is_empty() {
        let has_body = [Method::POST, Method::PUT, Method::PATCH].contains(prepared.method());
        if has_body {
            prepared.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
    }
    *prepared.body_mut() = Some(Body::wrap(ProgressBody::new(body, progress.clone())));
    Ok(prepared)
}

/// What of the reply is kept. A body that is cut is no error: the status has said what became of the request.
async fn reply(mut response: Response, capture: Capture) -> Reply {
    let bytes_max = match capture {
        Capture::Head => 0,
        Capture::Whole { bytes_max } => bytes_max,
    };
    let mut head =
        ReplyHead::http(response.status().as_u16(), std::mem::take(response.headers_mut()));
    head.version = Some(response.version());
    let mut kept = Kept::new(head, bytes_max, response.content_length().unwrap_or(0));
    if capture == Capture::Head {
        return kept.whole();
    }
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if kept.push(&chunk) => {}
            Ok(None) => return kept.whole(),
            Ok(Some(_)) | Err(_) => return kept.truncated(),
        }
    }
}

//! The pooled client.

use std::{future::poll_fn, pin::Pin, time::Duration};

use bytes::Bytes;
use fanfare_sdk::{
    Capture, Exchange, Progress, Reply, ReplyHead, SendError, SendErrorKind, Transport, async_trait,
};
use http::{HeaderValue, Method, Request, Response, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    address::standard,
    connect::{Connector, connector},
    error::send_error,
    progress_body::ProgressBody,
    reply::Kept,
};

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
    client: Client<Connector, ProgressBody>,
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
        let connector = connector(settings.connect_timeout)?;
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .pool_max_idle_per_host(settings.idle_per_host_max)
            // A request that waited for a connection which then was closed has not begun: it takes another one.
            .retry_canceled_requests(true)
            .build(connector);
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let Exchange { request, progress, capture, .. } = exchange;
        let request = prepare(request, &progress)?;
        let response =
            self.client.request(request).await.map_err(|error| send_error(&error, &progress))?;
        progress.replied(response.status().as_u16());
        Ok(reply(response, capture).await)
    }
}

/// The request in the client's own form.
fn prepare(
    mut request: Request<Bytes>,
    progress: &Progress,
) -> Result<Request<ProgressBody>, SendError> {
    // The text of the error, not the URL: that may hold a secret.
    let unsendable = |says| SendError::permanent(SendErrorKind::Prepare).because(says);
    let uri = standard(std::mem::take(request.uri_mut()));
    *request.uri_mut() = uri.map_err(|error| unsendable(error.to_string()))?;
    if !matches!(request.uri().scheme_str(), Some("http" | "https")) {
        return Err(unsendable("neither http nor https".into()));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let bytes = request.body().len();
    if length.is_some_and(|length| length.as_bytes() != bytes.to_string().as_bytes()) {
        return Err(unsendable("content-length is not the length of the body".into()));
    }
    if bytes == 0 && [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
        request.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    for (name, value) in [(header::ACCEPT, "*/*"), (header::USER_AGENT, USER_AGENT)] {
        request.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    Ok(request.map(|body| ProgressBody::new(body, progress.clone())))
}

/// What of the reply is kept. A body that is cut is no error: the status has said what became of the request.
async fn reply(response: Response<Incoming>, capture: Capture) -> Reply {
    let bytes_max = match capture {
        Capture::Head => 0,
        Capture::Whole { bytes_max } => bytes_max,
    };
    let (parts, mut body) = response.into_parts();
    let mut head = ReplyHead::http(parts.status.as_u16(), parts.headers);
    head.version = Some(parts.version);
    let mut kept = Kept::new(head, bytes_max, body.size_hint().lower());
    if capture == Capture::Head {
        return kept.whole();
    }
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // What is no data is a trailer.
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(chunk)) if !kept.push(&chunk) => return kept.truncated(),
            Ok(_) => {}
            Err(_) => return kept.truncated(),
        }
    }
    kept.whole()
}

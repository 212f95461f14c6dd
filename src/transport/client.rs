//! The pooled client.

use std::{path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_sdk::{
    Capture, Exchange, Progress, Reply, ReplyHead, SendError, SendErrorKind, Transport, async_trait,
};
use http::{HeaderValue, Method, header};
use reqwest::{Body, Client, ClientBuilder, Request, Response, redirect::Policy};
use rustls::ClientConfig;
use tokio::time::timeout;

use super::{
    error::send_error,
    guard::Guard,
    progress_body::ProgressBody,
    reply::{Coming, Kept},
    tls::tls_of,
    urls::Urls,
};
use crate::policy::{By, Connection, HttpVersion, Proxy};

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built: {0}")]
pub struct TransportError(pub(crate) String);

/// The way out over HTTP. It follows no redirect, repeats nothing, reads no proxy from the environment, and adds no
/// header but `host`, `content-length` and, where there is none, `user-agent` and `accept`.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    urls: Arc<Urls>,
    /// How long nothing may come of a body.
    read_timeout: Duration,
    /// For targets that may not be reached anywhere.
    guard: Option<Guard>,
}

pub(super) const USER_AGENT: &str = concat!("fanfare/", env!("CARGO_PKG_VERSION"));

/// How long nothing may come of a connection of HTTP/2 on which an answer is waited for before it is asked whether it
/// lives, and how long that may take. Others than this attempt would wait on it, too.
const PING: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// Bytes of the headers of a reply over HTTP/2; over HTTP/1.1 they are 100, of 400 KiB.
const HTTP2_HEADER_BYTES_MAX: u32 = 64 << 10;

impl HttpTransport {
    /// Builds a client with a pool of its own.
    ///
    /// # Errors
    /// When the system's certificates, its files or its proxy cannot be used.
    pub fn try_new(connection: &Connection) -> Result<Self, TransportError> {
        Self::with(connection, tls_of(&connection.tls)?)
    }

    /// The same, with TLS that is made already.
    pub(super) fn with(
        connection: &Connection,
        mut tls: ClientConfig,
    ) -> Result<Self, TransportError> {
        tls.alpn_protocols = match connection.http {
            HttpVersion::Negotiated => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(connection.connect_timeout)
            .pool_idle_timeout(connection.idle_timeout)
            .pool_max_idle_per_host(connection.idle_per_host_max)
            .http2_keep_alive_interval(PING.0)
            .http2_keep_alive_timeout(PING.1)
            .http2_max_header_list_size(HTTP2_HEADER_BYTES_MAX)
            .tcp_nodelay(true);
        let builder = match connection.http {
            HttpVersion::Negotiated => builder,
            HttpVersion::Http1 => builder.http1_only(),
            HttpVersion::Http2 => builder.http2_prior_knowledge(),
        };
        let builder = match &connection.by {
            By::Host => builder,
            By::Proxy(proxy) => builder.proxy(through(proxy)?),
            By::Unix(path) => unix(builder, path)?,
        };
        let guard = connection.addresses.as_ref().map(Guard::new);
        let builder = match &guard {
            Some(_) if connection.by != By::Host => {
                let says = "`addresses` are looked at only where it is connected to directly";
                return Err(TransportError(says.to_owned()));
            }
            Some(guard) => builder.dns_resolver(guard.clone()),
            None => builder,
        };
        let client = builder.build().map_err(told)?;
        let (urls, read_timeout) = (Arc::default(), connection.read_timeout);
        Ok(Self { client, urls, read_timeout, guard })
    }
}

fn told(error: reqwest::Error) -> TransportError {
    TransportError(error.without_url().to_string())
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy, TransportError> {
    let made = reqwest::Proxy::all(&proxy.url).map_err(told)?;
    Ok(match &proxy.user {
        Some((user, password)) => made.basic_auth(user, password.expose()),
        None => made,
    })
}

#[cfg(unix)]
fn unix(builder: ClientBuilder, path: &Path) -> Result<ClientBuilder, TransportError> {
    Ok(builder.unix_socket(path))
}

#[cfg(not(unix))]
fn unix(_: ClientBuilder, _: &Path) -> Result<ClientBuilder, TransportError> {
    Err(TransportError("there are no Unix sockets on this system".to_owned()))
}

#[async_trait]
impl Transport for HttpTransport {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let Exchange { request, progress, capture, .. } = exchange;
        let request = prepare(request, &self.urls, &progress)?;
        if let Some(guard) = &self.guard {
            guard.check(request.url(), &progress)?;
        }
        let before = progress.mark();
        let response = self.client.execute(request).await;
        let response = response.map_err(|error| send_error(error, &progress, before))?;
        progress.replied(response.status().as_u16());
        Ok(reply(response, capture, (self.read_timeout, &progress)).await)
    }
}

/// The request in the client's own form.
fn prepare(
    request: http::Request<Bytes>,
    urls: &Urls,
    progress: &Progress,
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
async fn reply(
    mut response: Response,
    capture: Capture,
    (read_timeout, progress): (Duration, &Progress),
) -> Reply {
    let bytes_max = match capture {
        Capture::Head => 0,
        Capture::Whole { bytes_max } => bytes_max,
    };
    let mut head =
        ReplyHead::http(response.status().as_u16(), std::mem::take(response.headers_mut()));
    head.version = Some(response.version());
    let kept = Kept::new(head, bytes_max, response.content_length().unwrap_or(0));
    if capture == Capture::Head {
        return kept.head();
    }
    let mut coming = Coming::new(kept, progress);
    loop {
        match timeout(read_timeout, response.chunk()).await {
            Ok(Ok(Some(chunk))) if coming.push(&chunk) => {}
            Ok(Ok(None)) => return coming.end(true),
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => return coming.end(false),
        }
    }
}

//! The one way out.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Capture, Progress, Reply, SendError};

/// The way out that an attempt is given. What is handed in leaves as it is: only `traceparent`, `tracestate`
/// and the authorisation are added, in that order.
#[derive(Clone, Debug)]
pub struct Wire {
    transport: Arc<dyn Transport>,
    progress: Progress,
    capture: Capture,
}

/// One request on the wire, and what the transport is to know about it.
#[derive(Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// The request as it is to leave.
    pub request: http::Request<Bytes>,
    /// To be told when sending begins and when the head of the reply has come.
    pub progress: Progress,
    /// How much of the reply to keep.
    pub capture: Capture,
}

/// Sends one request: the engine's pooled client, or a script in a test.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends one request and captures its reply. Follows no redirect and repeats nothing.
    ///
    /// # Errors
    /// When there is no reply; its effect is that of the exchange's progress.
    ///
    /// # Cancel safety
    /// Dropping the future aborts the exchange; [`Progress`] knows whether it had left.
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError>;
}

/// Marks a request whose URL is a secret: put it into the request's extensions. Of the URL nothing but scheme, host and
/// port is ever shown then.
#[derive(Clone, Copy, Debug)]
pub struct SecretUrl;

/// Path and query of a request's URL as they were before anything of one delivery was put into them, names in braces in its
/// place (`/customers/{id}`): put it into the request's extensions, and its span has it in its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UrlTemplate(Arc<str>);

// === impl Wire ===

impl Wire {
    /// A way out with progress of its own.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, progress: Progress::default(), capture: Capture::default() }
    }

    /// Keeps this much of the replies.
    #[must_use]
    pub fn capturing(mut self, capture: Capture) -> Self {
        self.capture = capture;
        self
    }

    /// How far the attempt has got.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Sends one request.
    ///
    /// # Errors
    /// When there is no reply; hand the error on as it is.
    ///
    /// # Cancel safety
    /// Dropping the future aborts the exchange; [`Progress`] knows whether it had left.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<Reply, SendError> {
        let exchange = Exchange { request, progress: self.progress.clone(), capture: self.capture };
        self.transport.exchange(exchange).await
    }
}

// === impl UrlTemplate ===

impl UrlTemplate {
    /// That text, which begins with `/` or `?`.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// That of the request; none where it has none, or where its URL is a secret.
    #[must_use]
    pub fn of<T>(request: &http::Request<T>) -> Option<Self> {
        let extensions = request.extensions();
        extensions.get().filter(|_| extensions.get::<SecretUrl>().is_none()).cloned()
    }
}

// === impl SecretUrl ===

impl SecretUrl {
    /// The request's URL as it may be shown: without path and query where they are marked as a secret.
    #[must_use]
    pub fn shown<T>(request: &http::Request<T>) -> http::Uri {
        let uri = request.uri();
        if request.extensions().get::<Self>().is_none() {
            return uri.clone();
        }
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/REDACTED"));
        // Only the path was replaced: it cannot fail.
        http::Uri::from_parts(parts).unwrap_or_default()
    }
}

// === impl Exchange ===

impl fmt::Debug for Exchange {
    /// Without query, header values and body: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = SecretUrl::shown(&self.request);
        write!(f, "Exchange({} {}{})", self.request.method(), uri.host().unwrap_or(""), uri.path())
    }
}

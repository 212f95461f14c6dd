//! What an API answered.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Version};

/// Status and headers of a reply.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ReplyHead {
    /// The HTTP status; none for targets that are not HTTP.
    pub status: Option<u16>,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The version of HTTP that was spoken, where it is known.
    pub version: Option<Version>,
}

/// Captured bytes. Private inside: how much is captured, and whether a stream follows, is the engine's choice.
#[derive(Clone, Default)]
pub struct ReplyBody {
    captured: Bytes,
    truncated: bool,
}

/// What an API answered.
#[derive(Clone, Default, Debug)]
pub struct Reply {
    /// Status and headers.
    pub head: ReplyHead,
    /// What was captured of the body.
    pub body: ReplyBody,
}

// === impl ReplyHead ===

impl ReplyHead {
    /// The head of an HTTP reply.
    #[must_use]
    pub fn http(status: u16, headers: HeaderMap) -> Self {
        Self { status: Some(status), headers, version: None }
    }
}

impl fmt::Debug for ReplyHead {
    /// Names of headers only: their values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(http::HeaderName::as_str).collect();
        f.debug_struct("ReplyHead").field("status", &self.status).field("headers", &names).finish()
    }
}

// === impl ReplyBody ===

impl ReplyBody {
    /// The whole body.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self { captured: bytes.into(), truncated: false }
    }

    /// The beginning of a body that was longer, or that was cut.
    #[must_use]
    pub fn truncated(bytes: impl Into<Bytes>) -> Self {
        Self { captured: bytes.into(), truncated: true }
    }

    /// What was captured.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.captured
    }

    /// Whether there was more, or should have been.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplyBody({} bytes)", self.captured.len())
    }
}

// === impl Reply ===

impl Reply {
    /// For targets that are not HTTP: accepted, with whatever receipt the API gave.
    #[must_use]
    pub fn accepted(receipt: impl Into<Bytes>) -> Self {
        Self { head: ReplyHead::default(), body: ReplyBody::whole(receipt) }
    }

    /// A reply over HTTP with a whole body.
    #[must_use]
    pub fn http(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { head: ReplyHead::http(status, headers), body: ReplyBody::whole(body) }
    }
}

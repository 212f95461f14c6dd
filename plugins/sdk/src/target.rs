//! The door for every target, HTTP or not.

use std::fmt;

use async_trait::async_trait;

use crate::{
    Attempt, Call, Classification, Delivered, Endpoint, Expression, Reply, SendError,
    SendErrorKind, TargetName, Version,
};

/// Where a repeat does no harm. Ordered: each includes the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Repeat {
    /// Nowhere: a second call may act a second time.
    #[default]
    Never,
    /// At the endpoint and version that saw the first: it recognises the idempotency key, or the method is idempotent.
    SameEndpoint,
    /// Also at other endpoints, versions and stand-ins.
    Anywhere,
}

/// How much of a reply is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Capture {
    /// Status and headers; the body is not read.
    Head,
    /// The body too, up to a limit.
    Whole {
        /// Bytes of the body that are kept.
        bytes_max: usize,
    },
}

/// How a body is coded (RFC 9110 section 8.4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Coding {
    /// `gzip`
    Gzip,
    /// `deflate`
    Deflate,
    /// `br` (RFC 7932)
    Brotli,
    /// `zstd` (RFC 8878)
    Zstd,
}

/// What is compressed, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Compress {
    /// How.
    pub coding: Coding,
    /// Bytes of a body from which on it is.
    pub bytes_min: usize,
}

/// What a target declares, once, when it is built. Data, not calls: a panic in it refuses the target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// The versions it speaks, preferred first; empty where it has none.
    pub versions: Vec<Version>,
    /// Where it is reached, preferred first; empty where the plugin knows by itself.
    pub endpoints: Vec<Endpoint>,
    /// Where a repeat does no harm.
    pub repeat: Repeat,
    /// How much of a reply is kept.
    pub capture: Capture,
    /// Whether its requests carry what a payload is made into: `cloudevents` of a configuration needs that.
    pub carries_body: bool,
    /// How the engine compresses the bodies of its requests: before anybody signs them.
    pub compress: Option<Compress>,
    /// Whether [`ApiTarget::compensate`] does anything.
    pub compensates: bool,
    /// Requests on the wire that one attempt may make; each takes a token of the rate limit.
    pub exchanges_max: u16,
    /// The ways that the author recommends; configuration overrides them.
    pub fallback: Vec<Fallback>,
    /// What a version is to it.
    pub version_use: VersionUse,
    /// The jq expressions among its settings: the engine works them out, in this order, for every payload.
    pub expressions: Vec<Expression>,
}

/// What a version is to a target.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum VersionUse {
    /// Its requests have a place for one, and may do without.
    Accepted,
    /// Its requests are not complete without one.
    Needed,
    /// Its requests have no place for one: a configuration that names versions is refused.
    #[default]
    Ignored,
}

/// What to do when a way has failed for good.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fallback {
    /// The next version, when the API rejects one.
    Version,
    /// Another endpoint of the same API.
    Endpoint(Endpoint),
    /// Another target stands in.
    Target(TargetName),
    /// A canned reply stands in.
    Reply,
}

/// One API that broadcasts can be delivered to.
#[async_trait]
pub trait ApiTarget: fmt::Debug + Send + Sync + 'static {
    /// What it declares. Read once.
    fn profile(&self) -> Profile {
        Profile::default()
    }

    /// Makes one attempt. Never repeats: whether and when there is another is decided by the engine.
    ///
    /// # Errors
    /// When there was no reply.
    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError>;

    /// What the reply means. The same call and reply always mean the same.
    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        Classification::by_status(call, reply)
    }

    /// Reverses a delivery that succeeded. Idempotent; its reply is classified by [`ApiTarget::classify`].
    ///
    /// # Errors
    /// When there was no reply, or the target cannot compensate.
    async fn compensate(
        &self,
        _delivered: Delivered,
        _attempt: Attempt,
    ) -> Result<Reply, SendError> {
        Err(SendError::permanent(SendErrorKind::Unsupported))
    }

    /// Is it there, and would it let us in? Without effect.
    ///
    /// # Errors
    /// When there was no reply, or the target cannot be probed.
    async fn probe(&self, _attempt: Attempt) -> Result<Reply, SendError> {
        Err(SendError::permanent(SendErrorKind::Unsupported))
    }
}

impl Coding {
    /// Its name in `Content-Encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    /// The one of that name, in whatever case; `x-gzip` is `gzip` (RFC 9110 section 8.4.1.3).
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl Compress {
    /// Bodies of at least so many bytes, that way.
    #[must_use]
    pub const fn new(coding: Coding, bytes_min: usize) -> Self {
        Self { coding, bytes_min }
    }
}

impl Default for Capture {
    /// 64 KiB: enough for every reply that says what became of a request.
    fn default() -> Self {
        Self::Whole { bytes_max: 64 << 10 }
    }
}

impl Default for Profile {
    /// Nothing may be repeated, one exchange per attempt, no place for a version, version fallback.
    fn default() -> Self {
        Self {
            versions: Vec::new(),
            endpoints: Vec::new(),
            repeat: Repeat::Never,
            capture: Capture::default(),
            carries_body: true,
            compress: None,
            compensates: false,
            exchanges_max: 1,
            fallback: vec![Fallback::Version],
            version_use: VersionUse::Ignored,
            expressions: Vec::new(),
        }
    }
}

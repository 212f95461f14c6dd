//! `daemon`: what callers may take.

use std::time::Duration;

use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issues::Issues;

/// How the daemon is set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct DaemonConfig {
    /// What callers may take.
    pub limits: DaemonLimits,
}

/// What callers may take. `docs/limits.md` says why as much.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DaemonLimits {
    /// Connections at once. Others are turned away.
    pub connections_max: usize,
    /// Requests that are being answered at once.
    pub requests_max: usize,
    /// Of these, how many may wait for a verdict.
    pub waits_max: usize,
    /// How long the head of a request may take to come, and a TLS handshake.
    pub head_timeout: Duration,
    /// How long its body may take.
    pub body_timeout: Duration,
    /// How long a caller may not read at all what is written to him.
    pub write_timeout: Duration,
    /// Bytes of the head of a request.
    pub head_bytes_max: usize,
    /// Bytes of a body.
    pub body_bytes_max: usize,
    /// Bytes of all bodies that are being read or taken in. Others wait for their turn.
    pub bodies_bytes_max: usize,
    /// How long a caller may wait for a verdict.
    pub wait_max: Duration,
    /// Streams of events at once.
    pub streams_max: usize,
    /// Entries of a list that are given at once.
    pub page_max: usize,
    /// Bytes of the metadata of a broadcast, as they came.
    pub metadata_bytes_max: usize,
    /// Bytes of an idempotency key.
    pub key_bytes_max: usize,
}

impl Default for DaemonLimits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            requests_max: 8_000,
            waits_max: 4_000,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            head_bytes_max: 32 << 10,
            body_bytes_max: 8 << 20,
            bodies_bytes_max: 64 << 20,
            wait_max: Duration::from_secs(60),
            streams_max: 256,
            page_max: 1_000,
            metadata_bytes_max: 16 << 10,
            key_bytes_max: 255,
        }
    }
}

/// How the daemon is set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DaemonSettings {
    /// What callers may take.
    pub(super) limits: CallerLimits,
}

/// What callers may take.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CallerLimits {
    /// Connections at once; others are told 503 and turned away.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-reason" = "each takes a file descriptor and some kilobytes"))]
    connections: u32,
    /// Requests that are being answered at once; others are told 503.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-reason" = "below the connections: whoever looks whether it lives is answered"))]
    requests: u32,
    /// Requests that wait for a verdict; others are answered at once.
    #[schemars(range(min = 1, max = 1_000_000), extend("x-reason" = "half of all requests: the others go on"))]
    waits: u32,
    /// How long a caller may wait for a verdict; then he is answered with 202.
    #[schemars(extend("x-reason" = "proxies give up after a minute"))]
    wait: Span,
    /// How long the head of a request may take to come, and a TLS handshake.
    #[schemars(extend("x-reason" = "a few kilobytes, from anywhere"))]
    head_timeout: Span,
    /// How long its body may take.
    #[schemars(extend("x-reason" = "8 MiB at 2 Mbit/s"))]
    body_timeout: Span,
    /// How long a caller may not read at all what is written to him.
    #[schemars(extend("x-reason" = "what he does not read is kept in memory"))]
    write_timeout: Span,
    /// About so many bytes of the head of a request. It has at most 100 headers.
    #[schemars(range(min = 8_192, max = 1_048_576), extend("x-reason" = "a hundred headers fit"))]
    head_bytes: u32,
    /// Bytes of a body.
    #[schemars(range(min = 1), extend("x-reason" = "more of it belongs into a file that the APIs fetch"))]
    body_bytes: u32,
    /// Bytes of all bodies that are being read; others wait for their turn, within their time.
    #[schemars(range(min = 1), extend("x-reason" = "what a small machine can spare"))]
    bodies_bytes: u32,
    /// Entries of a list that are given at once.
    #[schemars(range(min = 1, max = 100_000), extend("x-reason" = "a page is read at once"))]
    page: u32,
    /// Bytes of the metadata of a broadcast.
    #[schemars(range(min = 1), extend("x-reason" = "notes, not a document"))]
    metadata_bytes: u32,
    /// Bytes of an idempotency key.
    #[schemars(range(min = 1, max = 8_000), extend("x-reason" = "a UUID has 36"))]
    idempotency_key_bytes: u32,
}

impl Default for CallerLimits {
    fn default() -> Self {
        let it = DaemonLimits::default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            connections: number(it.connections_max),
            requests: number(it.requests_max),
            waits: number(it.waits_max),
            wait: Span(it.wait_max),
            head_timeout: Span(it.head_timeout),
            body_timeout: Span(it.body_timeout),
            write_timeout: Span(it.write_timeout),
            head_bytes: number(it.head_bytes_max),
            body_bytes: number(it.body_bytes_max),
            bodies_bytes: number(it.bodies_bytes_max),
            page: number(it.page_max),
            metadata_bytes: number(it.metadata_bytes_max),
            idempotency_key_bytes: number(it.key_bytes_max),
        }
    }
}

impl DaemonSettings {
    pub(super) fn config(&self, issues: &mut Issues<'_>) -> DaemonConfig {
        let it = &self.limits;
        let mut issues = issues.at("limits");
        for (key, Span(time)) in [
            ("head_timeout", it.head_timeout),
            ("body_timeout", it.body_timeout),
            ("write_timeout", it.write_timeout),
        ] {
            if time.is_zero() {
                issues.push(key, "must be longer than zero");
            }
        }
        if it.body_bytes > it.bodies_bytes {
            issues.push(
                "body_bytes",
                "must not be more than `bodies_bytes`, which is for all of them",
            );
        }
        let limits = DaemonLimits {
            connections_max: it.connections as usize,
            requests_max: it.requests as usize,
            waits_max: it.waits as usize,
            head_timeout: it.head_timeout.0,
            body_timeout: it.body_timeout.0,
            write_timeout: it.write_timeout.0,
            head_bytes_max: it.head_bytes as usize,
            body_bytes_max: it.body_bytes as usize,
            bodies_bytes_max: it.bodies_bytes as usize,
            wait_max: it.wait.0,
            streams_max: DaemonLimits::default().streams_max,
            page_max: it.page as usize,
            metadata_bytes_max: it.metadata_bytes as usize,
            key_bytes_max: it.idempotency_key_bytes as usize,
        };
        DaemonConfig { limits }
    }
}

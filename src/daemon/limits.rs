//! What callers may take.

use std::time::Duration;

/// What callers may take. `docs/limits.md` says why as much.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DaemonLimits {
    /// Connections at once. Others wait to be accepted.
    pub connections_max: usize,
    /// How long the head of a request may take to come.
    pub head_timeout: Duration,
    /// How long its body may take.
    pub body_timeout: Duration,
    /// Bytes of the head of a request.
    pub head_bytes_max: usize,
    /// Bytes of a body.
    pub body_bytes_max: usize,
    /// Bytes of all bodies that are being read or taken in. Others wait for their turn.
    pub bodies_bytes_max: usize,
    /// How long a caller may wait for a verdict.
    pub wait_max: Duration,
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
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            head_bytes_max: 32 << 10,
            body_bytes_max: 8 << 20,
            bodies_bytes_max: 64 << 20,
            wait_max: Duration::from_secs(60),
            page_max: 1_000,
            metadata_bytes_max: 16 << 10,
            key_bytes_max: 255,
        }
    }
}

//! What one engine may hold and do at once, beside the limits of its targets and of its journal.

/// What one engine may hold and do at once. Each target has its own limits beside these (`concurrency`, `queue`), and the
/// journal its own ([`MemoryLimits`](crate::journal::MemoryLimits)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Targets. Each takes some kilobytes and an actor.
    pub targets_max: usize,
    /// Recipients of one broadcast. Bounds what one acceptance writes.
    pub recipients_max: usize,
    /// Bytes of one payload. Bounds what a single caller can hold in memory.
    pub payload_bytes_max: usize,
    /// Attempts of all targets in flight. Bounds sockets; at this limit targets feel each other, so that each has a
    /// `concurrency` of its own below it.
    pub in_flight_max: usize,
}

impl Default for Limits {
    /// Ten thousand targets in some hundred megabytes; a thousand recipients written in one commit; 64 MiB of payload,
    /// more of which belongs into a file that the APIs fetch; ten thousand sockets, as far as the system allows them.
    fn default() -> Self {
        Self {
            targets_max: 10_000,
            recipients_max: 1_000,
            payload_bytes_max: 64 << 20,
            in_flight_max: 10_000,
        }
    }
}

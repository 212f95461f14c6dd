//! How much a journal in memory may hold.

/// How much a journal in memory may hold. Open deliveries are never forgotten: at their limits, new broadcasts
/// are refused. What has settled makes room for what is new.
///
/// What is not limited here: what is kept for a target's name (some hundred bytes) is kept for good, because a
/// claim must never become valid again; names come from the configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MemoryLimits {
    /// Deliveries that have not settled. Bounds memory: each takes up to 1 KiB beside its payload while it waits.
    pub deliveries_open_max: usize,
    /// Bytes of the payloads of open broadcasts, each counted by itself. Bounds memory where payloads are large. A
    /// payload is let go when its broadcast has settled.
    pub payload_bytes_max: usize,
    /// Settled broadcasts that can still be viewed, with their caller's keys. Bounds memory:
    /// each holds the last reply of every delivery. The oldest is forgotten first.
    pub settled_max: usize,
    /// Deliveries without success that are listed. Bounds memory: each takes about a hundred bytes. The oldest
    /// is forgotten first.
    pub dead_letters_max: usize,
}

/// How much a journal in memory holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Occupancy {
    /// Deliveries that have not settled, and notices that are still to come.
    pub deliveries_open: usize,
    /// Bytes of the payloads of broadcasts that have an open delivery.
    pub payload_bytes_open: usize,
    /// Broadcasts that have an open delivery, or no verdict, or owe a notice.
    pub broadcasts_open: usize,
    /// Settled broadcasts that are still kept.
    pub broadcasts_settled: usize,
    /// Deliveries without success that are listed.
    pub dead_letters: usize,
}

impl Default for MemoryLimits {
    /// A process of about half a gigabyte when everything is full.
    fn default() -> Self {
        Self {
            deliveries_open_max: 200_000,
            payload_bytes_max: 256 << 20,
            settled_max: 2_048,
            dead_letters_max: 10_000,
        }
    }
}

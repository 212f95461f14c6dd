//! Names of what is limited, and how near a limit is.

use fanfare_sdk::TargetName;

/// Something that could grow, and must not without end. Stable: its code stands in metrics.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Limit {
    /// Deliveries of all targets that have not settled.
    DeliveriesOpen,
    /// Bytes of the payloads of open broadcasts.
    PayloadBytesOpen,
    /// Settled broadcasts that are kept.
    Settled,
    /// Deliveries without success that are listed.
    DeadLetters,
    /// Attempts of all targets in flight.
    InFlight,
    /// Targets.
    Targets,
    /// Recipients of one broadcast.
    Recipients,
    /// Bytes of one payload.
    PayloadBytes,
    /// Deliveries of one target that have not settled.
    Queue,
    /// Attempts of one target in flight.
    Concurrency,
    /// Bytes of one reply that are kept.
    ReplyBytes,
    /// Bytes of the headers of one reply that are kept.
    ReplyHeaderBytes,
}

/// How much a journal has written, and whether it still can.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Commits: each of them waits for the disk once.
    pub commits: u64,
    /// Calls that were committed, several of them together.
    pub calls: u64,
    /// Whether nothing can be written: nothing is accepted then.
    pub in_trouble: bool,
}

/// How near a limit is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Usage {
    /// What is limited.
    pub limit: Limit,
    /// Whose; none for what all targets share.
    pub target: Option<TargetName>,
    /// How much is used.
    pub used: u64,
    /// How much may be.
    pub max: u64,
}

impl Limit {
    /// The code in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DeliveriesOpen => "deliveries_open",
            Self::PayloadBytesOpen => "payload_bytes_open",
            Self::Settled => "settled",
            Self::DeadLetters => "dead_letters",
            Self::InFlight => "in_flight",
            Self::Targets => "targets",
            Self::Recipients => "recipients",
            Self::PayloadBytes => "payload_bytes",
            Self::Queue => "queue",
            Self::Concurrency => "concurrency",
            Self::ReplyBytes => "reply_bytes",
            Self::ReplyHeaderBytes => "reply_header_bytes",
        }
    }
}

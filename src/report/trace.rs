//! Where a broadcast stands in its trace.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::hex;

/// The ids that are pinned when a broadcast is accepted: its span is told from the history, once it has settled.
///
/// The words are those of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    /// The trace.
    #[serde(with = "hex")]
    pub trace_id: [u8; 16],
    /// The span of the broadcast.
    #[serde(with = "hex")]
    pub span_id: [u8; 8],
    /// The span that the caller was in.
    #[serde(with = "hex::option")]
    pub parent_id: Option<[u8; 8]>,
    /// Whether that span is of another process.
    pub parent_is_remote: bool,
    /// `trace-flags`.
    pub flags: u8,
    /// `tracestate`, as it came.
    pub state: Option<Arc<str>>,
    /// The broadcast that this one repeats, or tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Link>,
    /// `baggage`; leaves only to targets that were told to get it.
    pub baggage: Option<Arc<str>>,
}

/// The span of another broadcast, in a trace of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The trace.
    #[serde(with = "hex")]
    pub trace_id: [u8; 16],
    /// The span.
    #[serde(with = "hex")]
    pub span_id: [u8; 8],
    /// `trace-flags`.
    pub flags: u8,
}

impl fmt::Debug for Trace {
    /// Without the baggage: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("trace_id", &u128::from_be_bytes(self.trace_id))
            .field("span_id", &u64::from_be_bytes(self.span_id))
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

//! Where a broadcast stands in its trace.

use std::sync::Arc;

/// The ids that are pinned when a broadcast is accepted: its span is told from the history, once it has settled.
///
/// The words are those of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Trace {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span of the broadcast.
    pub span_id: [u8; 8],
    /// The span that the caller was in.
    pub parent_id: Option<[u8; 8]>,
    /// `trace-flags`.
    pub flags: u8,
    /// `tracestate`, as it came.
    pub state: Option<Arc<str>>,
}

//! Is a target there, and would it let us in?

use std::time::Duration;

use fanfare_sdk::SendErrorKind;

/// What a probe of a target brought.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Probe {
    /// The HTTP status, where a reply came.
    pub status: Option<u16>,
    /// Why no reply came, without URL and header.
    pub error: Option<String>,
    /// In one of few words.
    pub error_kind: Option<SendErrorKind>,
    /// How long it took.
    pub took: Duration,
}

impl Probe {
    /// Whether the target can be probed: not where it has no request for that, nor where its request needs a payload.
    #[must_use]
    pub fn is_supported(&self) -> bool {
        !matches!(self.error_kind, Some(SendErrorKind::Unsupported | SendErrorKind::Prepare))
    }

    /// Whether it answered, and did not send us away. What cannot be probed counts as reachable.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let lets_in = !matches!(self.status, Some(401 | 403 | 500..));
        !self.is_supported() || (self.error.is_none() && lets_in)
    }
}

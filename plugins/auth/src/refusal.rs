//! What a refusal teaches about a secret that does not change by itself.

use fanfare_sdk::{Learned, ReplyHead};

/// A 401 (RFC 9110 section 15.5.2) is final: the same secret would be refused again.
pub(crate) fn learned(head: &ReplyHead) -> Learned {
    if head.status == Some(401) { Learned::Hopeless } else { Learned::Nothing }
}

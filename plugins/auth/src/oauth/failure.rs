//! What it means that a token endpoint has given no token, and when it is asked again.

use std::time::Duration;

use fanfare_sdk::{AuthError, Meaning, Reply, RetryAfter, SendError, Timestamp, retry_after};
use serde::Deserialize;

/// The longest pause that a token endpoint may ask for.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(5 * 60);

/// How long nobody asks again after a failure that does not pass by itself: it may have been mended at the other end.
const PERMANENT_PAUSE: Duration = Duration::from_secs(60);

/// Codes of errors (RFC 6749 section 5.2, RFC 8707, RFC 9449), and whether they pass by themselves. Others are not repeated: what
/// a server writes may quote what it was sent.
const CODES: &[(&str, bool)] = &[
    ("access_denied", false),
    ("authorization_pending", true),
    ("invalid_client", false),
    ("invalid_dpop_proof", false),
    ("invalid_grant", false),
    ("invalid_request", false),
    ("invalid_scope", false),
    ("invalid_target", false),
    ("server_error", true),
    ("slow_down", true),
    ("temporarily_unavailable", true),
    ("unauthorized_client", false),
    ("unsupported_grant_type", false),
    ("use_dpop_nonce", true),
];

/// Why there is no token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) says: String,
    pub(super) permanent: bool,
    /// What the token endpoint asked for.
    pub(super) asked: Option<Timestamp>,
}

/// The failures in a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failing {
    last: Failure,
    count: u32,
    until: Timestamp,
}

#[derive(Deserialize)]
struct Body {
    error: String,
}

// === impl Failure ===

impl Failure {
    pub(super) fn permanent(code: &'static str, says: impl Into<String>) -> Self {
        Self { code, says: says.into(), permanent: true, asked: None }
    }

    pub(super) fn temporary(code: &'static str, says: impl Into<String>) -> Self {
        Self { permanent: false, ..Self::permanent(code, says) }
    }

    /// There was no reply.
    pub(super) fn unreached(error: &SendError) -> Self {
        let says = format!("the token endpoint could not be asked: {}", error.kind);
        match error.classification.meaning {
            Meaning::Permanent => Self::permanent("token_endpoint", says),
            _ => Self::temporary("token_endpoint", says),
        }
    }

    /// A reply that is no token. `use_dpop_nonce` is looked at before. Only what the token endpoint says in its own words does
    /// not pass: what stands before it answers 404 or 403, or shows a page, while it is down.
    pub(super) fn refused(reply: &Reply, now: Timestamp) -> Self {
        let status = reply.head.status.unwrap_or_default();
        let answered = format!("the token endpoint answered {status}");
        let asked = match retry_after(&reply.head.headers) {
            Some(RetryAfter::For(wait)) => Some(now.after(wait)),
            Some(RetryAfter::At(at)) => Some(at),
            None => None,
        };
        if matches!(status, 408 | 425 | 429 | 500..) {
            return Self { asked, ..Self::temporary("token_endpoint", answered) };
        }
        let Some((code, passes)) = code(reply) else {
            let permanent = matches!(status, 400 | 401) && said(reply).is_some();
            return Self { asked, permanent, ..Self::temporary("token_endpoint", answered) };
        };
        let says = format!("{answered}, {code}");
        if code == "invalid_grant" {
            let says = format!("{says}: somebody has to sign in again, or to mend what is sent");
            return Self::permanent(code, says);
        }
        Self { permanent: !passes, asked, ..Self::temporary(code, says) }
    }
}

impl From<AuthError> for Failure {
    fn from(error: AuthError) -> Self {
        let says = error.source.map_or_else(|| error.code.to_owned(), |cause| cause.to_string());
        Self { code: error.code, says, permanent: error.permanent, asked: error.not_before }
    }
}

/// The code of an error, where it is a known one.
pub(super) fn code(reply: &Reply) -> Option<(&'static str, bool)> {
    let error = said(reply)?;
    CODES.iter().copied().find(|(code, _)| *code == error)
}

/// The code of an error, whatever it is.
fn said(reply: &Reply) -> Option<String> {
    serde_json::from_slice(reply.body.bytes()).ok().map(|body: Body| body.error)
}

// === impl Failing ===

impl Failing {
    /// One more.
    pub(super) fn after(before: Option<&Self>, last: Failure, now: Timestamp) -> Self {
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        let own = if last.permanent { PERMANENT_PAUSE } else { AuthError::pause(count) };
        let latest = now.after(PAUSE_ASKED_MAX);
        let until = now.after(own).max(last.asked.map_or(now, |asked| asked.min(latest)));
        Self { last, count, until }
    }

    /// What is told instead of asking again; nothing once the pause is over.
    pub(super) fn error(&self, now: Timestamp) -> Option<AuthError> {
        (now < self.until).then(|| self.told())
    }

    pub(super) fn told(&self) -> AuthError {
        let Failure { code, says, permanent, .. } = &self.last;
        let error =
            if *permanent { AuthError::permanent(code) } else { AuthError::temporary(code) };
        error.not_before(self.until).because(says.clone())
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Effect, Meaning, SendError, SendErrorKind};

    use super::Failure;

    #[test]
    fn what_may_not_be_called_is_not_asked_again_soon() {
        let may_not = SendError::permanent(SendErrorKind::Address);
        assert!(Failure::unreached(&may_not).permanent);
        let down = SendError::new(SendErrorKind::Connect, Meaning::Retry, Effect::None);
        assert!(!Failure::unreached(&down).permanent);
    }
}

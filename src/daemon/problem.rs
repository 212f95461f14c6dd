//! What went wrong, for programs and for people: problem details (RFC 9457).

use std::{borrow::Cow, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::{
    engine::{AcceptError, ReplayError},
    journal::JournalError,
    wire,
};

pub(super) use crate::wire::Mistake;

/// Where the types of problems are described.
const TYPES: &str = "https://fanfare.dev/problems/";

/// What kind of problem it is. Stable: its code stands in `type`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The body is not JSON.
    MalformedJson,
    /// Something in the request is not right; `errors` says what and where.
    InvalidRequest,
    /// Without a key that is good.
    Unauthorized,
    /// The key does not allow it.
    NotAllowed,
    /// It comes from a web page of somebody else, or was sent to another host.
    Forbidden,
    /// There is nothing there.
    NotFound,
    /// That cannot be done there.
    MethodNotAllowed,
    /// The request did not come in time.
    RequestTimeout,
    /// The same key is being accepted at this moment.
    KeyInUse,
    /// Nothing can be sent again.
    NothingToReplay,
    /// More than is taken.
    TooLarge,
    /// Another media type than JSON.
    UnsupportedMediaType,
    /// The key was used for something else.
    KeyReused,
    /// The payload does not fit the schema of its route; `errors` says what and where.
    PayloadInvalid,
    /// The configuration that was to be taken over is not right.
    ConfigurationRefused,
    /// More requests than the key allows.
    RateLimited,
    /// A fault of ours.
    Internal,
    /// A limit is reached.
    Full,
    /// Nothing can be written down at the moment.
    JournalUnavailable,
    /// It may have been written down, or not.
    OutcomeUnknown,
    /// It is ending.
    ShuttingDown,
}

/// A problem, as it is answered.
#[derive(Debug)]
pub(super) struct Problem {
    kind: ProblemKind,
    detail: Cow<'static, str>,
    errors: Vec<Mistake>,
    again_after_secs: Option<u64>,
}

impl ProblemKind {
    /// All there are.
    pub const ALL: [Self; 21] = [
        Self::MalformedJson,
        Self::InvalidRequest,
        Self::Unauthorized,
        Self::NotAllowed,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::KeyInUse,
        Self::NothingToReplay,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::KeyReused,
        Self::PayloadInvalid,
        Self::ConfigurationRefused,
        Self::RateLimited,
        Self::Internal,
        Self::Full,
        Self::JournalUnavailable,
        Self::OutcomeUnknown,
        Self::ShuttingDown,
    ];

    /// Status, code, title.
    const fn told(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::MalformedJson => (400, "malformed-json", "The body is not JSON"),
            Self::InvalidRequest => (400, "invalid-request", "The request is not right"),
            Self::Unauthorized => (401, "unauthorized", "A key is needed"),
            Self::NotAllowed => (403, "not-allowed", "The key does not allow it"),
            Self::Forbidden => (403, "forbidden", "Nobody from there is answered"),
            Self::NotFound => (404, "not-found", "There is nothing there"),
            Self::MethodNotAllowed => (405, "method-not-allowed", "That cannot be done there"),
            Self::RequestTimeout => (408, "request-timeout", "The request did not come in time"),
            Self::KeyInUse => (409, "idempotency-key-in-use", "The key is being used"),
            Self::NothingToReplay => (409, "nothing-to-replay", "Nothing can be sent again"),
            Self::TooLarge => (413, "too-large", "More than is taken"),
            Self::UnsupportedMediaType => (415, "unsupported-media-type", "Only JSON is taken"),
            Self::KeyReused => (422, "idempotency-key-reused", "The key was used otherwise"),
            Self::PayloadInvalid => (422, "payload-invalid", "The payload does not fit its route"),
            Self::ConfigurationRefused => {
                (422, "configuration-refused", "The configuration was not taken over")
            }
            Self::RateLimited => (429, "rate-limited", "More than the key allows"),
            Self::Internal => (500, "internal", "A fault of ours"),
            Self::Full => (503, "full", "A limit is reached"),
            Self::JournalUnavailable => (503, "journal-unavailable", "Nothing can be written down"),
            Self::OutcomeUnknown => (503, "outcome-unknown", "It may have been accepted"),
            Self::ShuttingDown => (503, "shutting-down", "The daemon is ending"),
        }
    }

    /// The status that it is answered with.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.told().0
    }

    /// The last part of its `type`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.told().1
    }

    /// Its `type`.
    pub(super) fn uri(self) -> String {
        format!("{TYPES}{}", self.code())
    }

    /// When it may be asked again.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::KeyInUse | Self::OutcomeUnknown | Self::RateLimited => {
                Some(Duration::from_secs(1))
            }
            Self::Full | Self::JournalUnavailable | Self::ShuttingDown => {
                Some(Duration::from_secs(5))
            }
            _ => None,
        }
    }
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), errors: Vec::new(), again_after_secs: None }
    }

    /// That it may be asked again then.
    pub(super) fn again_after(mut self, secs: u64) -> Self {
        self.again_after_secs = Some(secs);
        self
    }

    /// Everything that is wrong with a request.
    pub(super) fn invalid(errors: Vec<Mistake>) -> Self {
        Self {
            kind: ProblemKind::InvalidRequest,
            detail: count(&errors).into(),
            errors,
            again_after_secs: None,
        }
    }

    /// Everything that is wrong with a configuration.
    pub(super) fn refused_configuration(errors: Vec<Mistake>) -> Self {
        let detail = format!("{}; the one before holds", count(&errors)).into();
        Self { kind: ProblemKind::ConfigurationRefused, detail, errors, again_after_secs: None }
    }

    /// A payload that does not fit the schema of its route. `more` says that there are others.
    pub(super) fn payload(errors: Vec<Mistake>, more: Option<String>) -> Self {
        let told = Self::invalid(errors);
        let more = more.map(|more| format!("; {more}")).unwrap_or_default();
        let detail = format!("{}{more}", told.detail).into();
        Self { kind: ProblemKind::PayloadInvalid, detail, ..told }
    }

    /// With one more mistake, where mistakes are what it is about.
    pub(super) fn and(mut self, mistake: Mistake) -> Self {
        if [ProblemKind::InvalidRequest, ProblemKind::PayloadInvalid].contains(&self.kind) {
            self.errors.push(mistake);
            return Self::invalid(self.errors);
        }
        self
    }

    pub(super) fn no_such(what: &str, name: &str) -> Self {
        Self::new(ProblemKind::NotFound, format!("there is no {what} `{}`", short(name)))
    }
}

impl Mistake {
    /// At that place of the body.
    pub(super) fn in_body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), detail: detail.into(), ..Self::default() }
    }

    /// In that parameter.
    pub(super) fn in_query(name: &str, detail: impl Into<String>) -> Self {
        Self { parameter: Some(short(name)), detail: detail.into(), ..Self::default() }
    }

    /// There in the configuration.
    pub(super) fn in_configuration(at: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { configuration: Some(at.into()), detail: detail.into(), ..Self::default() }
    }

    /// In that header.
    pub(super) fn in_header(name: &str, detail: impl Into<String>) -> Self {
        Self { header: Some(name.to_owned()), detail: detail.into(), ..Self::default() }
    }
}

fn count(errors: &[Mistake]) -> String {
    let count = errors.len();
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} mistake{plural}, listed in `errors`")
}

/// What a caller wrote, no longer than a line.
pub(super) fn short(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let kind = match error {
            JournalError::KeyReused => ProblemKind::KeyReused,
            JournalError::NoDeadLetter => ProblemKind::NothingToReplay,
            JournalError::Full => ProblemKind::Full,
            JournalError::Unknown => ProblemKind::OutcomeUnknown,
            JournalError::Unavailable => ProblemKind::JournalUnavailable,
            JournalError::Fenced
            | JournalError::NotOwed
            | JournalError::Invalid(_)
            | JournalError::Unreadable => ProblemKind::Internal,
        };
        let says = match error {
            JournalError::KeyReused => {
                "the idempotency key belongs to a request that was not the same".to_owned()
            }
            JournalError::Unknown => {
                "whether it was written down is not known: ask again with the same Idempotency-Key"
                    .to_owned()
            }
            error => error.to_string(),
        };
        Self::new(kind, says)
    }
}

impl From<ReplayError> for Problem {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Unknown => Self::new(ProblemKind::NotFound, error.to_string()),
            ReplayError::Refused(AcceptError::Journal(error)) => error.into(),
            ReplayError::Refused(AcceptError::Closing) => {
                Self::new(ProblemKind::ShuttingDown, "nothing is accepted any more")
            }
            error => Self::new(ProblemKind::NothingToReplay, error.to_string()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, _, title) = self.kind.told();
        let document = wire::Problem {
            r#type: self.kind.uri(),
            title: title.to_owned(),
            status,
            detail: self.detail.into_owned(),
            errors: self.errors,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = HeaderValue::from_static("application/problem+json");
        let mut response = (status, [(header::CONTENT_TYPE, json)], body).into_response();
        let pause = self.kind.retry_after().map(|pause| pause.as_secs());
        if let Some(secs) = self.again_after_secs.or(pause) {
            response.headers_mut().insert(header::RETRY_AFTER, secs.into());
        }
        if self.kind == ProblemKind::Unauthorized {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

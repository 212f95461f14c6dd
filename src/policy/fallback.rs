//! Fallbacks: what is done when a way has failed for good, for which failures, and how patiently.

use std::{sync::Arc, time::Duration};

use fanfare_sdk::{Endpoint, Fallback, Meaning, SendErrorKind, TargetName};

use super::Retry;
use crate::{
    report::{CapturedReply, Reason, Substitute, Why},
    sabotage::{self, Sabotage},
};

/// One fallback of a target.
#[derive(Clone, PartialEq, Debug)]
pub struct FallbackRule {
    /// What is done.
    pub to: FallbackTo,
    /// The failures that it is meant for; none are all against which it may help.
    pub on: Vec<Condition>,
    /// How often and how patiently that way is tried, where it is not as the target is.
    pub retry: Option<Retry>,
    /// How long one attempt on that way may take, where it is not as at the target.
    pub timeout: Option<Duration>,
}

/// What is done when a way has failed for good.
#[derive(Clone, PartialEq, Debug)]
pub enum FallbackTo {
    /// The next version.
    Version,
    /// Another endpoint of the same API.
    Endpoint(Endpoint),
    /// Another target stands in.
    Target(TargetName),
    /// This reply stands in.
    Reply(Arc<CapturedReply>),
    /// A dead letter that is sent again by itself, where the journal outlives the process.
    Park(Park),
}

/// When a dead letter is sent again by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Park {
    /// After that time.
    pub wait: Duration,
    /// How often at most; then it is a dead letter like any other.
    pub times: u32,
}

/// A failure, in the words of reports: the code of a reason, of a meaning, or of an error; a status, or a class of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Condition {
    /// A code of [`Condition::codes`].
    Code(&'static str),
    /// This status.
    Status(u16),
    /// A status that begins with this digit.
    Class(u16),
}

/// What went wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Failure {
    pub(super) reason: Reason,
    /// What the last attempt meant, where there was one.
    pub(super) meaning: Option<Meaning>,
    pub(super) status: Option<u16>,
    pub(super) error: Option<SendErrorKind>,
    /// It was lost with its process.
    pub(super) lost: bool,
}

/// The code of an attempt that was lost with its process.
const LOST: &str = "lost";

// === impl FallbackRule ===

impl FallbackRule {
    /// That fallback, for whatever it may help against, as patient as the target.
    #[must_use]
    pub fn new(to: FallbackTo) -> Self {
        Self { to, on: Vec::new(), retry: None, timeout: None }
    }

    /// Only for these failures.
    #[must_use]
    pub fn on(mut self, failures: impl IntoIterator<Item = Condition>) -> Self {
        self.on.extend(failures);
        self
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(&self) -> Substitute {
        match &self.to {
            FallbackTo::Version => Substitute::Version,
            FallbackTo::Endpoint(endpoint) => Substitute::Endpoint(endpoint.clone()),
            FallbackTo::Target(target) => Substitute::Target(target.clone()),
            FallbackTo::Reply(_) => Substitute::Reply,
            FallbackTo::Park(_) => Substitute::Park,
        }
    }

    /// Whether it is meant for that failure; one that names none is meant for all.
    pub(super) fn is_meant_for(&self, failure: &Failure) -> bool {
        self.on.is_empty()
            || sabotage::is(Sabotage::ConditionIgnored)
            || self.on.iter().any(|condition| condition.meets(failure))
    }
}

impl From<Fallback> for FallbackRule {
    /// A canned reply that is not described is an empty one.
    fn from(fallback: Fallback) -> Self {
        Self::new(match fallback {
            Fallback::Version => FallbackTo::Version,
            Fallback::Endpoint(endpoint) => FallbackTo::Endpoint(endpoint),
            Fallback::Target(target) => FallbackTo::Target(target),
            Fallback::Reply => FallbackTo::Reply(Arc::default()),
        })
    }
}

// === impl Condition ===

impl Condition {
    /// All codes, each once.
    #[must_use]
    pub fn codes() -> Vec<&'static str> {
        let reasons = [
            Reason::Permanent,
            Reason::Unsendable,
            Reason::AttemptsUsedUp,
            Reason::ThrottledTooOften,
            Reason::TimeUsedUp,
            Reason::Unauthorized,
            Reason::VersionsUsedUp,
            Reason::TargetDisabled,
            Reason::NotRepeatable,
            Reason::Refused(Why::Breaker),
            Reason::Refused(Why::Disabled),
            Reason::Refused(Why::TargetFailed),
        ];
        let meanings = [Meaning::Retry, Meaning::Throttled, Meaning::VersionRejected];
        let errors = [
            SendErrorKind::Prepare,
            SendErrorKind::Address,
            SendErrorKind::Dns,
            SendErrorKind::Connect,
            SendErrorKind::Tls,
            SendErrorKind::Reset,
            SendErrorKind::Timeout,
            SendErrorKind::Auth,
            SendErrorKind::Protocol,
            SendErrorKind::TooLarge,
            SendErrorKind::Panicked,
        ];
        let reasons = reasons.iter().map(|reason| reason.code());
        let meanings = meanings.iter().map(|meaning| meaning.code());
        let errors = errors.iter().map(|error| error.code());
        reasons.chain(meanings).chain(errors).chain([LOST]).collect()
    }

    /// Reads one: `connect`, `breaker`, `503`, `5xx`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        if let Some(code) = Self::codes().into_iter().find(|code| *code == word) {
            return Some(Self::Code(code));
        }
        let class = word.strip_suffix("xx").filter(|digit| digit.len() == 1);
        if let Some(class) = class.and_then(|digit| digit.parse().ok()) {
            return Some(Self::Class(class)).filter(|_| (3..=5).contains(&class));
        }
        let status = word.parse().ok().filter(|status| (300..600).contains(status));
        status.filter(|_| word.len() == 3).map(Self::Status)
    }

    fn meets(self, failure: &Failure) -> bool {
        match self {
            Self::Code(code) => {
                failure.reason.code() == code
                    || failure.meaning.is_some_and(|meaning| meaning.code() == code)
                    || failure.error.is_some_and(|error| error.code() == code)
                    || (failure.lost && code == LOST)
            }
            Self::Status(status) => failure.status == Some(status),
            Self::Class(class) => failure.status.is_some_and(|status| status / 100 == class),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Failure, Meaning, Reason, SendErrorKind, Why};

    #[test]
    fn every_code_is_read_and_stands_there_once() {
        let codes = Condition::codes();
        for code in &codes {
            assert_eq!(Condition::parse(code), Some(Condition::Code(code)));
            assert_eq!(codes.iter().filter(|other| *other == code).count(), 1, "{code}");
        }
        assert_eq!(Condition::parse("503"), Some(Condition::Status(503)));
        assert_eq!(Condition::parse("5xx"), Some(Condition::Class(5)));
        for wrong in ["", "200", "2xx", "600", "6xx", "0503", "xx", "50x", "success", "conect"] {
            assert_eq!(Condition::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_condition_meets_what_it_names() {
        #[track_caller]
        fn check(failure: Failure, meant: &[&str], not_meant: &[&str]) {
            for (words, expected) in [(meant, true), (not_meant, false)] {
                for word in words {
                    let condition = Condition::parse(word).unwrap();
                    assert_eq!(condition.meets(&failure), expected, "{word}");
                }
            }
        }
        let nothing = Failure {
            reason: Reason::Refused(Why::Breaker),
            meaning: None,
            status: None,
            error: None,
            lost: false,
        };
        check(nothing, &["breaker"], &["permanent", "5xx", "lost", "connect"]);
        let answered = Failure {
            reason: Reason::AttemptsUsedUp,
            meaning: Some(Meaning::Retry),
            status: Some(503),
            ..nothing
        };
        check(answered, &["attempts_used_up", "retry", "503", "5xx"], &["502", "4xx", "breaker"]);
        let error = Some(SendErrorKind::Connect);
        check(Failure { status: None, error, ..answered }, &["connect"], &["timeout", "503"]);
        check(Failure { lost: true, ..nothing }, &["lost"], &[]);
    }
}

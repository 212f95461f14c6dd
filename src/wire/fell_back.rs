//! What a delivery fell back to, and what it passed over, in a report.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Reason,
    report::{origin, time},
};
use crate::report::{self, FellBack, Outcome, Substitute};

/// A fallback that was passed over.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PassedOver {
    /// `version`, `endpoint`, `target`, `reply` or `park`.
    pub fallback: Cow<'static, str>,
    /// Which endpoint, without its path, or which target.
    pub name: Option<String>,
    /// Why it was not taken: `not_meant`, `no_help`, `doubt`, `tried`, `none_left`, `too_late`, `used_up`, or what its gate let nothing
    /// through for, like `breaker`.
    pub because: Unfit,
    /// The code of what had failed before it, as in `reason`.
    pub after: Cow<'static, str>,
    /// When.
    pub at: String,
}

/// Why a fallback was passed over.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Unfit {
    /// Stable.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
}

/// What a canned reply stood in for.
pub(super) fn stood_in_for(delivery: &report::Delivery) -> Option<Reason> {
    let fell_back = delivery.falls.last();
    let because = fell_back.filter(|_| delivery.outcome == Some(Outcome::Substituted))?.because;
    Some(Reason { code: because.code().into(), message: because.to_string(), said: None })
}

pub(super) fn passed_over(fell_back: &FellBack) -> impl Iterator<Item = PassedOver> {
    fell_back.passed.iter().map(|passed| PassedOver {
        fallback: passed.fallback.code().into(),
        name: match &passed.fallback {
            Substitute::Endpoint(endpoint) => Some(origin(endpoint)),
            Substitute::Target(target) => Some(target.to_string()),
            Substitute::Version | Substitute::Reply | Substitute::Park => None,
        },
        because: Unfit { code: passed.because.code().into(), message: passed.because.to_string() },
        after: fell_back.because.code().into(),
        at: time(fell_back.at),
    })
}

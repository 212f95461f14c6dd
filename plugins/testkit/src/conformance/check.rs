//! One check: a name, how to mend what it finds, and a function.

use futures_util::future::LocalBoxFuture;

use super::{Finding, subject::Subject};

pub(super) struct Check {
    /// The number in docs/target-spec.md; empty for what the suite itself needs.
    pub(super) must: &'static str,
    pub(super) name: &'static str,
    pub(super) mend: &'static str,
    pub(super) run: for<'a> fn(&'a Subject<'a>) -> LocalBoxFuture<'a, Checked>,
}

pub(super) type Checked = Result<(), Unfit>;

/// Why a check did not pass.
pub(super) enum Unfit {
    Failed(String),
    Skipped(String),
}

pub(super) fn failed<T>(why: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Failed(why.into()))
}

pub(super) fn skipped<T>(why: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Skipped(why.into()))
}

impl From<Checked> for Finding {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Unfit::Failed(why)) => Self::Failed { why },
            Err(Unfit::Skipped(why)) => Self::Skipped { why },
        }
    }
}

//! What the suite has found: one line for each check.

use std::fmt;

use super::ConformanceBuilder;

/// What the suite has found, in the order of its checks. Its `Display` has one line for each.
#[derive(Clone, Debug)]
#[must_use = "a report that nobody looks at proves nothing: `assert` it"]
pub struct Conformance {
    lines: Vec<Line>,
}

/// What one check has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// The number of the requirement in `docs/target-spec.md`; empty for what the suite itself needs.
    pub must: &'static str,
    /// What is checked, as a sentence that is true of a right target.
    pub name: &'static str,
    /// What was found.
    pub finding: Finding,
    /// How to mend a target that fails.
    pub mend: &'static str,
}

/// How one check ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// The sentence is true.
    Passed,
    /// It is not.
    Failed {
        /// What was seen instead, without values that may be secrets.
        why: String,
    },
    /// The check does not fit the target.
    Skipped {
        /// What it lacks.
        why: String,
    },
}

// === impl Conformance ===

impl Conformance {
    /// A suite that is told more about the target before it is run.
    pub fn builder() -> ConformanceBuilder {
        ConformanceBuilder::default()
    }

    pub(super) fn of(lines: Vec<Line>) -> Self {
        Self { lines }
    }

    /// Every line.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The lines of the checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| matches!(line.finding, Finding::Failed { .. }))
    }

    /// Nothing where no check failed.
    ///
    /// # Panics
    /// When a check failed, with every failure and how to mend it.
    #[track_caller]
    pub fn assert(&self) {
        let failures: Vec<_> = self.failures().map(Line::to_string).collect();
        assert!(
            failures.is_empty(),
            "the target does not keep the contract:\n{}",
            failures.join("\n")
        );
    }
}

impl fmt::Display for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

// === impl Line ===

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { must, name, finding, mend } = self;
        let space = if must.is_empty() { "" } else { " " };
        match finding {
            Finding::Passed => write!(f, "passed   {must}{space}{name}"),
            Finding::Skipped { why } => write!(f, "skipped  {must}{space}{name}: {why}"),
            Finding::Failed { why } => {
                write!(f, "failed   {must}{space}{name}: {why}\n         {mend}")
            }
        }
    }
}

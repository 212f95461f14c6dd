//! What is measured, and what it may cost.

use super::contender::Who;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) fanfare: Who,
    pub(crate) rival: Who,
    pub(crate) targets: usize,
    pub(crate) size: Size,
    pub(crate) flavour: Flavour,
    /// Broadcasts under way at any time, each in a task of its own.
    pub(crate) at_once: usize,
    /// The highest ratio to the rival that is within the budget.
    pub(crate) budget: f64,
}

/// How long the payload is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Size {
    /// About 100 bytes.
    Small,
    /// About 100 kilobytes.
    Large,
}

/// Which runtime those in this process run on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flavour {
    CurrentThread,
    /// With two workers.
    MultiThread,
}

/// One at a time is the hardest case: nothing that waits can be shared, and on two workers every hand-over wakes a
/// sleeping thread. Sixteen at once is nearer to a service under load, where there is always something to do next.
pub(crate) const ROWS: &[Row] = &[
    row("2-small-current", (2, Size::Small), Flavour::CurrentThread, 1, 1.15),
    row("10-small-current", (10, Size::Small), Flavour::CurrentThread, 1, 1.15),
    row("2-small-multi", (2, Size::Small), Flavour::MultiThread, 1, 1.30),
    row("10-small-multi", (10, Size::Small), Flavour::MultiThread, 1, 1.30),
    row("2-large-current", (2, Size::Large), Flavour::CurrentThread, 1, 0.40),
    row("10-large-current", (10, Size::Large), Flavour::CurrentThread, 1, 0.40),
    row("2-small-current-16", (2, Size::Small), Flavour::CurrentThread, 16, 1.15),
    row("10-small-current-16", (10, Size::Small), Flavour::CurrentThread, 16, 1.15),
    row("2-small-multi-16", (2, Size::Small), Flavour::MultiThread, 16, 1.30),
    row("10-small-multi-16", (10, Size::Small), Flavour::MultiThread, 16, 1.30),
    Row {
        fanfare: Who::Exporting,
        rival: Who::Fanfare,
        ..row("2-small-export", (2, Size::Small), Flavour::CurrentThread, 1, 1.60)
    },
    Row {
        fanfare: Who::Exporting,
        rival: Who::Fanfare,
        ..row("2-small-export-16", (2, Size::Small), Flavour::CurrentThread, 16, 1.60)
    },
    Row {
        rival: Who::Axios,
        ..row("2-small-axios", (2, Size::Small), Flavour::CurrentThread, 1, 0.15)
    },
    Row {
        rival: Who::Axios,
        ..row("2-small-axios-16", (2, Size::Small), Flavour::CurrentThread, 16, 0.15)
    },
];

/// An engine as it comes beside `join_all`, where a row says nothing else.
const fn row(
    name: &'static str,
    (targets, size): (usize, Size),
    flavour: Flavour,
    at_once: usize,
    budget: f64,
) -> Row {
    Row {
        name,
        fanfare: Who::Fanfare,
        rival: Who::JoinAll,
        targets,
        size,
        flavour,
        at_once,
        budget,
    }
}

impl Row {
    /// The noise beyond which a ratio says nothing: the budget's distance from 1, 0.15 at the most.
    pub(crate) fn margin(&self) -> f64 {
        (self.budget - 1.0).abs().min(0.15)
    }

    /// Why this row cannot be measured on this machine.
    pub(crate) fn missing(&self) -> Option<String> {
        self.fanfare.missing().or_else(|| self.rival.missing())
    }

    /// What is sent, in words.
    pub(crate) fn work(&self) -> String {
        let size = match self.size {
            Size::Small => "100 B",
            Size::Large => "100 kB",
        };
        format!("{} targets, {size}, {} at once", self.targets, self.at_once)
    }

    /// Who is divided by whom.
    pub(crate) fn who(&self) -> String {
        format!("{} / {}", self.fanfare, self.rival)
    }
}

impl Size {
    /// Deliveries of one batch: enough that the clock's steps and a timer's interrupt do not count.
    pub(crate) const fn deliveries(self) -> usize {
        match self {
            Self::Small => 4_000,
            Self::Large => 1_000,
        }
    }
}

impl Flavour {
    /// In words.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::CurrentThread => "current-thread",
            Self::MultiThread => "multi-thread, 2 workers",
        }
    }
}

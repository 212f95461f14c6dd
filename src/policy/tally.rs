//! What the outcomes of its deliveries make of a broadcast.

use fanfare_sdk::Timestamp;

use crate::{
    report::{CompletedBy, Completion},
    sabotage::{self, Sabotage},
};

/// What one recipient counts as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Standing {
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Success or failure, once it has settled.
    pub settled: Option<bool>,
}

/// Whether the verdict is certain.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tally {
    /// Not yet.
    Open,
    /// It is.
    Closed {
        /// Whether the completion policy is fulfilled.
        satisfied: bool,
        /// What made it certain.
        by: CompletedBy,
    },
}

/// The verdict, as soon as it is certain: satisfied, or no longer satisfiable, or the deadline has passed.
///
/// Recipients that a condition left out are not among the standings. Only `all` looks at whether a recipient
/// is required; where none is, it waits for all of them and is satisfied by one.
#[must_use]
pub fn tally(
    completion: Completion,
    standings: &[Standing],
    deadline: Option<Timestamp>,
    now: Timestamp,
) -> Tally {
    let count = |settled| standings.iter().filter(|s| s.settled == settled).count();
    let (yes, open) = (count(Some(true)), count(None));
    let certain = match completion {
        Completion::All if standings.iter().any(|s| s.required) => all(standings),
        Completion::Quorum(needed) => {
            let one_less = usize::from(sabotage::is(Sabotage::QuorumTooSmall));
            enough(yes + one_less, open, needed as usize, CompletedBy::Quorum)
        }
        Completion::Any => enough(yes, open, 1, CompletedBy::First),
        Completion::All | Completion::BestEffort if open == 0 => {
            // Whom a condition left out nobody waits for: without standings nothing is missing.
            Tally::Closed { satisfied: yes > 0 || standings.is_empty(), by: CompletedBy::All }
        }
        Completion::All | Completion::BestEffort => Tally::Open,
    };
    let deadline = deadline.filter(|_| !sabotage::is(Sabotage::DeadlineIgnored));
    if certain == Tally::Open && deadline.is_some_and(|deadline| now >= deadline) {
        let satisfied = completion == Completion::BestEffort && yes > 0;
        return Tally::Closed { satisfied, by: CompletedBy::Deadline };
    }
    certain
}

fn all(standings: &[Standing]) -> Tally {
    let mut required = standings.iter().filter(|s| s.required).map(|s| s.settled);
    if required.clone().any(|settled| settled == Some(false)) {
        Tally::Closed { satisfied: false, by: CompletedBy::Impossible }
    } else if required.all(|settled| settled == Some(true)) {
        Tally::Closed { satisfied: true, by: CompletedBy::All }
    } else {
        Tally::Open
    }
}

fn enough(yes: usize, open: usize, needed: usize, by: CompletedBy) -> Tally {
    if yes >= needed {
        Tally::Closed { satisfied: true, by }
    } else if yes + open < needed {
        Tally::Closed { satisfied: false, by: CompletedBy::Impossible }
    } else {
        Tally::Open
    }
}

#[cfg(test)]
mod tests {
    use super::{Completion, Standing, Tally, Timestamp, tally};

    /// One letter a recipient: `y` succeeded, `n` failed, `.` open; capital where it is required.
    #[track_caller]
    fn check(completion: Completion, recipients: &str, expected: &str) {
        let [before, after] = [99, 100].map(|now| look(completion, recipients, now));
        assert_eq!(
            format!("{before}; at the deadline {after}"),
            expected,
            "{completion:?} {recipients}"
        );
    }

    fn look(completion: Completion, recipients: &str, now: i64) -> String {
        let standing = |c: char| Standing {
            required: c.is_uppercase() || c == '?',
            settled: match c.to_ascii_lowercase() {
                'y' => Some(true),
                'n' => Some(false),
                _ => None,
            },
        };
        let standings: Vec<_> = recipients.chars().map(standing).collect();
        match tally(
            completion,
            &standings,
            Some(Timestamp::from_secs(100)),
            Timestamp::from_secs(now),
        ) {
            Tally::Open => "open".into(),
            Tally::Closed { satisfied, by } => {
                format!("{} by {}", if satisfied { "yes" } else { "no" }, by.code())
            }
        }
    }

    /// `?` is open and required, `.` is open and optional.
    #[test]
    fn all_looks_at_required_recipients_only() {
        let all = Completion::All;
        check(all, "YY", "yes by all; at the deadline yes by all");
        check(all, "Y?", "open; at the deadline no by deadline");
        check(all, "N?", "no by impossible; at the deadline no by impossible");
        check(all, "Y.", "yes by all; at the deadline yes by all");
        check(all, "Yn", "yes by all; at the deadline yes by all");
        check(all, "?y", "open; at the deadline no by deadline");
        check(all, "y.", "open; at the deadline no by deadline");
        check(all, "yn", "yes by all; at the deadline yes by all");
        check(all, "nn", "no by all; at the deadline no by all");
    }

    #[test]
    fn quorum_falls_as_soon_as_it_is_reached_or_out_of_reach() {
        let two = Completion::Quorum(2);
        check(two, "Yy.", "yes by quorum; at the deadline yes by quorum");
        check(two, "Yn.", "open; at the deadline no by deadline");
        check(two, "nN.", "no by impossible; at the deadline no by impossible");
        check(Completion::Quorum(4), "...", "no by impossible; at the deadline no by impossible");
        check(Completion::Quorum(0), "n", "yes by quorum; at the deadline yes by quorum");
    }

    #[test]
    fn any_falls_with_the_first_success_or_the_last_failure() {
        check(Completion::Any, "..y", "yes by first; at the deadline yes by first");
        check(Completion::Any, "nn.", "open; at the deadline no by deadline");
        check(Completion::Any, "nnn", "no by impossible; at the deadline no by impossible");
        check(Completion::All, "", "yes by all; at the deadline yes by all");
        check(Completion::Any, "", "no by impossible; at the deadline no by impossible");
    }

    #[test]
    fn best_effort_waits_for_everything_or_the_deadline() {
        check(Completion::BestEffort, "y.", "open; at the deadline yes by deadline");
        check(Completion::BestEffort, "n.", "open; at the deadline no by deadline");
        check(Completion::BestEffort, "yn", "yes by all; at the deadline yes by all");
        check(Completion::BestEffort, "nn", "no by all; at the deadline no by all");
    }

    #[test]
    fn without_a_deadline_it_stays_open() {
        let open = [Standing { required: true, settled: None }];
        assert_eq!(
            tally(Completion::All, &open, None, Timestamp::from_micros(i64::MAX)),
            Tally::Open
        );
    }
}

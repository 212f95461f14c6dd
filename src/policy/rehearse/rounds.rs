//! The broadcasts of a rehearsal: what their deliveries make of them.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use smallvec::SmallVec;

use super::{Count, RecipientSummary, RouteRehearsal, RouteRehearsed, Spread, VerdictCount};
use crate::{
    policy::{Standing, Tally, TargetPolicy, tally},
    report::{Completion, IdMap, Outcome},
};

/// A broadcast that is open, or has no verdict.
#[derive(Debug)]
struct Round {
    standings: SmallVec<[Standing; 4]>,
    accepted: Timestamp,
    deadline: Option<Timestamp>,
    judged: bool,
}

/// All broadcasts, and what was counted of those that are over.
#[derive(Debug)]
pub(super) struct Rounds {
    completion: Completion,
    accept_substituted: bool,
    deadline: Option<Duration>,
    start: Timestamp,
    open: IdMap<u32, Round>,
    fresh: SmallVec<[Standing; 4]>,
    verdict_after: Vec<Duration>,
    /// By recipient.
    settled_after: Vec<Vec<Duration>>,
    summary: RouteRehearsed,
}

impl Rounds {
    pub(super) fn new(route: &RouteRehearsal) -> Self {
        let recipient = |(policy, required): &(TargetPolicy, bool)| RecipientSummary {
            target: policy.target.clone(),
            required: *required,
            outcomes: Vec::new(),
            settled_after: Spread::default(),
        };
        let recipients: Vec<_> = route.recipients.iter().map(recipient).collect();
        Self {
            completion: route.completion,
            accept_substituted: route.accept_substituted,
            deadline: route.deadline,
            start: route.start,
            open: IdMap::default(),
            fresh: recipients
                .iter()
                .map(|it| Standing { required: it.required, settled: None })
                .collect(),
            verdict_after: Vec::new(),
            settled_after: vec![Vec::new(); recipients.len()],
            summary: RouteRehearsed {
                broadcasts: 0,
                verdicts: Vec::new(),
                verdict_after: Spread::default(),
                recipients,
                apis: Vec::new(),
                lasted: Duration::ZERO,
                unsettled: 0,
            },
        }
    }

    /// One more; says when its verdict falls at the latest.
    pub(super) fn begin(&mut self, number: u32, now: Timestamp) -> Option<Timestamp> {
        let deadline = self.deadline.map(|wait| now.after(wait));
        let standings = self.fresh.clone();
        self.open.insert(number, Round { standings, accepted: now, deadline, judged: false });
        self.summary.broadcasts += 1;
        deadline
    }

    /// A delivery has settled.
    pub(super) fn settle(
        &mut self,
        (number, recipient): (u32, usize),
        outcome: Outcome,
        now: Timestamp,
    ) {
        let Some(round) = self.open.get_mut(&number) else { return };
        round.standings[recipient].settled = outcome.counts(self.accept_substituted);
        self.settled_after[recipient].push(now.since(round.accepted));
        self.summary.lasted = now.since(self.start);
        let counts = &mut self.summary.recipients[recipient].outcomes;
        let one = Count::of(outcome);
        let same = |it: &&mut Count| (it.outcome, it.reason) == (one.outcome, one.reason);
        match counts.iter_mut().find(same) {
            Some(count) => count.count += 1,
            None => counts.push(one),
        }
    }

    /// Whether the verdict of a broadcast falls now.
    pub(super) fn judge(&mut self, number: u32, now: Timestamp) -> bool {
        let Some(round) = self.open.get_mut(&number) else { return false };
        let before = round.judged;
        if !before
            && let Tally::Closed { satisfied, by } =
                tally(self.completion, &round.standings, round.deadline, now)
        {
            round.judged = true;
            self.verdict_after.push(now.since(round.accepted));
            let verdicts = &mut self.summary.verdicts;
            match verdicts.iter_mut().find(|it| (it.satisfied, it.by) == (satisfied, by)) {
                Some(verdict) => verdict.count += 1,
                None => verdicts.push(VerdictCount { satisfied, by, count: 1 }),
            }
        }
        let fell = round.judged && !before;
        if round.judged && round.standings.iter().all(|it| it.settled.is_some()) {
            self.open.remove(&number);
        }
        fell
    }

    /// What was counted.
    pub(super) fn summary(self) -> RouteRehearsed {
        let mut summary = self.summary;
        summary.verdict_after = Spread::of(self.verdict_after);
        summary.verdicts.sort_by_key(|it| std::cmp::Reverse(it.count));
        for (recipient, settled_after) in summary.recipients.iter_mut().zip(self.settled_after) {
            recipient.settled_after = Spread::of(settled_after);
            recipient.outcomes.sort_by_key(|it| std::cmp::Reverse(it.count));
        }
        summary
    }
}

//! What is kept of one broadcast.

use std::sync::Arc;

use fanfare_sdk::{TargetName, Timestamp};
use smallvec::SmallVec;

use super::Rank;
use crate::{
    journal::{BroadcastFilter, Entry, JournalError, NewBroadcast, Summary, listing::one_of},
    policy::{Standing, Tally, tally},
    report::{
        Delivery, Event, History, Occasion, Occasions, Outcome, Report, ReportSource, Verdict,
    },
};

/// Recipients up to which looking at each is faster than a search in sorted order.
const UNSORTED_MAX: usize = 16;

/// A broadcast and its deliveries, in the order of its recipients.
#[derive(Debug)]
pub(in crate::journal) struct Record {
    pub(in crate::journal) broadcast: Arc<NewBroadcast>,
    pub(in crate::journal) slots: SmallVec<[Slot; 1]>,
    /// Places by the names of the recipients; empty where there are few of them.
    sorted: Box<[u32]>,
    pub(in crate::journal) verdict: Option<Verdict>,
    /// Slots that have not settled.
    pub(in crate::journal) open: u32,
    /// Whether it has been counted among the settled ones.
    pub(in crate::journal) retired: bool,
    /// Notices that were accepted, or given up.
    pub(in crate::journal) told: Occasions,
    /// The first delivery's place in the order of acceptance; those of the others follow.
    pub(in crate::journal) order: u64,
}

/// What is kept of one delivery.
#[derive(Debug)]
pub(in crate::journal) struct Slot {
    /// Who serves it, as the store numbers its targets.
    pub(in crate::journal) serving: u32,
    pub(in crate::journal) history: History,
    pub(in crate::journal) due: Timestamp,
    pub(in crate::journal) settled: Option<(Outcome, Timestamp)>,
}

// === impl Record ===

impl Record {
    pub(in crate::journal) fn new(
        broadcast: Arc<NewBroadcast>,
        slots: SmallVec<[Slot; 1]>,
        order: u64,
    ) -> Self {
        let sorted = if slots.len() > UNSORTED_MAX { by_name(&broadcast) } else { Box::default() };
        let open = small(slots.len());
        let told = Occasions::default();
        Self { broadcast, slots, sorted, verdict: None, open, retired: false, told, order }
    }

    /// As it was read from where it is kept.
    #[cfg(feature = "sqlite")]
    pub(in crate::journal) fn restore(
        broadcast: Arc<NewBroadcast>,
        slots: SmallVec<[Slot; 1]>,
        order: u64,
        (verdict, retired, told): (Option<Verdict>, bool, Occasions),
    ) -> Self {
        let open = small(slots.iter().filter(|slot| slot.settled.is_none()).count());
        Self { verdict, retired, told, open, ..Self::new(broadcast, slots, order) }
    }

    /// The place of a recipient.
    pub(in crate::journal) fn place(&self, recipient: &TargetName) -> Option<usize> {
        let recipients = &self.broadcast.recipients;
        if recipients.len() <= UNSORTED_MAX {
            return recipients.iter().position(|r| r.recipient == *recipient);
        }
        let found =
            self.sorted.binary_search_by(|p| recipients[*p as usize].recipient.cmp(recipient));
        found.ok().map(|at| self.sorted[at] as usize)
    }

    /// Where the delivery stands in the queue of who serves it.
    pub(in crate::journal) fn rank(&self, place: usize) -> Rank {
        Rank { due: self.slots[place].due, order: self.order + place as u64 }
    }

    /// The place of a delivery, by its place in the order of acceptance.
    pub(in crate::journal) fn place_of(&self, order: u64) -> usize {
        debug_assert!((self.order..self.order + self.slots.len() as u64).contains(&order));
        usize::try_from(order - self.order).unwrap_or(usize::MAX)
    }

    /// Notices that are still to come, whether they are owed already or not.
    pub(in crate::journal) fn promised(&self) -> Occasions {
        let on = self.broadcast.notify.as_ref().map(|notify| notify.on).unwrap_or_default();
        on.without(self.told)
    }

    /// Whether that notice is owed: its occasion has come, and it was not accepted yet.
    pub(in crate::journal) fn owes(&self, occasion: Occasion) -> bool {
        let has_come = match occasion {
            Occasion::Verdict => self.verdict.is_some(),
            Occasion::Settled => self.retired,
        };
        has_come && self.promised().contains(occasion)
    }

    pub(super) fn tally(&self, now: Timestamp) -> Tally {
        let pairs = self.broadcast.recipients.iter().zip(&self.slots);
        let accept = self.broadcast.accept_substituted;
        let standings: SmallVec<[Standing; 16]> = pairs
            .filter(|(recipient, _)| !recipient.skipped)
            .map(|(recipient, slot)| (recipient.required, slot.settled.map(|s| s.0.counts(accept))))
            .filter(|(_, settled)| *settled != Some(None))
            .map(|(required, settled)| Standing { required, settled: settled.flatten() })
            .collect();
        tally(self.broadcast.completion, &standings, self.broadcast.deadline, now)
    }

    /// When the last delivery settled; without deliveries, when the verdict fell.
    fn settled_at(&self) -> Option<Timestamp> {
        let last = self.slots.iter().filter_map(|slot| slot.settled).map(|(_, at)| at).max();
        if self.retired { last.or(self.verdict.map(|verdict| verdict.at)) } else { None }
    }

    /// Whether it is meant.
    pub(in crate::journal) fn fits(&self, filter: &BroadcastFilter) -> bool {
        let broadcast = &*self.broadcast;
        let to = |target: &TargetName| broadcast.recipients.iter().any(|r| r.recipient == *target);
        filter.route.as_ref().is_none_or(|route| broadcast.route.as_ref() == Some(route))
            && one_of(&filter.routes, broadcast.route.as_ref())
            && filter.target.as_ref().is_none_or(to)
            && filter.settled.is_none_or(|settled| settled == self.retired)
            && filter.satisfied.is_none_or(|wanted| {
                self.verdict.is_some_and(|verdict| verdict.satisfied == wanted)
            })
            && filter.from.is_none_or(|from| from <= broadcast.accepted_at)
            && filter.until.is_none_or(|until| broadcast.accepted_at < until)
    }

    pub(in crate::journal) fn summary(&self) -> Summary {
        let NewBroadcast { id, accepted_at, replay_of, notice_of, .. } = *self.broadcast;
        Summary {
            id,
            route: self.broadcast.route.clone(),
            accepted_at,
            verdict: self.verdict,
            settled_at: self.settled_at(),
            replay_of,
            notice_of,
        }
    }

    pub(in crate::journal) fn report(&self) -> Report {
        let broadcast = &*self.broadcast;
        let pairs = broadcast.recipients.iter().zip(&self.slots);
        let deliveries = pairs.map(|(recipient, slot)| {
            let source = ReportSource {
                recipient: recipient.recipient.clone(),
                required: recipient.required,
                span_id: recipient.span_id,
                history: &slot.history,
                settled: slot.settled,
                due: slot.due,
            };
            Delivery::assemble(source, broadcast.accepted_at, self.verdict)
        });
        Report {
            id: broadcast.id,
            route: broadcast.route.clone(),
            metadata: broadcast.metadata.clone(),
            replay_of: broadcast.replay_of,
            notice_of: broadcast.notice_of,
            trace: broadcast.trace.clone(),
            verdict: self.verdict,
            accepted_at: broadcast.accepted_at,
            settled_at: self.settled_at(),
            deliveries: deliveries.collect(),
        }
    }
}

/// Whether no recipient is named twice.
pub(in crate::journal) fn are_distinct(broadcast: &NewBroadcast) -> bool {
    let recipients = &broadcast.recipients;
    if recipients.len() <= UNSORTED_MAX {
        let named_before = |(at, r): (usize, &TargetName)| {
            recipients[..at].iter().any(|other| other.recipient == *r)
        };
        return !recipients.iter().map(|r| &r.recipient).enumerate().any(named_before);
    }
    let name = |place: u32| &recipients[place as usize].recipient;
    by_name(broadcast).windows(2).all(|pair| name(pair[0]) != name(pair[1]))
}

fn by_name(broadcast: &NewBroadcast) -> Box<[u32]> {
    let recipients = &broadcast.recipients;
    let mut places: Box<[u32]> = (0..recipients.len()).map(small).collect();
    places.sort_unstable_by(|a, b| {
        recipients[*a as usize].recipient.cmp(&recipients[*b as usize].recipient)
    });
    places
}

/// Places are kept in 32 bits; `accept` refuses more recipients than that long before.
pub(in crate::journal) fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

// === impl Slot ===

impl Slot {
    /// Whether a decision for the target `serving` may be written.
    pub(in crate::journal) fn check(
        &self,
        serving: u32,
        entry: &Entry,
    ) -> Result<(), JournalError> {
        let decides = match entry {
            Entry::Due(..) | Entry::Event(_, Event::Ended(_)) => false,
            Entry::Settled(..) => true,
            Entry::Event(_, event) => !self.history.holds(event),
        };
        if let Entry::Event(_, Event::Started(started)) = entry
            && self.history.starts().any(|it| it.attempt == started.attempt && it != started)
        {
            return Err(JournalError::Invalid("another attempt has that number"));
        }
        let begins =
            matches!(entry, Entry::Event(_, Event::Started(_) | Event::Moved { .. })) && decides;
        if begins && self.settled.is_some() {
            return Err(JournalError::Invalid("the delivery has settled"));
        }
        if decides && self.settled.is_none() && self.serving != serving {
            return Err(JournalError::Fenced);
        }
        Ok(())
    }
}

//! Notices that are owed.

use std::collections::BTreeMap;

use fanfare_sdk::TargetName;

use super::store::Store;
use crate::{
    journal::{Committed, JournalError, NewBroadcast, ledger},
    report::{NoticeOf, Occasion},
};

/// What is owed, by the target that is to get it and the order of acceptance.
#[derive(Debug, Default)]
pub(super) struct Owed(BTreeMap<Place, NoticeOf>);

/// Whom it is owed to, the place of its broadcast, and why.
type Place = (TargetName, u64, Occasion);

impl Store {
    /// How many notices are still to come of a broadcast.
    pub(super) fn promised(new: &NewBroadcast) -> usize {
        new.notify.as_ref().map_or(0, |notify| notify.on.count())
    }

    /// Whether the notice may be accepted.
    pub(super) fn check_owed(&self, notice: NoticeOf) -> Result<(), JournalError> {
        let record = self.records.get(&notice.broadcast).ok_or(JournalError::NotOwed)?;
        if record.owes(notice.occasion) { Ok(()) } else { Err(JournalError::NotOwed) }
    }

    /// It is owed no more.
    pub(super) fn tell(&mut self, notice: NoticeOf) {
        let Some(record) = self.records.get_mut(&notice.broadcast) else { return };
        let Some(notify) = &record.broadcast.notify else { return };
        self.owed.0.remove(&(notify.target.clone(), record.order, notice.occasion));
        if ledger::tell(record, notice.occasion).is_ok() {
            self.deliveries_open -= 1;
            self.keep(notice.broadcast);
        }
    }

    /// Takes note of what is owed from now on.
    pub(super) fn note_owed(&mut self, committed: &Committed, from: usize) {
        for notice in &committed.owed[from..] {
            let Some(record) = self.records.get(&notice.broadcast) else { continue };
            let Some(notify) = &record.broadcast.notify else { continue };
            let place = (notify.target.clone(), record.order, notice.occasion);
            self.owed.0.insert(place, *notice);
        }
    }

    pub(super) fn owing(&self) -> Vec<(TargetName, u64)> {
        let mut owing: Vec<(TargetName, u64)> = Vec::new();
        for (target, _, _) in self.owed.0.keys() {
            match owing.last_mut() {
                Some((last, count)) if last == target => *count += 1,
                Some(_) | None => owing.push((target.clone(), 1)),
            }
        }
        owing
    }

    pub(super) fn owed(&self, target: &TargetName, count_max: usize) -> Vec<NoticeOf> {
        let from = (target.clone(), 0, Occasion::Verdict);
        let of_it = self.owed.0.range(from..).take_while(|((to, _, _), _)| to == target);
        of_it.take(count_max).map(|(_, notice)| *notice).collect()
    }

    pub(super) fn forgo(&mut self, target: &TargetName) -> usize {
        let given_up = self.owed(target, usize::MAX);
        for notice in &given_up {
            self.tell(*notice);
        }
        given_up.len()
    }
}

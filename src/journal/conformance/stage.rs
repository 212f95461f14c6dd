//! A journal that is asked with small numbers and answers with text.

use std::sync::Arc;

use super::{
    script::{Of, at, delivery, id},
    suite::{Broken, broken},
    telling,
};
use crate::{
    journal::{Claim, DeadLetterFilter, Entry, Journal, NewBroadcast},
    report::{Boot, CancelledBy, Event},
};

pub(super) struct Stage {
    pub(super) journal: Arc<dyn Journal>,
}

impl Stage {
    pub(super) fn new(journal: Arc<dyn Journal>) -> Self {
        Self { journal }
    }

    pub(super) async fn accept(&self, broadcast: NewBroadcast) -> String {
        telling::answer(self.journal.accept(broadcast).await, telling::accepted)
    }

    /// Claims at 1; a journal that cannot is broken.
    pub(super) async fn claim(&self, serving: &str, boot: u64) -> Result<Claim, Broken> {
        self.claim_at(serving, boot, 1).await
    }

    pub(super) async fn claim_at(
        &self,
        serving: &str,
        boot: u64,
        now: i64,
    ) -> Result<Claim, Broken> {
        match self.journal.claim(&serving.into(), Boot(boot), at(now)).await {
            Ok(claim) => Ok(claim),
            Err(error) => Err(broken(telling::error(error), format!("a claim on {serving}"))),
        }
    }

    pub(super) async fn due(&self, claim: &Claim, until: i64, count_max: usize) -> String {
        telling::answer(self.journal.due(claim, at(until), count_max).await, telling::page)
    }

    /// All that is open.
    pub(super) async fn all(&self, claim: &Claim) -> String {
        self.due(claim, i64::MAX, usize::MAX).await
    }

    pub(super) async fn append(&self, claim: &Claim, entries: &[Entry], now: i64) -> String {
        let answer = self.journal.append(claim, entries.to_vec(), at(now)).await;
        telling::answer(answer, telling::committed)
    }

    pub(super) async fn record(&self, of: Of<'_>, fact: Event) -> String {
        let answer = self.journal.record(&delivery(of), fact).await;
        telling::answer(answer, |()| "recorded".to_owned())
    }

    pub(super) async fn cancel(&self, number: u128, by: CancelledBy, now: i64) -> String {
        let answer = self.journal.ask_cancel(id(number), by, at(now)).await;
        telling::answer(answer, telling::committed)
    }

    pub(super) async fn judge(&self, number: u128, now: i64) -> String {
        telling::answer(self.journal.judge(id(number), at(now)).await, telling::committed)
    }

    pub(super) async fn view(&self, number: u128) -> String {
        telling::answer(self.journal.view(id(number)).await, |report| {
            telling::report(report.as_ref())
        })
    }

    pub(super) async fn open(&self) -> String {
        telling::answer(self.journal.open_broadcasts().await, |open| telling::broadcasts(open))
    }

    pub(super) async fn dead_letters(&self, count_max: usize) -> String {
        let any = DeadLetterFilter::default();
        telling::answer(self.journal.dead_letters(&any, None, count_max).await, |letters| {
            telling::dead(letters)
        })
    }
}

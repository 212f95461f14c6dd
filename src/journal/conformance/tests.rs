//! The checks catch what is wrong: a journal with one flaw does not pass the check that is meant for it.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use std::sync::Arc;

use fanfare_sdk::{TargetName, Timestamp};

use crate::{
    journal::{
        Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, Journal,
        JournalError, Letters, Mark, MemoryJournal, NewBroadcast, Open, Page, Summary,
        conformance::{self, Broken},
    },
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, NoticeOf, Report, Verdict},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    ForgetsKeys,
    IgnoresFingerprints,
    FencesNobody,
    FencesFacts,
    LosesNothing,
    LosesItsOwn,
    PagesBackwards,
    PagesShort,
    PagesWithoutNext,
    WritesHalfBatches,
    RefusesAgain,
    HandsNothingOver,
    TellsVerdictsTwice,
    TellsVerdictsLate,
    CancelsSilently,
    ListsOldestFirst,
    ListsOutOfOrder,
    OwesTwice,
    OwesEarly,
    GivesNothingUp,
}

/// A journal in memory with one flaw.
#[derive(Debug)]
struct Flawed {
    inner: MemoryJournal,
    flaw: Flaw,
    claims: AtomicU64,
    newest: Mutex<HashMap<TargetName, Claim>>,
    told: Mutex<Vec<(BroadcastId, Verdict)>>,
}

fn broken(flaw: Flaw) -> Vec<Broken> {
    let make = async || Flawed {
        inner: MemoryJournal::default(),
        flaw,
        claims: AtomicU64::new(0),
        newest: Mutex::default(),
        told: Mutex::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(conformance::run(make))
}

#[track_caller]
fn check(flaw: Flaw, expected: &str) {
    let broken = broken(flaw);
    assert!(broken.iter().any(|b| b.check == expected), "{flaw:?} is caught by {broken:#?}");
}

#[test]
fn every_flaw_is_caught() {
    check(Flaw::ForgetsKeys, "a caller's key is accepted once");
    check(Flaw::IgnoresFingerprints, "a caller's key belongs to one fingerprint");
    check(Flaw::FencesNobody, "a newer claim fences an older one");
    check(Flaw::FencesFacts, "facts are never fenced");
    check(Flaw::LosesNothing, "starts of older boots are lost");
    check(Flaw::LosesItsOwn, "starts of the same boot stay in flight");
    check(Flaw::PagesBackwards, "due pages have an order");
    check(Flaw::PagesShort, "due pages have exact boundaries");
    check(Flaw::PagesWithoutNext, "due pages have a length");
    check(Flaw::WritesHalfBatches, "a batch is written as a whole or not at all");
    check(Flaw::RefusesAgain, "a batch can be appended again");
    check(Flaw::HandsNothingOver, "a delivery that moved belongs to the stand-in");
    check(Flaw::TellsVerdictsTwice, "the verdict falls when it is certain");
    check(Flaw::TellsVerdictsLate, "the verdict falls when it is certain");
    check(Flaw::CancelsSilently, "the verdict cancels the rest");
    check(Flaw::ListsOldestFirst, "dead letters are listed");
    check(Flaw::OwesTwice, "a notice is accepted once");
    check(Flaw::OwesEarly, "a notice is accepted once");
    check(Flaw::GivesNothingUp, "what is owed can be given up");
    check(Flaw::ListsOutOfOrder, "open broadcasts are listed");
}

#[test]
fn a_failed_check_says_what_and_where() {
    let broken = broken(Flaw::IgnoresFingerprints);
    let [broken] = broken.as_slice() else { panic!("{broken:#?}") };
    let text = broken.to_string();
    let expected = "a caller's key belongs to one fingerprint: \
        expected `error: key reused`, found `same 1` (at src/journal/conformance/accepting.rs:";
    assert!(text.starts_with(expected), "{text}");
}

impl Flawed {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// The newest claim in place of the given one, where nobody is fenced.
    fn claim(&self, given: &Claim) -> Claim {
        let newest = self.newest.lock().unwrap();
        let claim = newest.get(&given.serving).filter(|_| self.has(Flaw::FencesNobody));
        claim.unwrap_or(given).clone()
    }

    fn tell(&self, mut committed: Committed) -> Committed {
        let mut told = self.told.lock().unwrap();
        match self.flaw {
            Flaw::TellsVerdictsTwice => {
                let again = std::mem::replace(&mut *told, committed.verdicts.clone());
                committed.verdicts.extend(again);
            }
            Flaw::TellsVerdictsLate => {
                std::mem::swap(&mut *told, &mut committed.verdicts);
            }
            Flaw::CancelsSilently => committed.cancelled.clear(),
            _ => {}
        }
        committed
    }
}

#[async_trait]
impl Journal for Flawed {
    async fn accept(&self, mut broadcast: NewBroadcast) -> Result<Accepted, JournalError> {
        if self.has(Flaw::ForgetsKeys) {
            broadcast.caller_key = None;
        }
        if let (Some(key), true) = (&mut broadcast.caller_key, self.has(Flaw::IgnoresFingerprints))
        {
            key.fingerprint = [0; 32];
        }
        if self.has(Flaw::OwesTwice) {
            broadcast.notice_of = None;
        }
        match self.inner.accept(broadcast.clone()).await {
            Err(JournalError::NotOwed) if self.has(Flaw::OwesEarly) => {
                self.inner.accept(NewBroadcast { notice_of: None, ..broadcast }).await
            }
            accepted => accepted,
        }
    }

    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError> {
        let claims = self.claims.fetch_add(1, Ordering::Relaxed);
        let pretended = match self.flaw {
            Flaw::LosesNothing => Boot(0),
            Flaw::LosesItsOwn => Boot(1_000 + claims),
            _ => boot,
        };
        let claim = Claim { boot, ..self.inner.claim(serving, pretended, now).await? };
        self.newest.lock().unwrap().insert(serving.clone(), claim.clone());
        Ok(claim)
    }

    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError> {
        let until = match self.flaw {
            Flaw::PagesShort => Timestamp::from_micros(until.as_micros() - 1),
            _ => until,
        };
        let mut page = self.inner.due(&self.claim(claim), until, count_max).await?;
        match self.flaw {
            Flaw::PagesBackwards => page.open.reverse(),
            Flaw::PagesWithoutNext => page.next_due = None,
            _ => {}
        }
        Ok(page)
    }

    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError> {
        self.inner.delivery(id).await
    }

    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        let mut committed = Committed::default();
        if self.has(Flaw::WritesHalfBatches) {
            for entry in entries {
                let one = self.inner.append(claim, vec![entry], now).await?;
                committed.verdicts.extend(one.verdicts);
                committed.settled.extend(one.settled);
                committed.cancelled.extend(one.cancelled);
            }
            return Ok(committed);
        }
        let is_moved = |entry: &Entry| matches!(entry, Entry::Event(_, Event::Moved { .. }));
        let mut kept = entries;
        if self.has(Flaw::HandsNothingOver) {
            kept.retain(|entry| !is_moved(entry));
        }
        if self.has(Flaw::RefusesAgain) && now > Timestamp::from_micros(2) {
            return Err(JournalError::Invalid("written before"));
        }
        committed = self.inner.append(&self.claim(claim), kept, now).await?;
        Ok(self.tell(committed))
    }

    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError> {
        if self.has(Flaw::FencesFacts) && self.claims.load(Ordering::Relaxed) > 1 {
            return Err(JournalError::Fenced);
        }
        self.inner.record(id, fact).await
    }

    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError> {
        Ok(self.tell(self.inner.ask_cancel(id, by, now).await?))
    }

    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError> {
        Ok(self.tell(self.inner.judge(id, now).await?))
    }

    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError> {
        self.inner.view(id).await
    }

    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError> {
        let mut open = self.inner.open_broadcasts().await?;
        if self.has(Flaw::ListsOutOfOrder) {
            open.sort_by_key(|(id, _)| *id);
        }
        Ok(open)
    }

    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError> {
        let mut page = self.inner.dead_letters(filter, from, count_max).await?;
        if self.has(Flaw::ListsOldestFirst) {
            page.letters.reverse();
        }
        Ok(page)
    }

    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError> {
        self.inner.discard(letters).await
    }

    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError> {
        self.inner.broadcasts(filter, before, count_max).await
    }

    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError> {
        self.inner.sent(id).await
    }

    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.inner.serving().await
    }

    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError> {
        self.inner.owing().await
    }

    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError> {
        self.inner.owed(target, count_max).await
    }

    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError> {
        if self.has(Flaw::GivesNothingUp) { Ok(0) } else { self.inner.forgo(target).await }
    }
}

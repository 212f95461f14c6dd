//! The seam: what every store has to do, and what it must not.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use fanfare_sdk::{TargetName, Timestamp};

use super::{
    Accepted, BroadcastFilter, Claim, Committed, DeadLetterFilter, Entry, JournalError, Letters,
    Mark, NewBroadcast, Open, Page, Parked, Summary,
};
use crate::{
    policy::gate::GateSnapshot,
    report::{
        Boot, BroadcastId, CancelledBy, DeliveryId, Event, NoticeOf, Report, Said, Usage, Written,
    },
};

/// Owns what happened. Memory or disk: the same promises, and the same checks for them.
///
/// Every call is one commit: all of it is written, or nothing of it. When it answers, it is as durable as the
/// store can make it; on [`JournalError::Unknown`] the same call may be made again, and does no harm.
///
/// `now` comes from the engine's clock. Whatever may change a delivery's next step (an end, a loss, a wish to
/// cancel, a hand-over) also makes it due at the time of the event, unless it is due already. A start does not
/// change when it is due.
///
/// # Cancel safety
///
/// A call whose future is dropped may have been written or not, as with [`JournalError::Unknown`].
#[async_trait]
pub trait Journal: Debug + Send + Sync + 'static {
    /// Writes a broadcast with its recipients, each of them due at once.
    ///
    /// The same caller's key (and fingerprint), or the same id, gives what was accepted before. A replay takes the
    /// dead letters that it repeats off the list; where one of them is not there, it is refused. No verdict falls
    /// here: one that is certain from the beginning (no recipients, a quorum out of reach) is for
    /// [`judge`](Self::judge).
    ///
    /// What it is to [notify](NewBroadcast::notify) of counts as open from here on, until the notice is accepted: a
    /// notice takes the place that was kept for it, and is never refused as one too many. It is accepted once, and is
    /// not owed any more from that commit on.
    ///
    /// # Errors
    ///
    /// [`KeyReused`](JournalError::KeyReused), [`NoDeadLetter`](JournalError::NoDeadLetter),
    /// [`NotOwed`](JournalError::NotOwed), [`Full`](JournalError::Full), [`Invalid`](JournalError::Invalid) where a recipient is named twice; and those of
    /// the store.
    async fn accept(&self, broadcast: NewBroadcast) -> Result<Accepted, JournalError>;

    /// Takes over a target: from here on, all older claims on it are fenced.
    ///
    /// Every start of an *older* boot that has no end is written down as lost. Starts of the same boot stay in
    /// flight: their tasks outlive the actor.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn claim(
        &self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, JournalError>;

    /// The open deliveries of the claimed target that are due at or before `until`, at most `count_max`.
    ///
    /// # Errors
    ///
    /// [`Fenced`](JournalError::Fenced); and those of the store.
    async fn due(
        &self,
        claim: &Claim,
        until: Timestamp,
        count_max: usize,
    ) -> Result<Page, JournalError>;

    /// One delivery; none where it is not known, or has settled.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn delivery(&self, id: &DeliveryId) -> Result<Option<Open>, JournalError>;

    /// Writes decisions, and folds the verdict of every broadcast that they touch.
    ///
    /// What is written already is ignored, so that the same batch may be appended again: events that a history
    /// [holds](crate::report::History::holds), an end after the first one, a due time of a delivery that has
    /// settled or moved on. `Moved` hands a delivery over to the stand-in and makes it due there. A verdict with
    /// [`Rest::Cancel`](crate::report::Rest::Cancel) writes `CancelAsked` into the deliveries that are still open.
    ///
    /// # Errors
    ///
    /// [`Fenced`](JournalError::Fenced), also where another target serves a delivery by now;
    /// [`Invalid`](JournalError::Invalid) for a delivery that is not known, for a new event of one that has
    /// settled, for a start with the number of another one, and for an entry after a hand-over in the same batch;
    /// and those of the store.
    async fn append(
        &self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, JournalError>;

    /// Writes that an attempt has ended, or that one was made whose start is not written. Never fenced: the first start
    /// and the first end of an attempt win.
    ///
    /// A delivery that has settled, or is not known (any more), is left as it is.
    ///
    /// # Errors
    ///
    /// [`Invalid`](JournalError::Invalid) for anything but [`Event::Started`] and [`Event::Ended`]; and those of the
    /// store.
    async fn record(&self, id: &DeliveryId, fact: Event) -> Result<(), JournalError>;

    /// Writes `CancelAsked` into all open deliveries of a broadcast, and lists them.
    ///
    /// When a caller or a shutdown asks before the verdict, the verdict is `unsatisfied`, by `cancelled`. A
    /// broadcast that is not known is no error: nothing is cancelled.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn ask_cancel(
        &self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, JournalError>;

    /// Folds the verdict as of `now`: for its deadline, and for what is certain from the beginning.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn judge(&self, id: BroadcastId, now: Timestamp) -> Result<Committed, JournalError>;

    /// What is known of a broadcast; none where it is not known (any more).
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn view(&self, id: BroadcastId) -> Result<Option<Report>, JournalError>;

    /// What the API said at the end of the last attempt of a delivery; none where it said nothing, or nothing is known.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn said_last(&self, id: &DeliveryId) -> Result<Option<Said>, JournalError> {
        let report = self.view(id.broadcast).await?;
        let deliveries = report.iter().flat_map(|report| &report.deliveries);
        let last = deliveries.filter(|it| it.target == id.recipient).find_map(|it| {
            let last = it.attempts.last()?;
            last.ended.as_ref()
        });
        Ok(last.and_then(Said::at_the_end))
    }

    /// The broadcasts with an open delivery or without a verdict, with their deadlines, in the order of
    /// acceptance: what a rebuilt coordinator has to watch.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn open_broadcasts(&self) -> Result<Vec<(BroadcastId, Option<Timestamp>)>, JournalError>;

    /// Deliveries that failed, expired, were substituted or are in doubt, and were neither replayed nor discarded; the
    /// newest first, from the mark on.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        from: Option<Mark>,
        count_max: usize,
    ) -> Result<Letters, JournalError>;

    /// Takes dead letters off the list; says how many of them were there. Their reports stay as they are.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn discard(&self, letters: &[DeliveryId]) -> Result<usize, JournalError>;

    /// Broadcasts that fit, the newest first; only those that were accepted before `before`.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn broadcasts(
        &self,
        filter: &BroadcastFilter,
        before: Option<BroadcastId>,
        count_max: usize,
    ) -> Result<Vec<Summary>, JournalError>;

    /// A broadcast as it was accepted; none where it, or its payload, is not kept (any more).
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn sent(&self, id: BroadcastId) -> Result<Option<Arc<NewBroadcast>>, JournalError>;

    /// How many deliveries are open, by the target that serves them.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn serving(&self) -> Result<Vec<(TargetName, u64)>, JournalError>;

    /// How many notices are owed, by the target that is to get them: their occasion has come, and they were not accepted
    /// yet. What owes one is never forgotten.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn owing(&self) -> Result<Vec<(TargetName, u64)>, JournalError>;

    /// The notices that are owed to a target, in the order in which their broadcasts were accepted, at most `count_max`.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn owed(
        &self,
        target: &TargetName,
        count_max: usize,
    ) -> Result<Vec<NoticeOf>, JournalError>;

    /// Gives up what is owed to a target; says how much that was. What is not due yet stays.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn forgo(&self, target: &TargetName) -> Result<usize, JournalError>;

    /// A life of the process begins. A later one has a greater number.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn boot(&self, now: Timestamp) -> Result<Boot, JournalError> {
        Ok(Boot(u64::try_from(now.as_micros()).unwrap_or(0)))
    }

    /// Keeps what the gate of a target must not forget, where it outlives the process.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn keep_gate(&self, target: &TargetName, kept: GateSnapshot) -> Result<(), JournalError> {
        let _ = (target, kept);
        Ok(())
    }

    /// What was kept of the gates.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn gates(&self) -> Result<Vec<(TargetName, GateSnapshot)>, JournalError> {
        Ok(Vec::new())
    }

    /// Dead letters that are to be sent again by themselves, the first ones first; none where the journal does not outlive
    /// the process.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn parked(&self, until: Timestamp, count_max: usize) -> Result<Parked, JournalError> {
        let _ = (until, count_max);
        Ok(Parked::default())
    }

    /// A parked dead letter is one like any other from here on.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn unpark(&self, letter: &DeliveryId) -> Result<(), JournalError> {
        let _ = letter;
        Ok(())
    }

    /// Whether dead letters can be parked in it.
    fn parks(&self) -> bool {
        false
    }

    /// Forgets some of what is older than it is to be kept, and never what is open. Says whether there is more.
    ///
    /// # Errors
    ///
    /// Those of the store.
    async fn prune(&self, now: Timestamp) -> Result<bool, JournalError> {
        let _ = now;
        Ok(false)
    }

    /// Why nothing can be written at the moment; none while all is well. Answers at once.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Whether a commit takes its time: whoever asks for one goes on meanwhile.
    fn waits(&self) -> bool {
        true
    }

    /// How much was written since it was opened. Answers at once.
    fn written(&self) -> Written {
        Written::default()
    }

    /// How near its limits are. Answers at once.
    fn usage(&self) -> Vec<Usage> {
        Vec::new()
    }
}

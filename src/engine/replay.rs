//! Sends again what is a dead letter, and nothing else.

use std::sync::Arc;

use fanfare_sdk::TargetName;

use super::{AcceptError, BroadcastHandle, Engine};
use crate::{
    actor::delivery_key,
    journal::{CarriedKeys, DeadLetterFilter, JournalError, NewBroadcast, NewDelivery},
    report::{BroadcastId, Completion, Link, Outcome, Report, Rest},
    telemetry::RemoteContext,
};

/// Which dead letters of a broadcast are sent again: those of which it is certain that nothing was applied, unless some
/// are named.
#[derive(Clone, Debug)]
pub struct Replay {
    of: BroadcastId,
    named: Vec<TargetName>,
    /// It was parked: by itself, not because somebody wanted it.
    is_parked: bool,
    caller: Option<RemoteContext>,
}

/// Nothing is sent again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is no such broadcast, or it is not kept any more.
    #[error("there is no such broadcast (any more)")]
    Unknown,
    /// Its payload is not kept any more. Only a journal that outlives the process keeps it.
    #[error("its payload is not kept any more")]
    NoPayload,
    /// None of its deliveries is a dead letter of which it is certain that nothing was applied.
    #[error("nothing of it can be sent again{}", says_in_doubt(*in_doubt))]
    Nothing {
        /// Dead letters that may have been applied: they are sent again where they are named.
        in_doubt: usize,
    },
    /// What was named is no dead letter of it, or is none any more.
    #[error("`{0}` is no dead letter of it (any more)")]
    NoDeadLetter(TargetName),
    /// The target is gone.
    #[error("`{0}` is not a target any more")]
    UnknownTarget(TargetName),
    /// It was not accepted.
    #[error(transparent)]
    Refused(#[from] AcceptError),
}

fn says_in_doubt(count: usize) -> String {
    let says = || format!("; {count} may have been applied, and must be named");
    if count > 0 { says() } else { String::new() }
}

impl From<JournalError> for ReplayError {
    fn from(error: JournalError) -> Self {
        Self::Refused(AcceptError::Journal(error))
    }
}

impl Replay {
    /// Of that broadcast.
    #[must_use]
    pub fn new(of: BroadcastId) -> Self {
        Self { of, named: Vec::new(), is_parked: false, caller: None }
    }

    /// Since its time has come.
    pub(super) fn parked(mut self) -> Self {
        self.is_parked = true;
        self
    }

    /// Only of this recipient, and of others that are named: also where it may have been applied.
    #[must_use]
    pub fn only(mut self, recipient: impl Into<TargetName>) -> Self {
        self.named.push(recipient.into());
        self
    }

    /// In the caller's trace.
    #[must_use]
    pub fn continuing(mut self, caller: RemoteContext) -> Self {
        self.caller = Some(caller);
        self
    }
}

impl Engine {
    /// Sends dead letters of a broadcast again, as a broadcast of its own: with the same payload, order keys, priority and
    /// metadata, satisfied when all have arrived, without a deadline. The APIs get the idempotency keys that they have
    /// seen before. What is sent again is no dead letter any more.
    ///
    /// # Errors
    /// When there is nothing to send again, or it is not accepted.
    pub async fn replay(&self, replay: Replay) -> Result<BroadcastHandle, ReplayError> {
        let shared = &self.0.shared;
        let report = shared.journal.view(replay.of).await?.ok_or(ReplayError::Unknown)?;
        let sent = shared.journal.sent(replay.of).await?.ok_or(ReplayError::NoPayload)?;
        let letters = self.letters(&replay).await?;
        let recipients: Result<Vec<_>, _> = letters
            .iter()
            .map(|letter| self.again((letter, replay.is_parked), &sent, &report))
            .collect();
        let now = shared.clock.now();
        let mut trace = self.trace(replay.caller, report.trace.baggage.clone());
        trace.link = Some(link(&report));
        let new = NewBroadcast {
            id: self.0.ids.next(&shared.entropy, now),
            route: sent.route.clone(),
            payload: sent.payload.clone(),
            recipients: recipients?,
            completion: Completion::All,
            rest: Rest::Finish,
            accept_substituted: sent.accept_substituted,
            priority: sent.priority,
            deadline: None,
            accepted_at: now,
            caller_key: None,
            metadata: sent.metadata.clone(),
            replay_of: Some(replay.of),
            // Who is gone cannot be told; that holds nothing up.
            notify: sent.notify.clone().filter(|it| self.is_there(&it.target)),
            notice_of: None,
            trace,
        };
        match self.accept(new, None).await {
            Ok(id) => Ok(self.handle(id)),
            // Somebody else was faster.
            Err(AcceptError::Journal(JournalError::NoDeadLetter)) => match letters.first() {
                Some(letter) => Err(ReplayError::NoDeadLetter(letter.clone())),
                None => Err(ReplayError::Nothing { in_doubt: 0 }),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Whose deliveries are sent again.
    async fn letters(&self, replay: &Replay) -> Result<Vec<TargetName>, ReplayError> {
        let of_it = DeadLetterFilter { broadcast: Some(replay.of), ..DeadLetterFilter::default() };
        let count_max = self.0.limits().recipients_max;
        let letters = self.0.shared.journal.dead_letters(&of_it, None, count_max).await?.letters;
        if let Some(other) = replay
            .named
            .iter()
            .find(|named| !letters.iter().any(|letter| letter.id.recipient == **named))
        {
            return Err(ReplayError::NoDeadLetter(other.clone()));
        }
        if !replay.named.is_empty() {
            return Ok(replay.named.clone());
        }
        let (doubtful, certain): (Vec<_>, Vec<_>) = letters
            .into_iter()
            .partition(|letter| matches!(letter.outcome, Outcome::Indeterminate(_)));
        if certain.is_empty() {
            return Err(ReplayError::Nothing { in_doubt: doubtful.len() });
        }
        Ok(certain.into_iter().map(|letter| letter.id.recipient).collect())
    }

    /// What is pinned for one recipient.
    fn again(
        &self,
        (recipient, is_parked): (&TargetName, bool),
        sent: &NewBroadcast,
        report: &Report,
    ) -> Result<NewDelivery, ReplayError> {
        let shared = &self.0.shared;
        let gone = || ReplayError::UnknownTarget(recipient.clone());
        let slot = shared.slots.get(recipient).ok_or_else(gone)?;
        let place = sent.recipients.iter().position(|it| it.recipient == *recipient);
        let no_letter = || ReplayError::NoDeadLetter(recipient.clone());
        let place = place.ok_or_else(no_letter)?;
        let before = &sent.recipients[place];
        // The newest key of a way first: it is the one that is used again.
        let mut attempts: Vec<_> = report
            .delivery(recipient.as_str())
            .into_iter()
            .flat_map(|delivery| delivery.attempts.iter().rev())
            .map(|record| &record.started)
            .map(|started| {
                (started.way.target.clone(), started.way.version.clone(), started.key.clone())
            })
            .collect();
        attempts.extend(before.carried.iter().flat_map(|carried| carried.attempts.clone()));
        let mut ways: Vec<(TargetName, _)> = Vec::new();
        attempts.retain(|(target, version, _)| {
            let way = (target.clone(), version.clone());
            let is_new = !ways.contains(&way);
            ways.push(way);
            is_new
        });
        // Whoever sends it again by hand has looked at it.
        let parked = if is_parked { before.parked().saturating_add(1) } else { 0 };
        let carried = CarriedKeys { delivery: delivery_key(sent, place), attempts, parked };
        Ok(NewDelivery {
            recipient: recipient.clone(),
            required: true,
            seed: shared.entropy.number(),
            expires: shared.clock.now().after(slot.parts().policy.give_up_after),
            span_id: shared.entropy.span_id(),
            skipped: false,
            order_key: before.order_key.clone(),
            carried: Some(Arc::new(carried)),
        })
    }
}

/// To its span, from that of a broadcast that comes of it.
pub(super) fn link(report: &Report) -> Link {
    let trace = &report.trace;
    Link { trace_id: trace.trace_id, span_id: trace.span_id, flags: trace.flags }
}

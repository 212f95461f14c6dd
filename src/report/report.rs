//! The verdict with all outcomes and their attempts, assembled from what the journal knows.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanfare_sdk::{Effect, Meaning, TargetName, Timestamp};
use serde_json::Value;

use super::{
    BroadcastId, CapturedReply, CompletedBy, Ended, Event, FellBack, History, Kind, NoticeOf,
    Outcome, Reason, Started, Trace, Verdict, Way, Why,
};

/// What became of a broadcast.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The broadcast.
    pub id: BroadcastId,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// What its sender noted with it.
    pub metadata: Option<Arc<Metadata>>,
    /// The broadcast whose dead letters it repeats.
    pub replay_of: Option<BroadcastId>,
    /// The broadcast whose report it carries, where it is a notice.
    pub notice_of: Option<NoticeOf>,
    /// Where it stands in its trace.
    pub trace: Trace,
    /// How it ended; none while it is open.
    pub verdict: Option<Verdict>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When its last delivery settled.
    pub settled_at: Option<Timestamp>,
    /// What became of it at each recipient, in the order of the recipients.
    pub deliveries: Vec<Delivery>,
}

/// What a sender noted with a broadcast: kept and told, never sent to an API.
pub type Metadata = BTreeMap<String, Value>;

/// What became of a broadcast at one recipient.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delivery {
    /// The recipient.
    pub target: TargetName,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// How it ended; none while it is open.
    pub outcome: Option<Outcome>,
    /// The way that was taken by the attempt that delivered it.
    pub served_by: Option<Way>,
    /// By what kind of way it was delivered.
    pub via: Option<Via>,
    /// When the next attempt is due, while it waits.
    pub next_attempt_at: Option<Timestamp>,
    /// Whether it settled after the verdict.
    pub late: bool,
    /// When it settled.
    pub settled_at: Option<Timestamp>,
    /// When it is sent again by itself, where it is parked.
    pub parked_until: Option<Timestamp>,
    /// What it waited for, and how long.
    pub waited: Waited,
    /// The attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// To whom it was handed over, oldest first.
    pub hand_overs: Vec<HandOver>,
    /// What it fell back to and what it passed over, oldest first.
    pub falls: Vec<FellBack>,
    /// The reply that ended it, where one did; where a canned one stood in, that one. Where no reply came in the end, the
    /// last that was kept.
    pub reply: Option<Arc<CapturedReply>>,
    /// The attempt that it answered; none for a canned one.
    pub replied_to: Option<u32>,
    /// Its span.
    pub span_id: [u8; 8],
    /// When its broadcast was accepted.
    pub(super) accepted_at: Timestamp,
    /// How many events its history has.
    pub(super) events: u32,
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeliveryState {
    /// Nothing was tried yet.
    Pending,
    /// Between two attempts.
    Waiting,
    /// An attempt is being made.
    InFlight,
    /// Ended.
    Settled,
}

/// By what kind of way a delivery was served.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Via {
    /// The preferred way.
    Primary,
    /// Another version.
    Version,
    /// Another endpoint.
    Endpoint,
    /// Another target.
    Target,
    /// A canned reply.
    Reply,
}

/// One attempt: its beginning and, where known, its end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// How it began.
    pub started: Started,
    /// How it ended; none while it is in flight and when it was lost.
    pub ended: Option<Ended>,
    /// When it was found to be lost.
    pub lost_at: Option<Timestamp>,
    /// The numbers of its beginning and of its end in the history.
    pub(super) begun_as: u32,
    pub(super) ended_as: Option<u32>,
}

/// From here on another target stood in.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct HandOver {
    /// The stand-in.
    pub to: TargetName,
    /// What the one before it failed of.
    pub because: Reason,
    /// When.
    pub at: Timestamp,
    /// Its number in the history.
    pub(super) moved_as: u32,
}

/// Time between attempts, by what it was spent on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Waited {
    /// Pauses between attempts, with what the API asked for.
    pub backoff: Duration,
    /// Held back by the rate limit.
    pub rate_limit: Duration,
    /// Held back for all other reasons of the gate: breaker, throttling, concurrency, operator.
    pub gate: Duration,
}

/// What the journal knows of one delivery, for a report.
#[derive(Clone, Debug)]
pub struct ReportSource<'h> {
    /// The recipient.
    pub recipient: TargetName,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Its span.
    pub span_id: [u8; 8],
    /// All that happened to it.
    pub history: &'h History,
    /// How and when it ended.
    pub settled: Option<(Outcome, Timestamp)>,
    /// When something is next due for it.
    pub due: Timestamp,
}

// === impl Report ===

impl Report {
    /// Whether the completion policy was fulfilled; false while it is open.
    #[must_use]
    pub fn satisfied(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict.satisfied)
    }

    /// By what it was completed; none while it is open.
    #[must_use]
    pub fn completed_by(&self) -> Option<CompletedBy> {
        self.verdict.map(|verdict| verdict.by)
    }

    /// The delivery to that recipient.
    #[must_use]
    pub fn delivery(&self, recipient: &str) -> Option<&Delivery> {
        self.deliveries.iter().find(|delivery| delivery.target.as_str() == recipient)
    }

    /// Where the broadcast stands: the least advanced of its deliveries.
    #[must_use]
    pub fn state(&self) -> DeliveryState {
        let states = || self.deliveries.iter().map(|delivery| delivery.state);
        if states().all(|state| state == DeliveryState::Settled) {
            DeliveryState::Settled
        } else if states().any(|state| state == DeliveryState::InFlight) {
            DeliveryState::InFlight
        } else if states().all(|state| state == DeliveryState::Pending) {
            DeliveryState::Pending
        } else {
            DeliveryState::Waiting
        }
    }
}

// === impl Delivery ===

impl Delivery {
    /// Assembles what is known. `accepted` and `verdict` are those of the broadcast.
    #[must_use]
    pub fn assemble(
        source: ReportSource<'_>,
        accepted: Timestamp,
        verdict: Option<Verdict>,
    ) -> Self {
        let ReportSource { recipient, required, span_id, history, settled, due } = source;
        let outcome = settled.map(|(outcome, _)| outcome);
        let settled_at = settled.map(|(_, at)| at);
        let attempts = records(history);
        let state = state(outcome, &attempts);
        let served = served(outcome, &attempts);
        let canned = history.fell_back().filter(|_| outcome == Some(Outcome::Substituted));
        let canned = canned.and_then(|fell_back| fell_back.reply.clone());
        let kept = match (&canned, served) {
            (Some(_), _) => None,
            (None, Some(served)) => kept(served),
            (None, None) => attempts.iter().rev().find_map(kept),
        };
        let replied_to = kept.map(|(attempt, _)| attempt);
        Self {
            via: via(outcome, &recipient, served, &attempts),
            served_by: served.map(|record| record.started.way.clone()),
            replied_to,
            reply: canned.or(kept.map(|(_, reply)| reply.clone())),
            falls: history.falls().cloned().collect(),
            next_attempt_at: (state == DeliveryState::Waiting).then_some(due),
            late: matches!((settled_at, verdict), (Some(at), Some(verdict)) if at > verdict.at),
            waited: waited(accepted, &attempts),
            hand_overs: hand_overs(history),
            target: recipient,
            required,
            state,
            outcome,
            settled_at,
            parked_until: history.parked_until().filter(|_| outcome.is_some()),
            attempts,
            span_id,
            accepted_at: accepted,
            events: number(history.events().len()),
        }
    }
}

fn records(history: &History) -> Vec<AttemptRecord> {
    let mut records: Vec<AttemptRecord> = Vec::with_capacity(history.starts().count());
    let events = || history.events().iter().enumerate();
    for (place, event) in events() {
        if let Event::Started(started) = event {
            records.push(AttemptRecord {
                started: started.clone(),
                ended: None,
                lost_at: None,
                begun_as: number(place),
                ended_as: None,
            });
        }
    }
    // After all starts: an end may be recorded before its own.
    for (place, event) in events() {
        match event {
            Event::Ended(ended) => {
                if let Some(record) = record_of(&mut records, ended.attempt) {
                    (record.ended, record.ended_as) = (Some(ended.clone()), Some(number(place)));
                }
            }
            Event::Lost { attempt, at } => {
                if let Some(record) = record_of(&mut records, *attempt) {
                    (record.lost_at, record.ended_as) = (Some(*at), Some(number(place)));
                }
            }
            Event::Started(_)
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => {}
        }
    }
    records
}

fn record_of(records: &mut [AttemptRecord], attempt: u32) -> Option<&mut AttemptRecord> {
    records.iter_mut().find(|record| record.started.attempt == attempt)
}

fn hand_overs(history: &History) -> Vec<HandOver> {
    let hand_over = |(place, event): (usize, &Event)| match event {
        Event::Moved { to, because, at } => {
            let moved_as = number(place);
            Some(HandOver { to: to.clone(), because: *because, at: *at, moved_as })
        }
        Event::Started(_)
        | Event::Ended(_)
        | Event::Lost { .. }
        | Event::FellBack(_)
        | Event::CancelAsked { .. } => None,
    };
    history.events().iter().enumerate().filter_map(hand_over).collect()
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn state(outcome: Option<Outcome>, attempts: &[AttemptRecord]) -> DeliveryState {
    match (outcome, attempts.last()) {
        (Some(_), _) => DeliveryState::Settled,
        (None, None) => DeliveryState::Pending,
        (None, Some(_)) if attempts.iter().any(|it| it.ended_at().is_none()) => {
            DeliveryState::InFlight
        }
        (None, Some(_)) => DeliveryState::Waiting,
    }
}

/// The reply to that attempt, where it was kept.
fn kept(record: &AttemptRecord) -> Option<(u32, &Arc<CapturedReply>)> {
    Some((record.started.attempt, record.ended.as_ref()?.reply.as_ref()?))
}

fn served(outcome: Option<Outcome>, attempts: &[AttemptRecord]) -> Option<&AttemptRecord> {
    let Some(Outcome::Delivered { attempt }) = outcome else { return None };
    attempts.iter().find(|record| record.started.attempt == attempt)
}

fn via(
    outcome: Option<Outcome>,
    recipient: &TargetName,
    served: Option<&AttemptRecord>,
    attempts: &[AttemptRecord],
) -> Option<Via> {
    if outcome == Some(Outcome::Substituted) {
        return Some(Via::Reply);
    }
    let (way, first) = (&served?.started.way, &attempts.first()?.started.way);
    Some(if way.target != *recipient {
        Via::Target
    } else if way.endpoint != first.endpoint {
        Via::Endpoint
    } else if way.version != first.version {
        Via::Version
    } else {
        Via::Primary
    })
}

fn waited(accepted: Timestamp, attempts: &[AttemptRecord]) -> Waited {
    let mut waited = Waited::default();
    let mut from = accepted;
    // Beside a hedge another one was in flight: nothing was waited for.
    for record in attempts.iter().filter(|record| record.started.kind != Kind::Hedge) {
        let Started { due, at, held, .. } = record.started;
        waited.backoff += due.since(from);
        match held {
            // What passes between a decision and its start is no wait.
            None => {}
            Some(Why::RateLimit) => waited.rate_limit += at.since(due.max(from)),
            Some(_) => waited.gate += at.since(due.max(from)),
        }
        from = record.ended_at().unwrap_or(at);
    }
    waited
}

// === impl Via ===

impl Via {
    /// The code in reports and spans.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Version => "version",
            Self::Endpoint => "endpoint",
            Self::Target => "target",
            Self::Reply => "reply",
        }
    }
}

// === impl AttemptRecord ===

impl AttemptRecord {
    /// When it ended or was found to be lost.
    #[must_use]
    pub fn ended_at(&self) -> Option<Timestamp> {
        self.ended.as_ref().map(|ended| ended.at).or(self.lost_at)
    }

    /// What its end means; none while it is in flight.
    #[must_use]
    pub fn meaning(&self) -> Option<Meaning> {
        let lost = self.lost_at.map(|_| Meaning::Retry);
        self.ended.as_ref().map(|ended| ended.meaning).or(lost)
    }

    /// Whether the API may have acted on it.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.ended.as_ref().map_or(Effect::Unknown, |ended| ended.effect)
    }
}

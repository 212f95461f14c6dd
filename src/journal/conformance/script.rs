//! What the checks write: broadcasts, events and entries with small numbers for ids and times.

use std::sync::Arc;

use fanfare_sdk::{Effect, Learned, Meaning, Payload, Timestamp};
use uuid::Uuid;

use crate::{
    journal::{CallerKey, Entry, NewBroadcast, NewDelivery},
    report::{
        Because, Boot, BroadcastId, CancelledBy, Completion, DeliveryId, Ended, Event, Kind,
        Outcome, Priority, Reason, Rest, Started, Trace, Way,
    },
};

/// A delivery: the number of its broadcast, and its recipient.
pub(super) type Of<'a> = (u128, &'a str);

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn id(number: u128) -> BroadcastId {
    BroadcastId(Uuid::from_u128(number))
}

pub(super) fn delivery((number, recipient): Of<'_>) -> DeliveryId {
    DeliveryId { broadcast: id(number), recipient: recipient.into() }
}

/// Accepted at 1, to recipients between spaces; `?` behind those that are not required.
pub(super) fn broadcast(number: u128, recipients: &str) -> NewBroadcast {
    let recipients = recipients.split_whitespace().enumerate().map(|(place, name)| NewDelivery {
        recipient: name.trim_end_matches('?').into(),
        required: !name.ends_with('?'),
        seed: place as u64,
        expires: at(1_000_000),
        span_id: [2; 8],
        skipped: false,
        order_key: None,
        carried: None,
    });
    NewBroadcast {
        id: id(number),
        route: Some("signup".to_owned()),
        payload: Payload::new("text/plain", format!("payload {number}")),
        recipients: recipients.collect(),
        completion: Completion::All,
        rest: Rest::Finish,
        accept_substituted: false,
        priority: Priority::Normal,
        deadline: None,
        accepted_at: at(1),
        caller_key: None,
        metadata: None,
        replay_of: None,
        notify: None,
        notice_of: None,
        trace: Trace {
            link: None,
            trace_id: [1; 16],
            span_id: [1; 8],
            parent_id: Some([9; 8]),
            parent_is_remote: true,
            flags: 1,
            state: Some(Arc::from("vendor=1")),
            baggage: Some(Arc::from("user=1")),
        },
    }
}

pub(super) fn keyed(number: u128, key: &str, fingerprint: u8) -> NewBroadcast {
    let caller_key = Some(CallerKey { key: key.to_owned(), fingerprint: [fingerprint; 32] });
    NewBroadcast { caller_key, ..broadcast(number, "a b") }
}

pub(super) fn started(of: Of<'_>, attempt: u32, boot: u64) -> Entry {
    let way =
        Way { target: of.1.into(), endpoint: Some("https://a.example".into()), version: None };
    let started = Started {
        attempt,
        way,
        kind: if attempt == 1 { Kind::First } else { Kind::Retry },
        because: Because::FirstWay,
        key: format!("{}/{}", of.0, of.1).into(),
        span_id: [3; 8],
        boot: Boot(boot),
        due: at(1),
        held: None,
        at: at(2),
    };
    Entry::Event(delivery(of), Event::Started(started))
}

/// The end of an attempt, at a time.
pub(super) fn ended(attempt: u32, meaning: Meaning, micros: i64) -> Event {
    Event::Ended(Ended {
        attempt,
        meaning,
        effect: Effect::None,
        retry_after: None,
        learned: Learned::Nothing,
        status: Some(200),
        error: None,
        said: None,
        reply: None,
        notice: None,
        at: at(micros),
    })
}

pub(super) fn moved(of: Of<'_>, to: &str, micros: i64) -> Entry {
    let because = Reason::AttemptsUsedUp;
    Entry::Event(delivery(of), Event::Moved { to: to.into(), because, at: at(micros) })
}

pub(super) fn asked(of: Of<'_>, by: CancelledBy, micros: i64) -> Entry {
    Entry::Event(delivery(of), Event::CancelAsked { by, at: at(micros) })
}

pub(super) fn due(of: Of<'_>, micros: i64) -> Entry {
    Entry::Due(delivery(of), at(micros))
}

pub(super) fn settled(of: Of<'_>, outcome: Outcome) -> Entry {
    Entry::Settled(delivery(of), outcome)
}

pub(super) const DELIVERED: Outcome = Outcome::Delivered { attempt: 1 };
pub(super) const FAILED: Outcome = Outcome::Failed(Reason::Permanent);

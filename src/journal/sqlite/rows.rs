//! Rows as the journal's types, and the other way round.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_sdk::{Payload, Timestamp};
use rusqlite::Row;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{
    crypto::{Column, DataKey},
    error::Failure,
    notices,
    seals::{KEY, Seals},
};
use crate::{
    journal::{CallerKey, CarriedKeys, NewBroadcast, NewDelivery},
    report::{
        BroadcastId, CapturedReply, Completion, Event, History, Metadata, Notify, Priority, Rest,
        Trace, Verdict,
    },
};

/// What is pinned of a broadcast and never asked for by SQL.
#[derive(Debug, Serialize, Deserialize)]
struct Pinned {
    completion: Completion,
    rest: Rest,
    priority: Priority,
    trace: Trace,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Arc<Metadata>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notify: Option<Notify>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    accept_substituted: bool,
}

/// What of a sealed broadcast stands nowhere else as it is.
#[derive(Debug, Serialize, Deserialize)]
struct Private {
    pinned: Pinned,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    caller_key: Option<(String, [u8; 32])>,
    /// By place; empty where no recipient has any of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<PrivateDelivery>,
}

/// The same of one delivery.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct PrivateDelivery {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) order_key: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) carried: Option<Arc<CarriedKeys>>,
}

/// The pinned part of a broadcast.
pub(super) fn pinned(broadcast: &NewBroadcast) -> Result<String, Failure> {
    json(&Pinned::of(broadcast))
}

/// All of it that is not to be seen.
pub(super) fn private(broadcast: &NewBroadcast) -> Result<String, Failure> {
    let private = |one: &NewDelivery| PrivateDelivery {
        order_key: one.order_key.clone(),
        carried: one.carried.clone(),
    };
    let recipients = &broadcast.recipients;
    let any = recipients.iter().any(|one| one.order_key.is_some() || one.carried.is_some());
    let key = broadcast.caller_key.as_ref();
    json(&Private {
        pinned: Pinned::of(broadcast),
        caller_key: key.map(|it| (it.key.clone(), it.fingerprint)),
        deliveries: if any { recipients.iter().map(private).collect() } else { Vec::new() },
    })
}

impl Pinned {
    fn of(broadcast: &NewBroadcast) -> Self {
        let NewBroadcast { completion, rest, priority, accept_substituted, .. } = *broadcast;
        let (trace, metadata) = (broadcast.trace.clone(), broadcast.metadata.clone());
        let notify = broadcast.notify.clone();
        Self { completion, rest, priority, trace, metadata, notify, accept_substituted }
    }
}

/// The columns that [`broadcast`] reads, but for those of its key and of what it tells of, which come last.
const BROADCAST: &str = "b.seq, b.id, b.route, b.accepted_at, b.deadline, b.pinned, \
    b.caller_key, b.fingerprint, b.replay_of, b.satisfied, b.completed_by, b.verdict_at, \
    b.settled_at, p.content_type, p.bytes, b.sealed";

/// All columns that [`broadcast`] reads.
pub(super) fn columns() -> String {
    format!("{BROADCAST}, {KEY}, b.notice_of, b.occasion")
}

/// One broadcast, before its recipients are known.
#[derive(Debug)]
pub(super) struct BroadcastRow {
    pub(super) seq: u64,
    pub(super) broadcast: NewBroadcast,
    pub(super) verdict: Option<Verdict>,
    pub(super) settled: bool,
    /// Where it is sealed.
    pub(super) key: Option<DataKey>,
    /// What the rows of the deliveries do not tell, by place.
    pub(super) deliveries: Vec<PrivateDelivery>,
}

/// What is pinned, as it stands there or sealed.
fn read_private(row: &Row<'_>, id: BroadcastId, key: Option<&DataKey>) -> Result<Private, Failure> {
    let Some(key) = key else {
        let caller_key: Option<String> = row.get(6)?;
        return Ok(Private {
            pinned: from_json(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?,
            caller_key: caller_key.zip(row.get(7)?),
            deliveries: Vec::new(),
        });
    };
    let sealed: Option<Vec<u8>> = row.get(15)?;
    let opened = sealed.and_then(|sealed| key.open(id, Column::Pinned, sealed));
    let opened =
        opened.ok_or_else(|| Failure::changed(id, "what is pinned (`broadcast.sealed`)"))?;
    serde_json::from_slice(&opened).map_err(|error| Failure::corrupt(error.to_string()))
}

pub(super) fn broadcast(row: &Row<'_>, seals: &Seals) -> Result<BroadcastRow, Failure> {
    let id = BroadcastId(Uuid::from_bytes(row.get(1)?));
    let key = seals.key(id, row, 16)?;
    let Private { pinned, caller_key, deliveries } = read_private(row, id, key.as_ref())?;
    let replay_of: Option<Uuid> = row.get::<_, Option<[u8; 16]>>(8)?.map(Uuid::from_bytes);
    let bytes = row.get::<_, Option<Vec<u8>>>(14)?.unwrap_or_default();
    let content_type = row.get::<_, Option<String>>(13)?.unwrap_or_default();
    let bytes = match &key {
        Some(key) => key
            .open(id, Column::Payload(&content_type), bytes)
            .ok_or_else(|| Failure::changed(id, "its payload (`payload.bytes`)"))?,
        None => Bytes::from(bytes),
    };
    Ok(BroadcastRow {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        broadcast: NewBroadcast {
            id,
            route: row.get(2)?,
            payload: Payload::new(content_type, bytes),
            recipients: Vec::new(),
            completion: pinned.completion,
            rest: pinned.rest,
            accept_substituted: pinned.accept_substituted,
            priority: pinned.priority,
            deadline: row.get::<_, Option<i64>>(4)?.map(time),
            accepted_at: time(row.get(3)?),
            caller_key: caller_key.map(|(key, fingerprint)| CallerKey { key, fingerprint }),
            metadata: pinned.metadata,
            replay_of: replay_of.map(BroadcastId),
            notify: pinned.notify,
            notice_of: notices::notice_of(row, 18)?,
            trace: pinned.trace,
        },
        verdict: verdict(row, 9)?,
        settled: row.get::<_, Option<i64>>(12)?.is_some(),
        key,
        deliveries,
    })
}

/// From the columns `satisfied`, `completed_by` and `verdict_at`.
pub(super) fn verdict(row: &Row<'_>, first: usize) -> Result<Option<Verdict>, Failure> {
    let Some(satisfied) = row.get(first)? else { return Ok(None) };
    let by = from_word(row.get_ref(first + 1)?.as_str().map_err(rusqlite::Error::from)?)?;
    Ok(Some(Verdict { satisfied, by, at: time(row.get(first + 2)?) }))
}

/// An event as text, and the body of its reply as bytes.
pub(super) fn event(event: &Event) -> Result<(String, Option<&[u8]>), Failure> {
    let body = match event {
        Event::Ended(ended) => ended.reply.as_ref().map(|reply| &*reply.body),
        Event::FellBack(fell_back) => fell_back.reply.as_ref().map(|reply| &*reply.body),
        Event::Started(_)
        | Event::Lost { .. }
        | Event::CancelAsked { .. }
        | Event::Moved { .. } => None,
    };
    Ok((json(event)?, body.filter(|body| !body.is_empty())))
}

/// Where the events of a delivery belong, and what opens them; none where they are not sealed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opener<'a> {
    pub(super) key: &'a DataKey,
    pub(super) broadcast: BroadcastId,
    pub(super) place: u64,
}

/// An event and the body of its reply as one sealed value: the length of the first stands before it.
pub(super) fn sealed_event(event: &Event, number: u32, to: Opener<'_>) -> Result<Vec<u8>, Failure> {
    let (text, body) = self::event(event)?;
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    let column = Column::Event { place: to.place, number: number.into() };
    to.key.seal(to.broadcast, column, &[&length, text.as_bytes(), body.unwrap_or_default()])
}

/// From the columns `number`, `event` and `body`.
pub(super) fn read_event(
    row: &Row<'_>,
    first: usize,
    opener: Option<Opener<'_>>,
) -> Result<Event, Failure> {
    let body: Option<Vec<u8>> = row.get(first + 2)?;
    let (mut event, body): (Event, _) = if let Some(Opener { key, broadcast, place }) = opener {
        let number = row.get(first)?;
        let opened = key.open(broadcast, Column::Event { place, number }, body.unwrap_or_default());
        let whole = opened.as_ref().and_then(|opened| {
            let (length, rest) = opened.split_first_chunk()?;
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
        });
        let (text, body) = whole.ok_or_else(|| {
            let what = format!("event {number} of its recipient {place} (`event.body`)");
            Failure::changed(broadcast, &what)
        })?;
        let event = serde_json::from_slice(text);
        let event = event.map_err(|error| Failure::corrupt(error.to_string()))?;
        (event, (!body.is_empty()).then(|| Bytes::copy_from_slice(body)))
    } else {
        let text = row.get_ref(first + 1)?;
        let event = from_json(text.as_str().map_err(rusqlite::Error::from)?)?;
        (event, body.map(Bytes::from))
    };
    if let (Some(reply), Some(body)) = (reply(&mut event), body) {
        *reply = Arc::new(CapturedReply { body, ..(**reply).clone() });
    }
    Ok(event)
}

/// The reply of an event, whose body stands beside it.
pub(super) fn reply(event: &mut Event) -> Option<&mut Arc<CapturedReply>> {
    match event {
        Event::Ended(ended) => ended.reply.as_mut(),
        Event::FellBack(fell_back) => fell_back.reply.as_mut(),
        Event::Started(_)
        | Event::Lost { .. }
        | Event::CancelAsked { .. }
        | Event::Moved { .. } => None,
    }
}

/// The oldest life of the process with a start that has no end.
pub(super) fn boot(history: &History) -> Option<i64> {
    history.in_flight().map(|started| started.boot.0.cast_signed()).min()
}

pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::corrupt(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::corrupt(error.to_string()))
}

/// One word that stands for a variant.
pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, Failure> {
    serde_json::from_value(word.into()).map_err(|error| Failure::corrupt(error.to_string()))
}

//! Rows as the journal's types, and the other way round.

use std::sync::Arc;

use bytes::Bytes;
use fanfare_sdk::{Payload, Timestamp};
use rusqlite::Row;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::error::Failure;
use crate::{
    journal::{CallerKey, NewBroadcast},
    report::{
        BroadcastId, CapturedReply, Completion, Event, History, Metadata, Priority, Rest, Trace,
        Verdict,
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
}

/// The pinned part of a broadcast.
pub(super) fn pinned(broadcast: &NewBroadcast) -> Result<String, Failure> {
    let NewBroadcast { completion, rest, priority, .. } = *broadcast;
    let (trace, metadata) = (broadcast.trace.clone(), broadcast.metadata.clone());
    json(&Pinned { completion, rest, priority, trace, metadata })
}

/// The columns that [`broadcast`] reads.
pub(super) const BROADCAST: &str = "b.seq, b.id, b.route, b.accepted_at, b.deadline, b.pinned, \
    b.caller_key, b.fingerprint, b.replay_of, b.satisfied, b.completed_by, b.verdict_at, \
    b.settled_at, p.content_type, p.bytes";

/// One broadcast, before its recipients are known.
#[derive(Debug)]
pub(super) struct BroadcastRow {
    pub(super) seq: u64,
    pub(super) broadcast: NewBroadcast,
    pub(super) verdict: Option<Verdict>,
    pub(super) settled: bool,
}

pub(super) fn broadcast(row: &Row<'_>) -> Result<BroadcastRow, Failure> {
    let pinned: Pinned = from_json(row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?)?;
    let key: Option<String> = row.get(6)?;
    let fingerprint: Option<[u8; 32]> = row.get(7)?;
    let replay_of: Option<Uuid> = row.get::<_, Option<[u8; 16]>>(8)?.map(Uuid::from_bytes);
    let bytes: Option<Vec<u8>> = row.get(14)?;
    let content_type = row.get::<_, Option<String>>(13)?.unwrap_or_default();
    Ok(BroadcastRow {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        broadcast: NewBroadcast {
            id: BroadcastId(Uuid::from_bytes(row.get(1)?)),
            route: row.get(2)?,
            payload: Payload::new(content_type, Bytes::from(bytes.unwrap_or_default())),
            recipients: Vec::new(),
            completion: pinned.completion,
            rest: pinned.rest,
            priority: pinned.priority,
            deadline: row.get::<_, Option<i64>>(4)?.map(time),
            accepted_at: time(row.get(3)?),
            caller_key: key
                .zip(fingerprint)
                .map(|(key, fingerprint)| CallerKey { key, fingerprint }),
            metadata: pinned.metadata,
            replay_of: replay_of.map(BroadcastId),
            trace: pinned.trace,
        },
        verdict: verdict(row, 9)?,
        settled: row.get::<_, Option<i64>>(12)?.is_some(),
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
        Event::Started(_)
        | Event::Lost { .. }
        | Event::CancelAsked { .. }
        | Event::Moved { .. } => None,
    };
    Ok((json(event)?, body.filter(|body| !body.is_empty())))
}

/// From the columns `event` and `body`.
pub(super) fn read_event(row: &Row<'_>, first: usize) -> Result<Event, Failure> {
    let text = row.get_ref(first)?;
    let mut event: Event = from_json(text.as_str().map_err(rusqlite::Error::from)?)?;
    let body: Option<Vec<u8>> = row.get(first + 1)?;
    if let (Event::Ended(ended), Some(body)) = (&mut event, body)
        && let Some(reply) = &mut ended.reply
    {
        *reply = Arc::new(CapturedReply { body: Bytes::from(body), ..(**reply).clone() });
    }
    Ok(event)
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

//! The form in which a journal is exported: a JSON object a line. Times are microseconds since 1970.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{error::Failure, targets::Targets, whole::Whole};
use crate::{
    journal::{
        CarriedKeys, NewBroadcast, NewDelivery,
        ledger::{Books, Slot},
    },
    policy::gate::GateSnapshot,
    report::{
        CompletedBy, Completion, Event, Metadata, Notify, Occasion, Occasions, Outcome, Priority,
        Rest, Trace, Verdict,
    },
};

/// The version of this form. A change that an older release cannot read makes it another one.
pub(super) const FORMAT: u32 = 1;

/// What stands in a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Journal(HeadLine),
    Target(Box<TargetLine>),
    Broadcast(Box<BroadcastLine>),
    /// The last one: what comes without it was cut.
    End(EndLine),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HeadLine {
    pub(super) format: u32,
    /// How often an engine was started on it.
    pub(super) boots: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetLine {
    pub(super) name: String,
    pub(super) epoch: u64,
    /// What its gate must not forget: a pause, say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gate: Option<GateSnapshot>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndLine {
    pub(super) broadcasts: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BroadcastLine {
    pub(super) id: String,
    pub(super) route: Option<String>,
    pub(super) accepted_at: i64,
    pub(super) deadline: Option<i64>,
    pub(super) completion: Completion,
    pub(super) rest: Rest,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) accept_substituted: bool,
    pub(super) priority: Priority,
    pub(super) trace: Trace,
    pub(super) metadata: Option<Arc<Metadata>>,
    pub(super) caller_key: Option<CallerKeyLine>,
    pub(super) replay_of: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notify: Option<Notify>,
    /// Notices that were accepted, or given up.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub(super) told: Occasions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notice_of: Option<NoticeLine>,
    pub(super) content_type: String,
    /// Where it is JSON that stands in one line; it arrives byte for byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payload_base64: Option<String>,
    pub(super) verdict: Option<VerdictLine>,
    pub(super) settled_at: Option<i64>,
    pub(super) deliveries: Vec<DeliveryLine>,
}

fn is_nothing(told: &Occasions) -> bool {
    told.count() == 0
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoticeLine {
    pub(super) broadcast: String,
    pub(super) occasion: Occasion,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallerKeyLine {
    pub(super) key: String,
    pub(super) fingerprint: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerdictLine {
    pub(super) satisfied: bool,
    pub(super) by: CompletedBy,
    pub(super) at: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryLine {
    pub(super) recipient: String,
    pub(super) required: bool,
    pub(super) skipped: bool,
    pub(super) seed: u64,
    pub(super) span_id: String,
    pub(super) expires_at: i64,
    pub(super) order_key: Option<Arc<str>>,
    pub(super) carried: Option<Arc<CarriedKeys>>,
    pub(super) serving: String,
    pub(super) due_at: i64,
    pub(super) outcome: Option<Outcome>,
    pub(super) settled_at: Option<i64>,
    /// A dead letter that was neither replayed nor discarded.
    pub(super) dead: bool,
    pub(super) events: Vec<EventLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventLine {
    pub(super) event: Event,
    /// The body of its reply, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<String>,
}

/// A broadcast as its line.
pub(super) fn of(whole: &Whole, targets: &Targets) -> Result<BroadcastLine, Failure> {
    let new: &NewBroadcast = &whole.record.broadcast;
    let payload = raw(new.payload.bytes())?;
    let slots = whole.record.slots.iter().zip(&whole.dead);
    let deliveries = new.recipients.iter().zip(slots);
    Ok(BroadcastLine {
        id: new.id.to_string(),
        route: new.route.clone(),
        accepted_at: new.accepted_at.as_micros(),
        deadline: new.deadline.map(|at| at.as_micros()),
        completion: new.completion,
        rest: new.rest,
        accept_substituted: new.accept_substituted,
        priority: new.priority,
        trace: new.trace.clone(),
        metadata: new.metadata.clone(),
        caller_key: new
            .caller_key
            .as_ref()
            .map(|it| CallerKeyLine { key: it.key.clone(), fingerprint: hex(&it.fingerprint) }),
        replay_of: new.replay_of.map(|id| id.to_string()),
        notify: new.notify.clone(),
        told: whole.record.told,
        notice_of: new
            .notice_of
            .map(|of| NoticeLine { broadcast: of.broadcast.to_string(), occasion: of.occasion }),
        content_type: new.payload.content_type().to_owned(),
        payload_base64: payload.is_none().then(|| STANDARD.encode(new.payload.bytes())),
        payload,
        verdict: whole.record.verdict.map(|Verdict { satisfied, by, at }| VerdictLine {
            satisfied,
            by,
            at: at.as_micros(),
        }),
        settled_at: whole.settled_at,
        deliveries: deliveries
            .map(|(new, (slot, dead))| delivery(new, slot, *dead, targets))
            .collect(),
    })
}

/// The bytes as they are, where they are JSON of one line.
fn raw(bytes: &[u8]) -> Result<Option<Box<RawValue>>, Failure> {
    let is_one_line = !bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r')) && bytes != b"null";
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|_| is_one_line) else {
        return Ok(None);
    };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().len() == text.len() => {
            let owned = RawValue::from_string(text.to_owned());
            owned.map(Some).map_err(|error| Failure::corrupt(error.to_string()))
        }
        _ => Ok(None),
    }
}

fn delivery(new: &NewDelivery, slot: &Slot, dead: bool, targets: &Targets) -> DeliveryLine {
    let event = |event: &Event| {
        let body = match event {
            Event::Ended(ended) => ended.reply.as_ref().map(|reply| &reply.body),
            Event::FellBack(fell_back) => fell_back.reply.as_ref().map(|reply| &reply.body),
            Event::Started(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::Moved { .. } => None,
        };
        let body = body.filter(|body| !body.is_empty()).map(|body| STANDARD.encode(body));
        EventLine { event: event.clone(), body }
    };
    DeliveryLine {
        recipient: new.recipient.as_str().to_owned(),
        required: new.required,
        skipped: new.skipped,
        seed: new.seed,
        span_id: hex(&new.span_id),
        expires_at: new.expires.as_micros(),
        order_key: new.order_key.clone(),
        carried: new.carried.clone(),
        serving: targets.name(slot.serving).as_str().to_owned(),
        due_at: slot.due.as_micros(),
        outcome: slot.settled.map(|(outcome, _)| outcome),
        settled_at: slot.settled.map(|(_, at)| at.as_micros()),
        dead,
        events: slot.history.events().iter().map(event).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! One attempt: from the call to what it means. Every method of a plugin runs here, and a panic in it is an end
//! like any other.

use std::{error::Error as StdError, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use fanfare_sdk::{
    Attempt, Call, Capture, Classification, Effect, IdempotencyKey, Learned, Meaning, Payload,
    Progress, Reply, ReplyBody, ReplyHead, SendError, SendErrorKind, Timestamp, Wire,
};
use futures_util::FutureExt;
use tokio::{sync::Notify, time::timeout};

use super::{
    Shared, Slot, SlotParts, TargetMsg,
    messages::Stamps,
    proof,
    replied::{replied, sane},
    slot::Permit,
    starts::never_sent_end,
};
use crate::{
    journal::{NewBroadcast, Open},
    policy::{Masks, Plan, feedback},
    report::{AttemptError, DeliveryId, Ended, Event, Happening, History, Kind, Started, What},
    sabotage::{self, Sabotage},
    telemetry::{self, AttemptEnd, Exchanges, TraceContext},
    transport::{Outbound, OutboundParts},
};

/// The pause before an end that could not be recorded is recorded again; doubled up to the second.
const RECORD_AGAIN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Bytes of an error's text that are kept: a line, not a page.
const ERROR_BYTES_MAX: usize = 300;

/// An attempt that was decided, admitted and written down.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) id: DeliveryId,
    pub(super) started: Started,
    /// What happened before it began.
    pub(super) before: History,
    pub(super) plan: Plan,
    pub(super) delivery_key: IdempotencyKey,
    pub(super) broadcast: Arc<NewBroadcast>,
    /// The span of the delivery.
    pub(super) delivery_span: [u8; 8],
    /// How often the delivery was sent to this target before.
    pub(super) resends: u32,
    pub(super) timeout: Duration,
    pub(super) stamps: Stamps,
}

/// Makes the attempt, records its end, and tells the target's actor: in that order, so that no death of an actor
/// can lose it.
pub(super) async fn run(
    shared: Arc<Shared>,
    slot: Arc<Slot>,
    order: Box<Order>,
    (mut permit, is_written): (Permit, bool),
    abort: Arc<Notify>,
) {
    let (clock, parts) = (shared.clock, slot.parts());
    let exchanges = slot.observer.as_ref().map(|_| Arc::new(Exchanges::new(move || clock.now())));
    let hedges = parts.policy.hedge.is_some();
    slot.live.tell(|| {
        let what = What::started(&order.id.recipient, &order.started);
        happening(&order.broadcast, order.started.at, what)
    });
    let (ended, exchanges_made) = if order.started.kind == Kind::Hedge
        && slot.has_succeeded(&order.id)
    {
        (never_sent_end(order.started.attempt, clock.now()), 0)
    } else {
        let (ended, made) = perform(&shared, (&slot, &parts), &order, (&abort, &exchanges)).await;
        (hidden(ended, &parts.policy.masks), made)
    };
    if hedges && ended.meaning == Meaning::Success {
        slot.note_success(&order.id);
    }
    permit.made(exchanges_made);
    permit.give_back(feedback(&ended, parts.policy.retry.retry_after_max), ended.at);
    telemetry::attempt_ended(&order.id, &order.broadcast.trace, &order.started, &ended);
    slot.answered(&parts.policy, &order.started, &ended);
    if let Some((observer, exchanges)) = slot.observer.as_ref().zip(exchanges) {
        observer.attempt_ended(&AttemptEnd {
            trace: &order.broadcast.trace,
            delivery_span: order.delivery_span,
            started: &order.started,
            ended: &ended,
            resends: order.resends,
            exchanges: exchanges.take(),
        });
    }
    slot.announce(&order.started.way, &ended);
    if !is_written && let Some(started) = slot.unwritten(&order.id, order.started.attempt) {
        record(&shared, &order.id, || Event::Started(started.clone())).await;
    }
    if !sabotage::is(Sabotage::EndNotRecorded) {
        record(&shared, &order.id, || Event::Ended(ended.clone())).await;
    }
    // When it is written: whoever is told of it may look.
    slot.live.tell(|| {
        let what = What::ended(&order.id.recipient, &order.started, &ended);
        happening(&order.broadcast, ended.at, what)
    });
    slot.live.changed(order.id.broadcast);
    slot.landed(&order.id, order.started.attempt);
    if !sabotage::is(Sabotage::EndNotTold) {
        slot.address.tell(TargetMsg::Attempted(order.id, ended));
    }
}

/// Records a fact, however long that takes.
async fn record(shared: &Shared, id: &DeliveryId, fact: impl Fn() -> Event) {
    let mut pause = RECORD_AGAIN.0;
    while let Err(error) = shared.journal.record(id, fact()).await {
        telemetry::journal_failed("record", &error);
        shared.clock.sleep(pause).await;
        pause = (pause * 2).min(RECORD_AGAIN.1);
    }
}

/// How it ended, and how many exchanges it took.
async fn perform(
    shared: &Shared,
    (slot, parts): (&Slot, &SlotParts),
    order: &Order,
    (abort, exchanges): (&Notify, &Option<Arc<Exchanges>>),
) -> (Ended, u16) {
    let call = call((slot, parts), order);
    let outbound = Arc::new(outbound((slot, parts), order, (&call, exchanges)));
    let wire = Wire::new(outbound.clone()).capturing(parts.capture);
    let progress = wire.progress().clone();
    let sending = AssertUnwindSafe(async {
        let payload = match &parts.mapper {
            Some(mapper) => slot.mapping.map(mapper, &call, &order.broadcast.payload).await?,
            None => order.broadcast.payload.clone(),
        };
        outbound.along_with(&payload);
        parts.api.send(Attempt::new(call.clone(), payload, wire)).await
    })
    .catch_unwind();
    let sent = tokio::select! {
        biased;
        sent = timeout(order.timeout, sending) => sent.unwrap_or_else(|_| Ok(cut_short(&progress, SendErrorKind::Timeout))),
        () = abort.notified() => Ok(cut_short(&progress, SendErrorKind::Aborted)),
    };
    let sent = sent.unwrap_or_else(|_| {
        Err(SendError::new(SendErrorKind::Panicked, Meaning::Permanent, progress.effect()))
    });
    let now = shared.clock.now();
    let ended = match sent {
        Ok(reply) => replied((shared, slot, parts), order, (&call, &outbound), reply, now).await,
        Err(error) => failed(order.started.attempt, &error, outbound.learned(), now),
    };
    (ended, outbound.made())
}

/// Ended from outside. Where the head of a reply has come, its status still says what became of the request; what has
/// come of the rest is kept.
fn cut_short(progress: &Progress, kind: SendErrorKind) -> Result<Reply, SendError> {
    match progress.status() {
        Some(status) => {
            let cut = progress.take_cut().filter(|reply| reply.head.status == Some(status));
            Ok(cut.unwrap_or_else(|| Reply {
                head: ReplyHead::http(status, http::HeaderMap::new()),
                body: ReplyBody::truncated(""),
            }))
        }
        None => Err(SendError::new(kind, Meaning::Retry, progress.effect())),
    }
}

/// With nothing in its error that came into the settings from elsewhere.
fn hidden(mut ended: Ended, masks: &Masks) -> Ended {
    if let Some(error) = &mut ended.error {
        error.message = masks.hide_in_line(&error.message).into();
    }
    ended
}

pub(super) fn failed(attempt: u32, error: &SendError, learned: Learned, at: Timestamp) -> Ended {
    let Classification { meaning, effect, retry_after } = sane(error.classification);
    // Without a reply there is no success.
    let meaning = if meaning == Meaning::Success { Meaning::Permanent } else { meaning };
    let error = Some(AttemptError { kind: error.kind, message: chain(error).into() });
    Ended {
        attempt,
        meaning,
        effect,
        retry_after,
        learned,
        status: None,
        error,
        said: None,
        reply: None,
        notice: None,
        at,
    }
}

/// The chain of causes in one line.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| text.len() < ERROR_BYTES_MAX) {
        let link = error.to_string();
        if !text.ends_with(&link) {
            text.push_str(": ");
            text.push_str(&link);
        }
        cause = error.source();
    }
    if let Some((end, _)) = text.char_indices().find(|(place, _)| *place >= ERROR_BYTES_MAX) {
        text.truncate(end);
    }
    text
}

fn call((slot, parts): (&Slot, &SlotParts), order: &Order) -> Call {
    let Started { way, key, attempt, at, .. } = &order.started;
    let mut call = Call::new(way.target.clone(), key.clone(), *at, order.timeout);
    call.version.clone_from(&way.version);
    let policy = &parts.policy;
    call.has_other_version = way.version.as_ref().is_some_and(|v| policy.has_other_version(v));
    call.endpoint = policy.masks.endpoint(way.endpoint.as_ref());
    call.number = *attempt;
    call.delivery_id.clone_from(&order.delivery_key);
    call.nonce = slot.entropy.bytes();
    call
}

fn outbound(
    (slot, parts): (&Slot, &SlotParts),
    order: &Order,
    (call, exchanges): (&Call, &Option<Arc<Exchanges>>),
) -> Outbound {
    let trace = parts.propagate.then(|| TraceContext {
        trace_id: order.broadcast.trace.trace_id,
        span_id: order.started.span_id,
        flags: order.broadcast.trace.flags,
        state: order.broadcast.trace.state.clone(),
    });
    Outbound::new(OutboundParts {
        inner: parts.transport.clone(),
        strangers: parts.strangers.clone(),
        call: call.clone(),
        trace,
        authorizers: parts.authorizers.clone(),
        stamps: order.stamps.clone(),
        compress: parts.policy.compress.map(|how| (how, slot.mapping.threads())),
        redirects: parts.policy.redirects,
        exchanges_max: parts.policy.gate.exchanges_max.max(1),
        span_id: order.started.span_id,
        masks: parts.policy.masks.clone(),
        baggage: order.broadcast.trace.baggage.clone().filter(|_| parts.propagate_baggage),
        exchanges: exchanges.clone(),
    })
}

/// An attempt of which nothing was sent has ended.
pub(super) fn unsent(slot: &Slot, open: &Open, started: &Started, ended: &Ended) {
    telemetry::attempt_ended(&open.id(), &open.broadcast.trace, started, ended);
    if let Some(observer) = &slot.observer {
        observer.attempt_ended(&AttemptEnd {
            trace: &open.broadcast.trace,
            delivery_span: open.recipient().span_id,
            started,
            ended,
            resends: 0,
            exchanges: Vec::new(),
        });
    }
    let recipient = &open.recipient().recipient;
    let told = [
        (started.at, What::started(recipient, started)),
        (ended.at, What::ended(recipient, started, ended)),
    ];
    for (at, what) in told {
        slot.live.tell(|| happening(&open.broadcast, at, what));
    }
}

fn happening(broadcast: &NewBroadcast, at: Timestamp, what: What) -> Happening {
    Happening { at, broadcast: Some(broadcast.id), route: broadcast.route.clone(), what }
}

/// How often the delivery was on its way to this target before; nobody counts where nobody wants to hear of it.
pub(super) fn resends(slot: &Slot, history: &History, started: &Started) -> u32 {
    let Some(_) = &slot.observer else { return 0 };
    let earlier = |s: &&Started| s.attempt < started.attempt && s.way.target == started.way.target;
    let sent = |s: &&Started| history.end_of(s.attempt).is_none_or(was_sent);
    u32::try_from(history.starts().filter(earlier).filter(sent).count()).unwrap_or(u32::MAX)
}

/// Whether a request was on its way, though perhaps in vain.
fn was_sent(ended: &Ended) -> bool {
    let never = |error: &AttemptError| match error.kind {
        SendErrorKind::Prepare
        | SendErrorKind::Address
        | SendErrorKind::Auth
        | SendErrorKind::Aborted
        | SendErrorKind::Unsupported
        | SendErrorKind::Panicked => ended.effect == Effect::None,
        _ => false,
    };
    ended.status.is_some() || !ended.error.as_ref().is_some_and(never)
}

/// Asks the target whether it is there and lets us in: its status, where there is one.
pub(crate) async fn probe(
    shared: &Arc<Shared>,
    slot: &Arc<Slot>,
) -> Result<Option<u16>, AttemptError> {
    let (now, parts) = (shared.clock.now(), slot.parts());
    let policy = &parts.policy;
    let told = |error: SendError| {
        let message = policy.masks.hide_in_line(&chain(&error)).into();
        AttemptError { kind: error.kind, message }
    };
    let stamps = proof::prepare((shared, slot, &parts), now).await;
    let stamps = stamps.map_err(|error| {
        told(SendError::new(SendErrorKind::Auth, Meaning::Retry, Effect::None).because(error))
    })?;
    let key = IdempotencyKey::from("probe");
    let mut call = Call::new(policy.target.clone(), key, now, policy.timeout);
    call.version = policy.versions.first().cloned();
    call.endpoint = policy.masks.endpoint(policy.endpoint.as_ref());
    call.nonce = slot.entropy.bytes();
    let outbound = Arc::new(Outbound::new(OutboundParts {
        inner: parts.transport.clone(),
        strangers: parts.strangers.clone(),
        call: call.clone(),
        trace: None,
        authorizers: parts.authorizers.clone(),
        stamps,
        // A probe has no body.
        compress: None,
        redirects: policy.redirects,
        exchanges_max: policy.gate.exchanges_max.max(1),
        // A probe is of no delivery, and of no trace.
        span_id: [0; 8],
        masks: policy.masks.clone(),
        baggage: None,
        exchanges: None,
    }));
    let wire = Wire::new(outbound).capturing(Capture::Head);
    let attempt = Attempt::new(call, Payload::new("", ""), wire);
    let asking = AssertUnwindSafe(async { parts.api.probe(attempt).await }).catch_unwind();
    let ended = |kind| SendError::new(kind, Meaning::Retry, Effect::None);
    match timeout(policy.timeout, asking).await {
        Ok(Ok(Ok(reply))) => Ok(reply.head.status),
        Ok(Ok(Err(error))) => Err(told(error)),
        Ok(Err(_)) => Err(told(ended(SendErrorKind::Panicked))),
        Err(_) => Err(told(ended(SendErrorKind::Timeout))),
    }
}

//! Finished spans, made from what is known of a broadcast and of an attempt. Their ids were pinned long before.

use std::{
    borrow::Cow,
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use fanfare_sdk::{Effect, TargetName, Timestamp, check};
use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{Event, SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::{
    AttemptEnd,
    http_client::{self, Finished},
    names::{attribute, event, semconv, span},
    redact::redacted,
};
use crate::report::{
    AttemptRecord, CompletedBy, Delivery, Ended, Link, Outcome, Report, Started, Trace, Way, Why,
};

static SCOPE: LazyLock<InstrumentationScope> = LazyLock::new(|| {
    InstrumentationScope::builder("fanfare")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(semconv::SCHEMA_URL)
        .build()
});

/// A span before it is finished.
struct Draft<'a> {
    trace: &'a Trace,
    span_id: [u8; 8],
    parent: Option<([u8; 8], bool)>,
    kind: SpanKind,
    name: Cow<'static, str>,
    times: (Timestamp, Timestamp),
    attributes: Vec<KeyValue>,
    events: Vec<Event>,
    /// `error.type`, where it failed.
    error: Option<Cow<'static, str>>,
    link: Option<&'a Link>,
}

/// The spans of a broadcast and of its deliveries, and those of attempts whose process died before it could tell.
pub(super) fn broadcast(report: &Report) -> Vec<SpanData> {
    let mut spans = vec![whole(report).finish()];
    for delivery in &report.deliveries {
        spans.push(deliver(report, delivery).finish());
        let lost = delivery.attempts.iter().filter_map(|record| lost(report, delivery, record));
        spans.extend(lost.map(Draft::finish));
    }
    spans
}

/// The spans of an attempt: one for each exchange on the wire, or one of its own where there was none.
pub(super) fn attempt(end: &AttemptEnd<'_>) -> Vec<SpanData> {
    if end.exchanges.is_empty() {
        return vec![without_exchange(end).finish()];
    }
    http_client::finished(end).map(|exchange| client(end, &exchange).finish()).collect()
}

fn whole(report: &Report) -> Draft<'_> {
    let mut attributes = vec![
        KeyValue::new(attribute::BROADCAST_ID, report.id.to_string()),
        KeyValue::new(attribute::BROADCAST_RECIPIENTS, count(report.deliveries.len())),
    ];
    let route = report.route.clone().map(|route| KeyValue::new(attribute::BROADCAST_ROUTE, route));
    attributes.extend(route);
    let mut events = Vec::new();
    let mut error = None;
    if let Some(verdict) = report.verdict {
        let said = verdict_attributes(verdict.satisfied, verdict.by);
        events.push(Event::new(event::VERDICT, time(verdict.at), said.to_vec(), 0));
        attributes.extend(said);
        // Ended on purpose is no error.
        let failed = !verdict.satisfied && verdict.by != CompletedBy::Cancelled;
        error = failed.then(|| verdict.by.code().into());
    }
    let ended = report.settled_at.or(report.verdict.map(|verdict| verdict.at));
    Draft {
        trace: &report.trace,
        span_id: report.trace.span_id,
        parent: report.trace.parent_id.map(|parent| (parent, report.trace.parent_is_remote)),
        kind: SpanKind::Internal,
        name: span::BROADCAST.into(),
        times: (report.accepted_at, ended.unwrap_or(report.accepted_at)),
        attributes,
        events,
        error,
        link: report.trace.link.as_ref(),
    }
}

/// How a broadcast ended, in words of few values.
pub(super) fn verdict_attributes(satisfied: bool, by: CompletedBy) -> [KeyValue; 2] {
    let verdict = if satisfied { "satisfied" } else { "unsatisfied" };
    [
        KeyValue::new(attribute::BROADCAST_VERDICT, verdict),
        KeyValue::new(attribute::BROADCAST_COMPLETED_BY, by.code()),
    ]
}

fn deliver<'a>(report: &'a Report, delivery: &Delivery) -> Draft<'a> {
    let mut attributes = vec![
        KeyValue::new(attribute::TARGET, text(&delivery.target)),
        KeyValue::new(attribute::DELIVERY_ATTEMPTS, count(delivery.attempts.len())),
    ];
    attributes.extend(delivery.outcome.into_iter().flat_map(outcome_attributes));
    attributes.extend(delivery.via.map(|via| KeyValue::new(attribute::DELIVERY_VIA, via.code())));
    let error = match delivery.outcome {
        Some(Outcome::Failed(reason) | Outcome::Indeterminate(reason)) => Some(reason.code()),
        Some(outcome @ Outcome::Expired) => Some(outcome.code()),
        Some(
            Outcome::Delivered { .. }
            | Outcome::Substituted
            | Outcome::Cancelled(_)
            | Outcome::Skipped,
        )
        | None => None,
    };
    let ended = delivery.settled_at.unwrap_or(report.accepted_at);
    Draft {
        trace: &report.trace,
        span_id: delivery.span_id,
        parent: Some((report.trace.span_id, false)),
        kind: SpanKind::Internal,
        name: format!("{} {}", span::DELIVER, delivery.target).into(),
        times: (report.accepted_at, ended),
        attributes,
        events: events(report.accepted_at, delivery),
        error: error.map(Cow::Borrowed),
        link: None,
    }
}

/// How a delivery ended, in words of few values.
pub(super) fn outcome_attributes(outcome: Outcome) -> impl Iterator<Item = KeyValue> {
    let reason = match outcome {
        Outcome::Failed(reason) | Outcome::Indeterminate(reason) => Some(reason.code()),
        Outcome::Cancelled(by) => Some(by.code()),
        Outcome::Delivered { .. } | Outcome::Substituted | Outcome::Expired | Outcome::Skipped => {
            None
        }
    };
    let reason = reason.map(|code| KeyValue::new(attribute::DELIVERY_REASON, code));
    [KeyValue::new(attribute::DELIVERY_OUTCOME, outcome.code())].into_iter().chain(reason)
}

/// What happened between the attempts: waits, fallbacks and hand-overs, each at its time.
fn events(accepted: Timestamp, delivery: &Delivery) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |name, at, attributes| events.push(Event::new(name, time(at), attributes, 0));
    let (mut from, mut before) = (accepted, None::<&Way>);
    for record in &delivery.attempts {
        let Started { way, due, held, at, .. } = &record.started;
        let gate = held.map(|why| (why, due.max(&from), at));
        for (why, from, to) in [(Why::Backoff, &from, due)].into_iter().chain(gate) {
            if to > from {
                let duration = to.since(*from).as_secs_f64();
                add(
                    event::WAIT,
                    *from,
                    vec![
                        KeyValue::new(attribute::WAIT_REASON, why.code()),
                        KeyValue::new(attribute::WAIT_DURATION, duration),
                    ],
                );
            }
        }
        let fallback = before.filter(|before| before.target == way.target);
        for (kind, from, to) in fallback.into_iter().flat_map(|before| changes(before, way)) {
            let (kind, from) = (
                KeyValue::new(attribute::FALLBACK_KIND, kind),
                KeyValue::new(attribute::FALLBACK_FROM, from),
            );
            add(event::FALLBACK, *at, vec![kind, from, KeyValue::new(attribute::FALLBACK_TO, to)]);
        }
        (from, before) = (record.ended_at().unwrap_or(*at), Some(way));
    }
    for hand_over in &delivery.hand_overs {
        let to = KeyValue::new(attribute::HAND_OVER_TO, text(&hand_over.to));
        let because = KeyValue::new(attribute::HAND_OVER_REASON, hand_over.because.code());
        add(event::HAND_OVER, hand_over.at, vec![to, because]);
    }
    events.sort_by_key(|event| event.timestamp);
    events
}

/// What is another one on that way than on the one before it. Of endpoints the origin: their path may be a secret.
fn changes(before: &Way, way: &Way) -> impl Iterator<Item = (&'static str, String, String)> {
    let endpoint = |way: &Way| {
        way.endpoint.as_ref().map_or(String::new(), |endpoint| match endpoint.as_str() {
            url if url.contains("://") => check::masked_url(url).trim_end_matches("/…").to_owned(),
            name => name.to_owned(),
        })
    };
    let version = |way: &Way| way.version.as_ref().map_or(String::new(), ToString::to_string);
    let moved =
        (before.endpoint != way.endpoint).then(|| ("endpoint", endpoint(before), endpoint(way)));
    let spoken =
        (before.version != way.version).then(|| ("version", version(before), version(way)));
    moved.into_iter().chain(spoken)
}

/// An attempt that its process did not survive: its context went out, so somebody may look for it.
fn lost<'a>(report: &'a Report, delivery: &Delivery, record: &AttemptRecord) -> Option<Draft<'a>> {
    let at = record.lost_at.filter(|_| record.ended.is_none())?;
    let started = &record.started;
    Some(Draft {
        trace: &report.trace,
        span_id: started.span_id,
        parent: Some((delivery.span_id, false)),
        kind: SpanKind::Client,
        name: format!("{} {}", span::ATTEMPT, started.way.target).into(),
        times: (started.at, at),
        attributes: started_attributes(started),
        events: Vec::new(),
        error: Some("lost".into()),
        link: None,
    })
}

/// A call of a target with a client of its own, or one that never left.
fn without_exchange<'a>(end: &AttemptEnd<'a>) -> Draft<'a> {
    let AttemptEnd { started, ended, .. } = end;
    let mut attributes = started_attributes(started);
    attributes.extend(ended_attributes(ended));
    let meaning = || {
        let success = ended.meaning == fanfare_sdk::Meaning::Success;
        (!success).then(|| ended.meaning.code().into())
    };
    let error = match &ended.error {
        Some(error) => http_client::error_type(error.kind),
        None => meaning(),
    };
    let left = ended.error.is_none() || ended.effect != Effect::None;
    Draft {
        kind: if left { SpanKind::Client } else { SpanKind::Internal },
        name: format!("{} {}", span::ATTEMPT, started.way.target).into(),
        times: (started.at, ended.at),
        attributes,
        error,
        ..child(end, started.span_id)
    }
}

fn client<'a>(end: &AttemptEnd<'a>, exchange: &Finished<'_>) -> Draft<'a> {
    let mut attributes = exchange.attributes();
    let sent = &exchange.record.sent;
    let url = redacted(&sent.url.to_string());
    attributes.push(KeyValue::new(semconv::URL_FULL, url));
    let original = exchange.method_original();
    let mut name = if original.is_some() { span::HTTP.into() } else { exchange.method() };
    if let Some(template) = &sent.template {
        let template = redacted(template.as_str());
        name = format!("{name} {template}").into();
        attributes.push(KeyValue::new(semconv::URL_TEMPLATE, template));
    }
    attributes.extend(original.map(|it| KeyValue::new(semconv::REQUEST_METHOD_ORIGINAL, it)));
    let resends = i64::from(end.resends) + i64::from(sent.redirects);
    if resends > 0 {
        attributes.push(KeyValue::new(semconv::REQUEST_RESEND_COUNT, resends));
    }
    attributes.extend(started_attributes(end.started));
    if exchange.last {
        attributes.extend(ended_attributes(end.ended));
    }
    // In `attributes` for the metric: the draft adds it to every span that failed.
    attributes.retain(|attribute| attribute.key.as_str() != semconv::ERROR_TYPE);
    Draft {
        kind: SpanKind::Client,
        name,
        times: (exchange.record.at, exchange.ended_at),
        attributes,
        error: exchange.error.clone(),
        ..child(end, sent.span_id)
    }
}

fn child<'a>(end: &AttemptEnd<'a>, span_id: [u8; 8]) -> Draft<'a> {
    Draft {
        trace: end.trace,
        span_id,
        parent: Some((end.delivery_span, false)),
        kind: SpanKind::Internal,
        name: Cow::Borrowed(span::ATTEMPT),
        times: (end.started.at, end.ended.at),
        attributes: Vec::new(),
        events: Vec::new(),
        error: None,
        link: None,
    }
}

fn started_attributes(started: &Started) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new(attribute::TARGET, text(&started.way.target)),
        KeyValue::new(attribute::ATTEMPT_NUMBER, i64::from(started.attempt)),
        KeyValue::new(attribute::ATTEMPT_KIND, started.kind.code()),
    ];
    let version = started.way.version.as_ref();
    attributes.extend(
        version.map(|it| KeyValue::new(attribute::ATTEMPT_VERSION, it.as_str().to_owned())),
    );
    attributes
}

fn ended_attributes(ended: &Ended) -> [KeyValue; 2] {
    [
        KeyValue::new(attribute::ATTEMPT_MEANING, ended.meaning.code()),
        KeyValue::new(attribute::ATTEMPT_EFFECT, ended.effect.code()),
    ]
}

pub(super) fn text(name: &TargetName) -> Value {
    name.as_str().to_owned().into()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}

// === impl Draft ===

impl Draft<'_> {
    fn finish(self) -> SpanData {
        let Self { trace, mut attributes, parent, .. } = self;
        let status = if self.error.is_some() { Status::error("") } else { Status::Unset };
        attributes.extend(self.error.map(|it| KeyValue::new(semconv::ERROR_TYPE, it)));
        let mut events = SpanEvents::default();
        events.events = self.events;
        let mut links = SpanLinks::default();
        links.links = self.link.map(linked).into_iter().collect();
        SpanData {
            span_context: context(trace, self.span_id, false),
            parent_span_id: parent.map_or(SpanId::INVALID, |(id, _)| SpanId::from_bytes(id)),
            parent_span_is_remote: parent.is_some_and(|(_, remote)| remote),
            span_kind: self.kind,
            name: self.name,
            start_time: time(self.times.0),
            end_time: time(self.times.1),
            attributes,
            dropped_attributes_count: 0,
            events,
            links,
            status,
            instrumentation_scope: SCOPE.clone(),
        }
    }
}

/// The broadcast that is repeated.
fn linked(to: &Link) -> opentelemetry::trace::Link {
    let (trace, span) = (TraceId::from_bytes(to.trace_id), SpanId::from_bytes(to.span_id));
    let flags = TraceFlags::new(to.flags);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    opentelemetry::trace::Link::new(context, Vec::new(), 0)
}

/// A span of that trace, as OpenTelemetry names it.
pub(super) fn context(trace: &Trace, span_id: [u8; 8], remote: bool) -> SpanContext {
    // What its parser does not take is still sent on in our own requests.
    let state = trace.state.as_deref().and_then(|state| state.parse().ok()).unwrap_or_default();
    SpanContext::new(
        TraceId::from_bytes(trace.trace_id),
        SpanId::from_bytes(span_id),
        TraceFlags::new(trace.flags),
        remote,
        state,
    )
}

//! A report as JSON: `schemas/report.schema.json`.

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use fanfare_sdk::{Endpoint, RetryAfter, Timestamp, check};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    PassedOver, Reply, Said,
    fell_back::{passed_over, stood_in_for},
};
use crate::report::{self, AttemptRecord, DeliveryState, Outcome, Verdict, hex};

/// Grows with every change that a reader has to know about.
pub const SCHEMA_VERSION: u32 = 1;

/// What became of a broadcast at each of its recipients.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Report {
    /// Grows with every change that a reader has to know about.
    pub schema_version: u32,
    /// The broadcast: a UUID of version 7.
    pub id: String,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// The least advanced of its deliveries.
    pub state: State,
    /// `satisfied` or `unsatisfied`; null while it is open.
    pub verdict: Option<Cow<'static, str>>,
    /// `all`, `quorum`, `first`, `deadline`, `impossible` or `cancelled`; null while it is open.
    pub completed_by: Option<Cow<'static, str>>,
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// When it was accepted: RFC 3339, UTC.
    pub accepted_at: String,
    /// When the verdict fell.
    pub completed_at: Option<String>,
    /// When the last delivery settled.
    pub settled_at: Option<String>,
    /// Milliseconds from the acceptance to the verdict.
    pub duration_ms: Option<f64>,
    /// What the caller wrote on it.
    pub metadata: BTreeMap<String, Value>,
    /// The broadcast that this one repeats.
    pub replay_of: Option<String>,
    /// The broadcast whose report it carries, where it is a notice.
    pub notice_of: Option<String>,
    /// One for each recipient, in the order of the recipients.
    pub deliveries: Vec<Delivery>,
    /// What somebody should look at, though it did no harm yet.
    pub warnings: Vec<Warning>,
    /// Only in a notice that would be too long: what was left out of it, `replies`, `attempts`, `metadata` (with the
    /// warnings) or `deliveries` (those that succeeded first).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<Cow<'static, str>>,
}

/// What an API announced about a version, or what is configured of it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Warning {
    /// The target that was called.
    pub target: String,
    /// `deprecated`, `sunset`, or `malformed` where the announcement makes no sense.
    pub kind: Cow<'static, str>,
    /// The version that was spoken.
    pub version: Option<String>,
    /// Since when it is deprecated, or from when on (RFC 9745).
    pub deprecated_at: Option<String>,
    /// When it is likely to be gone (RFC 8594).
    pub sunset: Option<String>,
    /// Where its successor is (RFC 5829); configured, perhaps only its name.
    pub successor: Option<String>,
    /// Where there is more to read.
    pub documentation: Option<String>,
    /// Whether it was announced in the form of an older draft of RFC 9745; left out where it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub old_form: bool,
}

/// Where a delivery or a broadcast stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was tried yet.
    Pending,
    /// Between two attempts.
    Waiting,
    /// An attempt is being made.
    InFlight,
    /// Ended.
    Settled,
}

/// What became of a broadcast at one recipient.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Delivery {
    /// The recipient.
    pub target: String,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Where it stands.
    pub state: State,
    /// `delivered`, `failed`, `indeterminate`, `substituted`, `expired`, `cancelled` or `skipped`; null while open.
    pub outcome: Option<Cow<'static, str>>,
    /// Why it ended without success.
    pub reason: Option<Reason>,
    /// Whether it settled after the verdict.
    pub late: bool,
    /// When the next attempt is due, while it waits.
    pub next_attempt_at: Option<String>,
    /// Who delivered it.
    pub served_by: Option<ServedBy>,
    /// `primary`, `version`, `endpoint`, `target` or `reply`.
    pub via: Option<Cow<'static, str>>,
    /// Milliseconds that it waited, by what for.
    pub waited_ms: WaitedMs,
    /// The attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// The fallbacks that were passed over, and why; oldest first. Left out where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
    /// When a daemon sends it again by itself, where it is parked (`fallback.park`); left out where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_until: Option<String>,
    /// The reply that ended it; where a canned one stood in, that one. Where no reply came in the end, the last that was
    /// kept: `attempt` says which.
    pub reply: Option<Reply>,
    /// What became of its reversal.
    pub compensation: Option<Value>,
}

/// Why a delivery ended without success.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Reason {
    /// Stable.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// What the API said, where its last reply said something: by a rule or as a problem, else in the words of its body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
}

/// Who delivered it.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ServedBy {
    /// The target: the recipient, or a stand-in.
    pub target: String,
    /// The version that was spoken.
    pub version: Option<String>,
    /// The endpoint that was called, without its path: that may be a secret.
    pub endpoint: Option<String>,
}

/// Milliseconds that a delivery waited.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct WaitedMs {
    /// Between attempts, with what the API asked for.
    pub backoff: f64,
    /// For the rate limit.
    pub rate_limit: f64,
    /// For anything else at the gate: breaker, throttling, concurrency, operator.
    pub gate: f64,
}

/// One attempt.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// `first`, `retry` or `challenge`.
    pub kind: Cow<'static, str>,
    /// The target that was called.
    pub target: String,
    /// The version that was spoken.
    pub version: Option<String>,
    /// The endpoint that was called, without its path.
    pub endpoint: Option<String>,
    /// HTTP status, where a reply came.
    pub status: Option<u16>,
    /// `success`, `retry`, `throttled`, `unauthorized`, `version_rejected`, `target_disabled` or `permanent`; null
    /// while it is in flight.
    pub meaning: Option<Cow<'static, str>>,
    /// Whether the API may have acted: `none`, `applied` or `unknown`.
    pub effect: Cow<'static, str>,
    /// Why no reply came.
    pub error: Option<AttemptFailure>,
    /// What the API said, and by which rule it means that; left out where there is nothing to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// Why it was made.
    pub because: String,
    /// The key that it carried.
    pub idempotency_key: String,
    /// When it began.
    pub started_at: String,
    /// How many milliseconds it took; null while it is in flight.
    pub duration_ms: Option<f64>,
    /// How many milliseconds the API asked to be left alone.
    pub retry_after_ms: Option<f64>,
    /// 16 hexadecimal digits.
    pub span_id: String,
}

/// Why no reply came.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct AttemptFailure {
    /// Stable.
    pub code: Cow<'static, str>,
    /// For people.
    pub message: String,
}

/// The schema of a report (JSON Schema 2020-12).
#[must_use]
pub fn report_schema() -> Value {
    let mut schema = schema_for!(Report).to_value();
    schema["$id"] = "https://fanfare.dev/schemas/report.schema.json".into();
    schema["title"] = "fanfare report".into();
    schema
}

impl From<&report::Report> for Report {
    fn from(report: &report::Report) -> Self {
        let verdict = report.verdict;
        Self {
            schema_version: SCHEMA_VERSION,
            id: report.id.to_string(),
            route: report.route.clone(),
            state: report.state().into(),
            verdict: verdict.map(said),
            completed_by: verdict.map(|v| v.by.code().into()),
            trace_id: hex(&report.trace.trace_id),
            accepted_at: time(report.accepted_at),
            completed_at: verdict.map(|v| time(v.at)),
            settled_at: report.settled_at.map(time),
            duration_ms: verdict.map(|v| millis(v.at.since(report.accepted_at))),
            metadata: report.metadata.as_deref().cloned().unwrap_or_default(),
            replay_of: report.replay_of.map(|id| id.to_string()),
            notice_of: report.notice_of.map(|of| of.broadcast.to_string()),
            deliveries: report.deliveries.iter().map(Delivery::from).collect(),
            warnings: report.warnings().into_iter().map(Warning::from).collect(),
            truncated: Vec::new(),
        }
    }
}

impl From<&report::Delivery> for Delivery {
    fn from(delivery: &report::Delivery) -> Self {
        let waited = delivery.waited;
        Self {
            target: delivery.target.to_string(),
            required: delivery.required,
            state: delivery.state.into(),
            outcome: delivery.outcome.map(|outcome| outcome.code().into()),
            reason: stood_in_for(delivery)
                .or(delivery.outcome.and_then(reason))
                .map(|reason| Reason { said: said_last(delivery), ..reason }),
            late: delivery.late,
            next_attempt_at: delivery.next_attempt_at.map(time),
            served_by: delivery.served_by.as_ref().map(|way| ServedBy {
                target: way.target.to_string(),
                version: way.version.as_ref().map(ToString::to_string),
                endpoint: way.endpoint.as_ref().map(origin),
            }),
            via: delivery.via.map(|via| via.code().into()),
            waited_ms: WaitedMs {
                backoff: millis(waited.backoff),
                rate_limit: millis(waited.rate_limit),
                gate: millis(waited.gate),
            },
            attempts: delivery.attempts.iter().map(Attempt::from).collect(),
            parked_until: delivery.parked_until.map(time),
            passed_over: delivery.falls.iter().flat_map(passed_over).collect(),
            reply: reply(delivery),
            compensation: None,
        }
    }
}

fn reply(delivery: &report::Delivery) -> Option<Reply> {
    let reply = Reply::from(delivery.reply.as_deref()?);
    Some(Reply { attempt: delivery.replied_to, ..reply })
}

fn said_last(delivery: &report::Delivery) -> Option<Said> {
    let ended = delivery.attempts.last()?.ended.as_ref()?;
    report::Said::at_the_end(ended).as_ref().map(Said::from)
}

impl From<&AttemptRecord> for Attempt {
    fn from(record: &AttemptRecord) -> Self {
        let (started, ended) = (&record.started, record.ended.as_ref());
        let error = ended.and_then(|ended| ended.error.as_ref());
        let asked = ended.and_then(|ended| ended.retry_after.map(|asked| (asked, ended.at)));
        Self {
            number: started.attempt,
            kind: started.kind.code().into(),
            target: started.way.target.to_string(),
            version: started.way.version.as_ref().map(ToString::to_string),
            endpoint: started.way.endpoint.as_ref().map(origin),
            status: ended.and_then(|ended| ended.status),
            meaning: record.meaning().map(|meaning| meaning.code().into()),
            effect: record.effect().code().into(),
            error: error.map(|e| AttemptFailure {
                code: e.kind.code().into(),
                message: e.message.to_string(),
            }),
            said: ended.and_then(|ended| ended.said.as_deref()).map(Said::from),
            because: started.because.to_string(),
            idempotency_key: started.key.to_string(),
            started_at: time(started.at),
            duration_ms: record.ended_at().map(|at| millis(at.since(started.at))),
            retry_after_ms: asked.map(|(asked, at)| match asked {
                RetryAfter::For(wait) => millis(wait),
                RetryAfter::At(until) => millis(until.since(at)),
            }),
            span_id: hex(&started.span_id),
        }
    }
}

impl From<report::Warning> for Warning {
    fn from(warning: report::Warning) -> Self {
        let report::Warning { target, version, notice } = warning;
        Self {
            target: target.to_string(),
            kind: notice.code().into(),
            version: version.map(|version| version.to_string()),
            deprecated_at: notice.deprecated_at.map(time),
            sunset: notice.sunset.map(time),
            successor: notice.successor,
            documentation: notice.documentation,
            old_form: notice.old_form,
        }
    }
}

impl From<DeliveryState> for State {
    fn from(state: DeliveryState) -> Self {
        match state {
            DeliveryState::Pending => Self::Pending,
            DeliveryState::Waiting => Self::Waiting,
            DeliveryState::InFlight => Self::InFlight,
            DeliveryState::Settled => Self::Settled,
        }
    }
}

/// Why it ended without success.
pub(super) fn reason(outcome: Outcome) -> Option<Reason> {
    let (code, message) = match outcome {
        Outcome::Failed(reason) | Outcome::Indeterminate(reason) => {
            (reason.code(), reason.to_string())
        }
        Outcome::Cancelled(by) => (by.code(), format!("cancelled by the {}", by.code())),
        Outcome::Expired => ("expired", "its time was over before it could be sent".to_owned()),
        Outcome::Delivered { .. } | Outcome::Substituted | Outcome::Skipped => return None,
    };
    Some(Reason { code: code.into(), message, said: None })
}

/// A verdict in a word.
pub(super) fn said(verdict: Verdict) -> Cow<'static, str> {
    if verdict.satisfied { "satisfied" } else { "unsatisfied" }.into()
}

/// An endpoint that is a URL, without its path: that may be a secret.
pub(crate) fn origin(endpoint: &Endpoint) -> String {
    match endpoint.as_str() {
        url if url.contains("://") => check::masked_url(url).trim_end_matches("/…").to_owned(),
        name => name.to_owned(),
    }
}

/// RFC 3339, UTC.
pub(crate) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default().to_string()
}

/// Milliseconds with three decimals: whole microseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX) as f64 / 1_000.0
}

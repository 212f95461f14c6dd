//! What came of a load, for programs: one JSON document.

use std::time::Duration;

use serde_json::{Value, json};

use super::table::seen;
use crate::{
    policy::rehearse::{ApiSummary, Peak, RecipientSummary, RouteRehearsed, Spread},
    wire::origin,
};

/// The figures, indented, with a line end. Durations are in milliseconds.
pub(super) fn json(played: &RouteRehearsed) -> String {
    let verdicts = played.verdicts.iter().map(|it| {
        let verdict = if it.satisfied { "satisfied" } else { "unsatisfied" };
        json!({ "verdict": verdict, "completed_by": it.by.code(), "count": it.count })
    });
    let document = json!({
        "schema_version": 1,
        "broadcasts": played.broadcasts,
        "settled_ms": millis(played.lasted),
        "unsettled": played.unsettled,
        "verdicts": verdicts.collect::<Vec<_>>(),
        "verdict_after_ms": spread(played.verdict_after),
        "recipients": played.recipients.iter().map(recipient).collect::<Vec<_>>(),
        "apis": seen(played).map(api).collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn recipient(recipient: &RecipientSummary) -> Value {
    let outcomes = recipient.outcomes.iter().map(|it| {
        let reason = it.reason.map(crate::report::Reason::code);
        json!({ "outcome": it.outcome, "reason": reason, "count": it.count })
    });
    json!({
        "target": recipient.target.as_str(),
        "required": recipient.required,
        "outcomes": outcomes.collect::<Vec<_>>(),
        "settled_after_ms": spread(recipient.settled_after),
    })
}

fn api(api: &ApiSummary) -> Value {
    let waits = api.waits.iter().map(|it| {
        let (longest, total) = (millis(it.longest), millis(it.total));
        json!({ "for": it.why.code(), "count": it.count, "longest_ms": longest, "total_ms": total })
    });
    let breaker = api.breaker.iter().map(|it| {
        let endpoint = it.endpoint.as_ref().map(origin);
        let (from, to) = (it.from.code(), it.to.code());
        json!({ "at_ms": millis(it.at), "endpoint": endpoint, "from": from, "to": to })
    });
    json!({
        "target": api.target.as_str(),
        "requests": api.attempts,
        "retries": api.retries,
        "hedges": api.hedges,
        "accepted": api.accepted,
        "busiest_second": peak(api.busiest),
        "in_flight_max": peak(api.in_flight),
        "open_max": peak(api.open),
        "waits": waits.collect::<Vec<_>>(),
        "breaker_opened": api.opened,
        "breaker": breaker.collect::<Vec<_>>(),
    })
}

fn spread(spread: Spread) -> Value {
    json!({ "p50": millis(spread.p50), "p95": millis(spread.p95), "max": millis(spread.max) })
}

fn peak(peak: Peak) -> Value {
    json!({ "count": peak.count, "at_ms": millis(peak.at) })
}

/// Whole microseconds.
fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

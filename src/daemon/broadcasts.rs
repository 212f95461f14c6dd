//! Broadcasts: sent, looked at, listed, cancelled, repeated.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    response::Response,
};
use fanfare_sdk::TargetName;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use tokio::time::timeout;

use super::{
    Daemon,
    callers::Caller,
    configured::Configured,
    keys,
    log::About,
    members::Members,
    order::{order, refused},
    prefer::Prefer,
    problem::{Mistake, Problem},
    query::Query,
    router::{Answer, Shared, broadcast_id, json},
};
use crate::{
    engine::{AcceptError, Broadcast, BroadcastHandle, Replay},
    report::{BroadcastId, Report},
    telemetry::{Baggage, extract},
    wire::{self, listing},
};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `POST /v1/broadcasts`
pub(super) async fn send(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let prefer = Prefer::of(&headers, daemon.limits.wait_max);
    let key = keys::key(&headers, daemon.limits.key_bytes_max);
    let key = key.map(|key| key.map(|key| caller.scoped(key)));
    let handle = {
        let body = daemon.bodies.json(&headers, body).await?;
        let configured = daemon.configured();
        let broadcast = order(&daemon, (&caller, &configured), &body.bytes).await;
        let (key, broadcast) = match (key, broadcast) {
            (Ok(key), broadcast) => (key, broadcast?),
            (Err(mistake), Ok(_)) => return Err(Problem::invalid(vec![mistake])),
            (Err(mistake), Err(problem)) => return Err(problem.and(mistake)),
        };
        let dressed = |broadcast| {
            let broadcast = traced(broadcast, &headers);
            match &key {
                Some(key) => broadcast.idempotency_key(key),
                None => broadcast,
            }
        };
        let _in_use = key.as_deref().map(|key| daemon.keys.take(key)).transpose()?;
        let (all, dressed) = ((&daemon, &caller, &body.bytes), &dressed);
        let again = |configured: Arc<Configured>| async move {
            let (daemon, caller, body) = all;
            order(daemon, (caller, &configured), body).await.map(dressed)
        };
        accepted(&daemon, (configured, dressed(broadcast)), "/payload", again).await?
    };
    answer_in_time(&daemon, &handle, prefer).await
}

/// Goes on in the caller's trace.
pub(super) fn traced(broadcast: Broadcast, headers: &HeaderMap) -> Broadcast {
    let broadcast = broadcast.baggage(Baggage::extract(headers));
    match extract(headers) {
        Some(caller) => broadcast.continuing(caller),
        None => broadcast,
    }
}

/// Has it accepted. Where another configuration was taken over since the one that it was read by, it is read `again` by that
/// one. What is wrong with the payload is wrong at that place.
pub(super) async fn accepted<F>(
    daemon: &Daemon,
    (mut configured, mut broadcast): (Arc<Configured>, Broadcast),
    at: &str,
    again: impl Fn(Arc<Configured>) -> F,
) -> Result<BroadcastHandle, Problem>
where
    F: Future<Output = Result<Broadcast, Problem>>,
{
    loop {
        let refusal = match daemon.engine.send(broadcast).await {
            Ok(handle) => return Ok(handle),
            Err(refusal) => refusal,
        };
        let now = daemon.configured();
        if !matches!(refusal, AcceptError::Invalid { .. }) || Arc::ptr_eq(&now, &configured) {
            return Err(refused(refusal, at));
        }
        broadcast = again(now.clone()).await?;
        configured = now;
    }
}

/// The report where the verdict comes in time, else where it will be found.
pub(super) async fn answer_in_time(
    daemon: &Daemon,
    handle: &BroadcastHandle,
    prefer: Prefer,
) -> Answer {
    let (prefer, _turn) = daemon.turn_to_wait(prefer);
    let verdict = match prefer.wait {
        Some(wait) => timeout(wait, handle.verdict()).await.ok(),
        None => None,
    };
    let mut response = match verdict {
        Some(Ok(report)) if report.verdict.is_some() => report_of(&report),
        _ => {
            let accepted = listing::Accepted::new(handle.id());
            let location = HeaderValue::try_from(accepted.location.as_str());
            let mut response = json(StatusCode::ACCEPTED, &accepted);
            response.headers_mut().extend(location.map(|it| (header::LOCATION, it)));
            response
        }
    };
    response.headers_mut().extend(prefer.applied().map(|applied| (PREFERENCE_APPLIED, applied)));
    response.extensions_mut().insert(About(handle.id()));
    Ok(response)
}

fn report_of(report: &Report) -> Response {
    json(StatusCode::OK, &wire::Report::from(report))
}

/// `GET /v1/broadcasts/{id}`
pub(super) async fn view(
    State(daemon): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let handle = known(&daemon, &id).await?;
    let prefer = Prefer::of(&headers, daemon.limits.wait_max);
    let (prefer, _turn) = daemon.turn_to_wait(prefer);
    let mut query = Query::of(uri.query());
    let settled = query.take("until", "`verdict` or `settled`", |text| match text {
        "verdict" => Some(false),
        "settled" => Some(true),
        _ => None,
    });
    query.end("there is `until`")?;
    let wait = prefer.wait.unwrap_or(Duration::ZERO);
    let waiting = async {
        match settled {
            Some(true) => handle.settled().await,
            Some(false) | None => handle.verdict().await,
        }
    };
    let in_time = if wait.is_zero() { None } else { timeout(wait, waiting).await.ok() };
    let report = match in_time {
        Some(Ok(report)) => Some(report),
        _ => handle.report().await?,
    };
    let report = report.ok_or_else(|| Problem::no_such("broadcast", &id))?;
    let mut response = report_of(&report);
    response.headers_mut().extend(prefer.applied().map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

pub(super) async fn known(daemon: &Daemon, text: &str) -> Result<BroadcastHandle, Problem> {
    let handle = daemon.engine.handle(broadcast_id(text)?);
    match handle.report().await? {
        Some(_) => Ok(handle),
        None => Err(Problem::no_such("broadcast", text)),
    }
}

/// `GET /v1/broadcasts`
pub(super) async fn list(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Answer {
    let mut query = Query::of(uri.query());
    let mut filter = query.broadcasts();
    filter.routes = caller.routes();
    let before = query
        .take("cursor", "`next` of the page before", |text| text.parse().ok().map(BroadcastId));
    let count = query.limit(daemon.limits.page_max);
    query.end(
        "there are `route`, `target`, `state`, `verdict`, `from`, `until`, `limit` and `cursor`",
    )?;
    let mut found = daemon.engine.journal().broadcasts(&filter, before, count + 1).await?;
    let more = found.len() > count;
    found.truncate(count);
    let next = found.last().filter(|_| more).map(|last| last.id.to_string());
    let broadcasts = found.iter().map(listing::Summary::from).collect();
    Ok(json(StatusCode::OK, &listing::Broadcasts { broadcasts, next }))
}

/// `POST /v1/broadcasts/{id}/cancel`
pub(super) async fn cancel(
    State(daemon): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let handle = known(&daemon, &id).await?;
    handle.cancel().await?;
    let prefer = Prefer::of(&headers, daemon.limits.wait_max);
    answer_in_time(&daemon, &handle, prefer).await
}

/// `POST /v1/broadcasts/{id}/replay`
pub(super) async fn replay(
    State(daemon): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let prefer = Prefer::of(&headers, daemon.limits.wait_max);
    let body = daemon.bodies.read(&headers, body).await?.bytes;
    if !body.is_empty() {
        super::body::is_json(&headers)?;
    }
    let mut members = Members::of(&body)?;
    let named = members.take::<Vec<String>>("targets", "a list of names").unwrap_or_default();
    let kinds = &daemon.configured().kinds;
    let unknown = named.iter().enumerate().filter(|(_, name)| !kinds.contains_key(*name));
    let mistakes: Vec<_> = unknown
        .map(|(place, _)| Mistake::in_body(format!("/targets/{place}"), "is not a target"))
        .collect();
    members.mistakes.extend(mistakes);
    members.end("there is `targets`")?;
    let mut replay = Replay::new(broadcast_id(&id)?);
    replay = named.into_iter().map(TargetName::from).fold(replay, Replay::only);
    if let Some(caller) = extract(&headers) {
        replay = replay.continuing(caller);
    }
    let handle = daemon.engine.replay(replay).await?;
    answer_in_time(&daemon, &handle, prefer).await
}

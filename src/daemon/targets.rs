//! Routes and targets, and the levers of whoever operates them.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use fanfare_sdk::TargetName;
use http::StatusCode;

use super::{
    Daemon,
    callers::Caller,
    problem::Problem,
    router::{Answer, Shared, json},
};
use crate::{
    config::Route,
    engine::TargetStatus,
    wire::{
        Warning,
        listing::{self, Recipient},
    },
};

/// `GET /v1/routes`
pub(super) async fn routes(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
) -> Response {
    let configured = daemon.configured();
    let routes = configured.routes.iter().filter(|(name, _)| caller.reaches(Some(name)));
    let routes = routes.map(|(name, route)| told(name, route)).collect();
    json(StatusCode::OK, &listing::Routes { routes })
}

fn told(name: &str, route: &Route) -> listing::Route {
    let deadline = route.deadline.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
    let recipient = |it: &crate::config::RouteRecipient| Recipient {
        target: it.target.to_string(),
        required: it.required,
        conditional: it.when.is_some(),
    };
    listing::Route {
        name: name.to_owned(),
        to: route.recipients.iter().map(recipient).collect(),
        completion: route.completion,
        accept_substituted: route.accept_substituted,
        rest: route.rest,
        priority: route.priority,
        deadline_ms: deadline,
        notify: route.notify.as_ref().map(|notify| listing::Notify {
            target: notify.target.to_string(),
            on: notify.on.iter().collect(),
        }),
    }
}

/// `GET /v1/targets`
pub(super) async fn list(State(daemon): Shared, Extension(caller): Extension<Caller>) -> Answer {
    let configured = daemon.configured();
    // Whoever is bound to routes sees their recipients.
    let reached = caller.routes().map(|_| {
        let routes = configured.routes.iter().filter(|(name, _)| caller.reaches(Some(name)));
        let recipients = routes.flat_map(|(_, route)| &route.recipients);
        recipients.map(|it| it.target.as_str()).collect::<HashSet<_>>()
    });
    let open: HashMap<_, _> = daemon.engine.journal().serving().await?.into_iter().collect();
    let mut targets = Vec::new();
    for (name, kind) in configured.kinds.iter().chain(&configured.leaving) {
        if reached.as_ref().is_some_and(|reached| !reached.contains(name.as_str())) {
            continue;
        }
        if let Some(status) = daemon.engine.target_status(name).await {
            let open = open.get(&TargetName::from(name.as_str())).copied().unwrap_or(0);
            targets.push(target((name, kind), status, open));
        }
    }
    Ok(json(StatusCode::OK, &listing::Targets { targets }))
}

/// A target with `open` deliveries in the journal.
fn target((name, kind): (&str, &str), status: TargetStatus, open: u64) -> listing::Target {
    let state = match &status {
        TargetStatus { leaving: true, .. } => "leaving",
        TargetStatus { failed: true, .. } => "failed",
        TargetStatus { disabled: true, .. } => "disabled",
        TargetStatus { paused: true, .. } => "paused",
        _ => "ready",
    };
    let (attempts, attempts_failed) = status.attempts;
    let ms = |took: Duration| took.as_secs_f64() * 1_000.0;
    listing::Target {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: state.into(),
        open,
        at_gate: status.at_gate,
        in_flight: status.in_flight,
        breaker: status.breaker.code().into(),
        held_by: status.held_by.map(|why| why.code().into()),
        attempts,
        attempts_failed,
        p50_ms: status.took.map(|(p50, _)| ms(p50)),
        p99_ms: status.took.map(|(_, p99)| ms(p99)),
        warnings: status.warnings.into_iter().map(Warning::from).collect(),
        versions: status.versions.iter().map(listing::Version::from).collect(),
    }
}

/// `POST /v1/targets/{name}/pause`
pub(super) async fn pause(State(daemon): Shared, Path(name): Path<String>) -> Answer {
    is_there(&daemon, &name)?;
    pulled(daemon.engine.pause_target(&name).await?, &name)
}

/// `POST /v1/targets/{name}/resume`
pub(super) async fn resume(State(daemon): Shared, Path(name): Path<String>) -> Answer {
    is_there(&daemon, &name)?;
    pulled(daemon.engine.resume_target(&name).await?, &name)
}

/// `POST /v1/targets/{name}/revive`
pub(super) async fn revive(State(daemon): Shared, Path(name): Path<String>) -> Answer {
    is_there(&daemon, &name)?;
    daemon.engine.revive_target(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// One that was leaving may have gone meanwhile.
fn pulled(was_there: bool, name: &str) -> Answer {
    if !was_there {
        return Err(Problem::no_such("target", name));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn is_there(daemon: &Daemon, name: &str) -> Result<(), Problem> {
    if daemon.configured().has(name) { Ok(()) } else { Err(Problem::no_such("target", name)) }
}

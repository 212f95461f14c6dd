//! Whether it lives, and whether it can take anything.

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{
    callers::Caller,
    router::{Shared, json},
};
use crate::wire::{
    listing::{LastReload, Readiness},
    time,
};

/// `GET /healthz`: it answers, so it lives.
pub(super) async fn healthz() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// `GET /readyz`: 200 where broadcasts are accepted, else 503; with the reasons, but not for strangers.
pub(super) async fn readyz(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
) -> Response {
    let trouble = daemon.engine.journal().trouble();
    let draining = daemon.is_draining().then(|| "the daemon is ending".to_owned());
    let full = daemon.engine.usage().into_iter().find(|usage| {
        usage.target.is_none()
            && usage.used >= usage.max
            && usage.limit == crate::report::Limit::DeliveriesOpen
    });
    let full = full.map(|usage| format!("{} of {} deliveries are open", usage.used, usage.max));
    let mut reasons: Vec<_> = [trouble, draining, full].into_iter().flatten().collect();
    let ready = reasons.is_empty();
    if matches!(caller, Caller::Stranger) {
        reasons.clear();
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let last = daemon.last_reload().filter(|_| !matches!(caller, Caller::Stranger));
    let reload = last.map(|last| LastReload {
        at: time(last.at),
        refused: last.mistakes.is_some(),
        mistakes: last.mistakes.unwrap_or(0),
    });
    json(status, &Readiness { ready, reasons, reload })
}

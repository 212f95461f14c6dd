//! Whether it lives, and whether it can take anything.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::router::{Shared, json};
use crate::wire::listing::Readiness;

/// `GET /healthz`: it answers, so it lives.
pub(super) async fn healthz() -> Response {
    (StatusCode::OK, "ok\n").into_response()
}

/// `GET /readyz`: 200 where broadcasts are accepted, else 503; with the reasons.
pub(super) async fn readyz(State(daemon): Shared) -> Response {
    let trouble = daemon.engine.journal().trouble();
    let draining = daemon.is_draining().then(|| "the daemon is ending".to_owned());
    let full = daemon.engine.usage().into_iter().find(|usage| {
        usage.target.is_none()
            && usage.used >= usage.max
            && usage.limit == crate::report::Limit::DeliveriesOpen
    });
    let full = full.map(|usage| format!("{} of {} deliveries are open", usage.used, usage.max));
    let reasons: Vec<_> = [trouble, draining, full].into_iter().flatten().collect();
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &Readiness { ready, reasons })
}

//! Which path leads where.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use serde::Serialize;

use super::{
    Daemon, ProblemKind, broadcasts, cloud_events, dead_letters, guard, health, metrics,
    problem::Problem, targets,
};
use crate::report::BroadcastId;

/// What a handler is given first.
pub(super) type Shared = State<Arc<Daemon>>;

/// What a handler answers.
pub(super) type Answer = Result<Response, Problem>;

impl Daemon {
    /// All that it answers, for whoever serves it.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/v1/broadcasts", post(broadcasts::send).get(broadcasts::list))
            .route("/v1/broadcasts/{id}", get(broadcasts::view))
            .route("/v1/broadcasts/{id}/cancel", post(broadcasts::cancel))
            .route("/v1/broadcasts/{id}/replay", post(broadcasts::replay))
            .route("/v1/dead-letters", get(dead_letters::list))
            .route("/v1/dead-letters/replay", post(dead_letters::replay))
            .route("/v1/dead-letters/discard", post(dead_letters::discard))
            .route("/v1/routes", get(targets::routes))
            .route(
                "/v1/routes/{route}/events",
                post(cloud_events::receive).options(cloud_events::handshake),
            )
            .route("/v1/targets", get(targets::list))
            .route("/v1/targets/{name}/pause", post(targets::pause))
            .route("/v1/targets/{name}/resume", post(targets::resume))
            .route("/v1/targets/{name}/revive", post(targets::revive))
            .route("/healthz", get(health::healthz))
            .route("/readyz", get(health::readyz))
            .route("/metrics", get(metrics::metrics))
            .fallback(nothing)
            .method_not_allowed_fallback(not_so)
            .layer(middleware::from_fn(guard::own_callers_only))
            .with_state(self.clone())
    }
}

async fn nothing() -> Problem {
    Problem::new(ProblemKind::NotFound, "no path of this API leads there")
}

async fn not_so() -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, "the header `Allow` says what can be done there")
}

/// JSON with a status.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    (status, Json(value)).into_response()
}

/// The id in a path.
pub(super) fn broadcast_id(text: &str) -> Result<BroadcastId, Problem> {
    let id = text.parse().map(BroadcastId);
    id.map_err(|_| Problem::no_such("broadcast", text))
}

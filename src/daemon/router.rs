//! Which path leads where.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;

use super::{Daemon, ProblemKind, guard, openapi::operations, problem::Problem};
use crate::report::BroadcastId;

/// What a handler is given first.
pub(super) type Shared = State<Arc<Daemon>>;

/// What a handler answers.
pub(super) type Answer = Result<Response, Problem>;

impl Daemon {
    /// All that it answers, for whoever serves it.
    pub fn router(self: &Arc<Self>) -> Router {
        let all = operations().into_iter();
        all.fold(Router::new(), |router, it| router.route(it.path, it.handler))
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

//! Which path leads where.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::{
    Daemon, ProblemKind,
    door::{Declared, Paths},
    guard, log,
    openapi::operations,
    problem::Problem,
};
use crate::report::BroadcastId;

/// What a handler is given first.
pub(super) type Shared = State<Arc<Daemon>>;

/// What a handler answers.
pub(super) type Answer = Result<Response, Problem>;

impl Daemon {
    /// All that it answers, for whoever serves it.
    pub fn router(self: &Arc<Self>) -> Router {
        let router = self.declared().router;
        router
            .fallback(nothing)
            .method_not_allowed_fallback(not_so)
            .layer(middleware::from_fn_with_state(self.clone(), readable))
            .layer(middleware::from_fn_with_state(self.clone(), guard::own_callers_only))
            // Those that are kept out, too.
            .layer(middleware::from_fn_with_state(self.clone(), log::every_request))
            .with_state(self.clone())
    }

    /// Which paths there are, and what each of them needs.
    #[must_use]
    pub fn paths(self: &Arc<Self>) -> Vec<Declared> {
        self.declared().all
    }

    fn declared(self: &Arc<Self>) -> Paths {
        operations().into_iter().fold(Paths::of(self), Paths::and)
    }
}

async fn nothing(State(daemon): Shared, headers: HeaderMap) -> Problem {
    let none = || Problem::new(ProblemKind::NotFound, "no path of this API leads there");
    daemon.identify(&headers).map_or_else(|refused| refused, |_| none())
}

async fn not_so(State(daemon): Shared, headers: HeaderMap) -> Problem {
    let says = "the header `Allow` says what can be done there";
    let other = || Problem::new(ProblemKind::MethodNotAllowed, says);
    daemon.identify(&headers).map_or_else(|refused| refused, |_| other())
}

/// What is no text names nothing that there is.
async fn readable(daemon: Shared, request: Request, next: Next) -> Response {
    let path = percent_decode_str(request.uri().path()).decode_utf8();
    if path.is_err() {
        return nothing(daemon, request.headers().clone()).await.into_response();
    }
    next.run(request).await
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

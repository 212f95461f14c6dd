//! One line in the log for each request: what was asked and how it went, without what callers put in.

use std::sync::Arc;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::Method;

use super::{Daemon, callers::Caller};
use crate::{
    report::BroadcastId,
    telemetry::{Answered, extract},
};

/// In an answer: the broadcast that it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct About(pub(super) BroadcastId);

/// Tells of every request when it was answered.
pub(super) async fn every_request(
    State(daemon): State<Arc<Daemon>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = daemon.engine.now();
    let (method, caller) = (known(request.method()), extract(request.headers()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    Answered {
        method,
        route: route.as_ref().map(MatchedPath::as_str),
        status: response.status().as_u16(),
        took: daemon.engine.now().since(begun),
        caller,
        key: response.extensions().get::<Caller>().and_then(Caller::key_id),
        broadcast: response.extensions().get::<About>().map(|about| about.0),
    }
    .emit();
    response
}

/// A method that somebody has made up is not repeated.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

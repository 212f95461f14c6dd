//! `POST /v1/routes/{route}/events`, and the handshake of the webhook specification.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::event::{Event, Mode};
use crate::{
    daemon::{
        broadcasts::{accepted, answer_in_time, traced},
        callers::Caller,
        configured::Configured,
        keys,
        order::{Unfit, fitting},
        prefer::Prefer,
        problem::Problem,
        router::{Answer, Shared},
    },
    engine::Broadcast,
    telemetry::extract,
};

const ORIGIN: HeaderName = HeaderName::from_static("webhook-request-origin");
const ALLOWED_ORIGIN: HeaderName = HeaderName::from_static("webhook-allowed-origin");

/// `POST /v1/routes/{route}/events`
pub(in crate::daemon) async fn receive(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    Path(route): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let prefer = Prefer::of(&headers, daemon.limits.wait_max);
    let configured = daemon.configured();
    if !configured.routes.contains_key(&route) {
        return Err(Problem::no_such("route", &route));
    }
    let mode = Mode::of(&headers)?;
    let key = keys::key(&headers, daemon.limits.key_bytes_max);
    let handle = {
        let body = daemon.bodies.read(&headers, body).await?;
        let (name, head, bytes) = (route.clone(), headers.clone(), body.bytes.clone());
        let holds = configured.clone();
        let bytes_max = daemon.limits.metadata_bytes_max;
        let read = move || {
            let event = Event::read(mode, &head, &bytes, bytes_max)?;
            let broadcast = broadcast(&holds, &name, &event)?;
            Ok::<_, Problem>((event, broadcast))
        };
        let bytes = body.bytes.len();
        let read = daemon.worked_out(bytes, read).await?;
        let (key, (event, first)) = match (key, read) {
            (Ok(key), read) => (key, read?),
            (Err(mistake), Ok(_)) => return Err(Problem::invalid(vec![mistake])),
            (Err(mistake), Err(problem)) => return Err(problem.and(mistake)),
        };
        let key = key.unwrap_or_else(|| event.key(&route, daemon.limits.key_bytes_max));
        let key = caller.scoped(key);
        let creator = extract(&event.trace()).filter(|_| !headers.contains_key("traceparent"));
        let dressed = |broadcast| {
            let broadcast = traced(broadcast, &headers).idempotency_key(&key);
            match &creator {
                Some(creator) => broadcast.continuing(creator.clone()),
                None => broadcast,
            }
        };
        let _in_use = daemon.keys.take(&key)?;
        let event = Arc::new(event);
        let (daemon, dressed) = (&daemon, &dressed);
        let again = |configured: Arc<Configured>| {
            let (name, event) = (route.clone(), event.clone());
            let read = move || broadcast(&configured, &name, &event);
            async move { daemon.worked_out(bytes, read).await?.map(dressed) }
        };
        accepted(daemon, (configured, dressed(first)), event.data_at, again).await?
    };
    answer_in_time(&daemon, &handle, prefer).await
}

fn broadcast(configured: &Configured, name: &str, event: &Event) -> Result<Broadcast, Problem> {
    let route = configured.routes.get(name).ok_or_else(|| Problem::no_such("route", name))?;
    let broadcast = fitting((name, route), &event.payload, event.data_at);
    Ok(broadcast.map_err(Unfit::problem)?.metadata(event.metadata()))
}

/// `OPTIONS /v1/routes/{route}/events`: whoever wants to send events asks first (webhook specification, section 4). Who may
/// send is not a matter of origins here, so that each is told yes.
pub(in crate::daemon) async fn handshake(
    State(daemon): Shared,
    Path(route): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if !daemon.configured().routes.contains_key(&route) {
        return Err(Problem::no_such("route", &route));
    }
    let allow = [(header::ALLOW, HeaderValue::from_static("OPTIONS,POST"))];
    let mut response: Response = (StatusCode::NO_CONTENT, allow).into_response();
    if let Some(origin) = headers.get(ORIGIN) {
        response.headers_mut().insert(ALLOWED_ORIGIN, origin.clone());
    }
    Ok(response)
}

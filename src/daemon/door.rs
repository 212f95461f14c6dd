//! Lets callers in: no path can be declared without saying what it needs, and none is served without having it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Daemon, ProblemKind,
    callers::{Caller, InFlight, Scope},
    openapi::Operation,
    problem::Problem,
};
use crate::report::BroadcastId;

/// What a path needs of a caller, where callers need keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// Nothing: it tells nothing of anybody.
    Nothing,
    /// A key with that scope. To a key that is bound to routes nothing else is told, done and sent.
    Scope(Scope),
    /// The same, of a key that is not bound to routes: what is told or done concerns all of them.
    Whole(Scope),
}

/// A path of the API.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Declared {
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// What it needs.
    pub need: Need,
}

/// Paths, as they are declared.
pub(super) struct Paths {
    daemon: Arc<Daemon>,
    pub(super) router: Router<Arc<Daemon>>,
    pub(super) all: Vec<Declared>,
}

/// What stands before a path.
#[derive(Clone)]
struct Door {
    daemon: Arc<Daemon>,
    need: Need,
}

/// What a request takes until it is answered to the last byte.
#[derive(Debug)]
struct Turn {
    _in_flight: Option<InFlight>,
    _place: Option<OwnedSemaphorePermit>,
}

/// A body that keeps its turn.
struct Held {
    body: Body,
    _turn: Turn,
}

impl Paths {
    pub(super) fn of(daemon: &Arc<Daemon>) -> Self {
        Self { daemon: daemon.clone(), router: Router::new(), all: Vec::new() }
    }

    /// With that path: nobody gets past its door who does not have what it needs.
    pub(super) fn and(mut self, operation: Operation) -> Self {
        let Operation { method, path, need, handler, .. } = operation;
        let door = Door { daemon: self.daemon.clone(), need };
        let behind = handler.route_layer(middleware::from_fn_with_state(door, enter));
        self.router = self.router.route(path, behind);
        self.all.push(Declared { method, path, need });
        self
    }
}

async fn enter(
    State(door): State<Door>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request,
    next: Next,
) -> Response {
    let mut told = HeaderMap::new();
    let mut response = match door.open(&mut request, params, &mut told).await {
        Ok(turn) => {
            let caller = request.extensions().get::<Caller>().cloned();
            let response = next.run(request).await;
            let mut response = response.map(|body| Body::new(Held { body, _turn: turn }));
            // For the log.
            if let Some(caller) = caller {
                response.extensions_mut().insert(caller);
            }
            response
        }
        Err(problem) => problem.into_response(),
    };
    response.headers_mut().extend(told);
    response
}

impl Door {
    /// Finds out who it is, and whether he may; counts him.
    async fn open(
        &self,
        request: &mut Request,
        params: Result<RawPathParams, RawPathParamsRejection>,
        told: &mut HeaderMap,
    ) -> Result<Turn, Problem> {
        let (daemon, identified) = (&self.daemon, self.daemon.identify(request.headers()));
        let (scope, whole) = match self.need {
            // Whoever looks whether it lives is not counted, and never turned away.
            Need::Nothing => {
                request.extensions_mut().insert(identified.unwrap_or(Caller::Stranger));
                return Ok(Turn { _in_flight: None, _place: None });
            }
            Need::Scope(scope) => (scope, false),
            Need::Whole(scope) => (scope, true),
        };
        let caller = identified?;
        let in_flight = match &caller {
            Caller::Known(known) => Some(known.take(daemon.engine.now(), told)?),
            Caller::Anybody | Caller::Stranger => None,
        };
        caller.may(scope, whole)?;
        let place =
            daemon.requests.clone().try_acquire_owned().map_err(|_| {
                Problem::new(ProblemKind::Full, "too many requests are being answered")
            })?;
        self.concerns(&caller, params).await?;
        request.extensions_mut().insert(caller);
        Ok(Turn { _in_flight: in_flight, _place: Some(place) })
    }

    /// That what the path names is the caller's: of anything else nothing is known to him.
    async fn concerns(
        &self,
        caller: &Caller,
        params: Result<RawPathParams, RawPathParamsRejection>,
    ) -> Result<(), Problem> {
        if caller.routes().is_none() {
            return Ok(());
        }
        let none = || Problem::new(ProblemKind::NotFound, "no path of this API leads there");
        for (name, value) in &params.map_err(|_| none())? {
            match name {
                "id" => {
                    let unknown = || Problem::no_such("broadcast", value);
                    let id = value.parse().map(BroadcastId).map_err(|_| unknown())?;
                    let report = self.daemon.engine.handle(id).report().await?;
                    let reached = report.is_some_and(|it| caller.reaches(it.route.as_deref()));
                    reached.then_some(()).ok_or_else(unknown)?;
                }
                "route" => caller.may_send(Some(value))?,
                // Whatever else there is belongs to everybody, or to nobody.
                _ => return Err(none()),
            }
        }
        Ok(())
    }
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

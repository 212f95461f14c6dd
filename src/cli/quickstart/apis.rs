//! Three small HTTP APIs on loopback, each with one habit of real ones.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// Where `fanfare quickstart --serve` keeps them, and where the file looks for them.
pub(super) const PORTS: [u16; 3] = [4701, 4702, 4703];

/// Three APIs that are up until they are stopped or dropped.
#[derive(Debug)]
pub(super) struct Apis {
    /// `healthy`, `throttled`, `versioned`.
    addresses: [SocketAddr; 3],
    servers: JoinSet<()>,
}

impl Apis {
    /// Starts them on ports that are free.
    pub(super) async fn start() -> io::Result<Self> {
        Self::start_on([0; 3]).await
    }

    /// Starts them on those ports; fails when one of them is taken.
    pub(super) async fn start_on(ports: [u16; 3]) -> io::Result<Self> {
        let mut listeners = Vec::with_capacity(ports.len());
        let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 3];
        for (port, address) in ports.into_iter().zip(&mut addresses) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            *address = listener.local_addr()?;
            listeners.push(listener);
        }
        let mut servers = JoinSet::new();
        for (listener, api) in listeners.into_iter().zip([healthy(), throttled(), versioned()]) {
            servers.spawn(async move {
                // It ends only when it is aborted.
                drop(axum::serve(listener, api).await);
            });
        }
        Ok(Self { addresses, servers })
    }

    /// Accepts everything.
    pub(super) fn healthy(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Asks every other request to come again after a second.
    pub(super) fn throttled(&self) -> SocketAddr {
        self.addresses[1]
    }

    /// Speaks version 2, which is deprecated, and no longer version 3.
    pub(super) fn versioned(&self) -> SocketAddr {
        self.addresses[2]
    }

    /// Stops them, and gives their ports back.
    pub(super) async fn stop(mut self) {
        self.servers.shutdown().await;
    }
}

fn healthy() -> Router {
    let created = Arc::new(AtomicU64::new(0));
    Router::new().route(
        "/contacts",
        post(async move |Json(_contact): Json<Value>| {
            let id = created.fetch_add(1, Ordering::Relaxed) + 1;
            (StatusCode::CREATED, Json(json!({ "id": id })))
        }),
    )
}

/// By turns, so that whoever sends again sees the same again.
fn throttled() -> Router {
    let asked = Arc::new(AtomicU64::new(0));
    Router::new().route(
        "/contacts",
        post(async move |Json(_contact): Json<Value>| {
            if asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                let wait = HeaderValue::from_static("1");
                (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
            } else {
                (StatusCode::ACCEPTED, Json(json!({ "state": "queued" }))).into_response()
            }
        }),
    )
}

fn versioned() -> Router {
    Router::new().route("/v3/contacts", post(gone)).route("/v2/contacts", post(deprecated))
}

/// RFC 9457.
async fn gone() -> Response {
    let problem = json!({
        "title": "Version 3 is gone",
        "status": 410,
        "detail": "this API speaks version 2",
    });
    let content_type = HeaderValue::from_static("application/problem+json");
    (StatusCode::GONE, [(header::CONTENT_TYPE, content_type)], problem.to_string()).into_response()
}

/// RFC 9745 (`Deprecation`), RFC 8594 (`Sunset`), RFC 5829 (`successor-version`).
async fn deprecated(Json(_contact): Json<Value>) -> Response {
    let told = [
        ("deprecation", "@1767225600"),
        ("sunset", "Tue, 31 Dec 2030 23:59:59 GMT"),
        ("link", "</v4/contacts>; rel=\"successor-version\""),
    ];
    let told =
        told.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    let headers: HeaderMap = told.into_iter().collect();
    (headers, Json(json!({ "state": "stored" }))).into_response()
}

//! Keeps web pages out. Whoever can open a connection on loopback is trusted; a page in a browser on the same machine can,
//! too, and is not.

use axum::{extract::Request, middleware::Next, response::IntoResponse, response::Response};
use http::{HeaderMap, Uri, header};

use super::{ProblemKind, problem::Problem};

/// Only requests to a name of this machine (no rebound DNS name), and none that a page of another origin makes.
pub(super) async fn own_callers_only(request: Request, next: Next) -> Response {
    if !is_to_loopback(request.headers(), request.uri()) {
        let says = "the Host must be `localhost` or a loopback address";
        return Problem::new(ProblemKind::Forbidden, says).into_response();
    }
    if request.headers().contains_key(header::ORIGIN) {
        let says = "requests of web pages (with an Origin) are not answered";
        return Problem::new(ProblemKind::Forbidden, says).into_response();
    }
    next.run(request).await
}

fn is_to_loopback(headers: &HeaderMap, uri: &Uri) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = uri.authority().map(|it| it.as_str()).or(host) else { return false };
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

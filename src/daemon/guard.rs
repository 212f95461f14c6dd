//! Keeps web pages out. Without keys, whoever can open a connection on loopback is trusted; a page in a browser on the same
//! machine can, too, and is not. With keys, it is the key that counts, whatever name the daemon is called by; pages are still
//! not answered.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Uri, Version, header};

use super::{
    Daemon, ProblemKind,
    problem::{Mistake, Problem},
};

/// Only requests to a name of this machine (no rebound DNS name), and none that a page of another origin makes.
pub(super) async fn own_callers_only(
    State(daemon): State<Arc<Daemon>>,
    request: Request,
    next: Next,
) -> Response {
    if let Some(refused) = ambiguous(&request) {
        return closing(refused.into_response());
    }
    if !daemon.callers.need_keys() && !is_to_loopback(request.headers(), request.uri()) {
        let says = "the Host must be `localhost` or a loopback address";
        return Problem::new(ProblemKind::Forbidden, says).into_response();
    }
    if request.headers().contains_key(header::ORIGIN) {
        let says = "requests of web pages (with an Origin) are not answered";
        return Problem::new(ProblemKind::Forbidden, says).into_response();
    }
    // Something in front may have taken a length for the end that stood beside the chunks: what follows is nobody's request.
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let response = next.run(request).await;
    if is_chunked { closing(response) } else { response }
}

/// Nothing is read behind it on the same connection.
fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// For whom it is must be certain (RFC 9112, section 3.2).
fn ambiguous(request: &Request) -> Option<Problem> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let says = match (hosts, request.version()) {
        (1, _) | (0, Version::HTTP_10) => return None,
        (0, _) => "is missing",
        _ => "is given twice",
    };
    Some(Problem::invalid(vec![Mistake::in_header("Host", says)]))
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

//! `/openapi.json`.

use std::sync::OnceLock;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;

use super::openapi;

/// `GET /openapi.json`: made once.
pub(in crate::daemon) async fn serve() -> Response {
    static DOCUMENT: OnceLock<Bytes> = OnceLock::new();
    let bytes = DOCUMENT.get_or_init(|| openapi().to_string().into());
    ([(header::CONTENT_TYPE, "application/json")], bytes.clone()).into_response()
}

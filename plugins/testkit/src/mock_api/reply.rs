//! Writes one reply, in the wrong way where the script says so.

use std::io;

use http::{HeaderValue, Method, StatusCode, header};
use tokio::{io::AsyncWriteExt, time::sleep};

use super::{
    connection::{Next, Stream},
    request::{Head, asks_to_close},
};
use crate::script::CannedReply;

/// How much longer than it is a body is announced that is going to be cut.
const CUT_BYTES: usize = 1024;

pub(super) async fn write(
    stream: &mut Stream,
    head: &Head,
    canned: &CannedReply,
) -> io::Result<Next> {
    let mut bytes = reply_head(canned);
    let body: &[u8] = if head.method == Method::HEAD { b"" } else { &canned.body };
    if canned.trickle.is_zero() {
        bytes.extend_from_slice(body);
        stream.write_all(&bytes).await?;
    } else {
        stream.write_all(&bytes).await?;
        for byte in body {
            sleep(canned.trickle).await;
            stream.write_u8(*byte).await?;
        }
    }
    let close = canned.cut || asks_to_close(&canned.headers);
    let next = if close || !head.keep_alive { Next::Close } else { Next::Exchange };
    Ok(next)
}

fn reply_head(canned: &CannedReply) -> Vec<u8> {
    let status = canned.status;
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown")).into_bytes();
    for (name, value) in &canned.headers {
        push(&mut head, name.as_str(), value);
    }
    let framed = canned.headers.contains_key(header::CONTENT_LENGTH)
        || canned.headers.contains_key(header::TRANSFER_ENCODING);
    if !framed && !matches!(status, 100..=199 | 204 | 304) {
        let length = canned.body.len() + if canned.cut { CUT_BYTES } else { 0 };
        push(&mut head, "content-length", &HeaderValue::from(length));
    }
    head.extend_from_slice(b"\r\n");
    head
}

fn push(head: &mut Vec<u8>, name: &str, value: &HeaderValue) {
    for part in [name.as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
        head.extend_from_slice(part);
    }
}

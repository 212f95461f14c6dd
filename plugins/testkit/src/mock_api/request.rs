//! Reads one request, up to named limits.

use std::{io, str};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use super::connection::Stream;

/// Bytes of a request's head: more than any client sends that is not broken.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Bytes of a request's body: each is kept for inspection.
const BODY_BYTES_MAX: usize = 32 << 20;
/// Bytes of a line between the chunks of a body.
const CHUNK_LINE_BYTES_MAX: usize = 1 << 10;

#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// HTTP/1.1, and not asked to close.
    pub(super) keep_alive: bool,
}

/// Why there is no request.
#[derive(Debug)]
pub(super) enum Unreadable {
    Gone(io::Error),
    Malformed,
    HeadTooLarge,
    BodyTooLarge,
}

/// Why there is no line.
enum NoLine {
    Gone(io::Error),
    TooLong,
}

/// The head of the next request; none where the peer has closed.
pub(super) async fn head(stream: &mut Stream) -> Result<Option<Head>, Unreadable> {
    let mut left = HEAD_BYTES_MAX;
    let first = line(stream, left).await.map_err(too_large(Unreadable::HeadTooLarge))?;
    let Some(first) = first else { return Ok(None) };
    left -= first.len();
    let (method, uri, version) = parse_first(&first).ok_or(Unreadable::Malformed)?;
    let mut headers = HeaderMap::new();
    loop {
        let next = line(stream, left).await.map_err(too_large(Unreadable::HeadTooLarge))?;
        let next = next.ok_or(Unreadable::Malformed)?;
        left -= next.len();
        if next == b"\r\n" {
            break;
        }
        let (name, value) = parse_header(&next).ok_or(Unreadable::Malformed)?;
        headers.append(name, value);
    }
    let keep_alive = version == "HTTP/1.1" && !asks_to_close(&headers);
    Ok(Some(Head { method, uri, headers, keep_alive }))
}

/// The body of the request, asked for where the peer waits to be asked.
pub(super) async fn body(stream: &mut Stream, head: &Head) -> Result<Bytes, Unreadable> {
    if head.headers.contains_key(header::EXPECT) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    if head.headers.contains_key(header::TRANSFER_ENCODING) {
        return chunked(stream).await;
    }
    let Some(length) = head.headers.get(header::CONTENT_LENGTH) else { return Ok(Bytes::new()) };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    let mut body = Vec::new();
    append(stream, &mut body, length.ok_or(Unreadable::Malformed)?).await?;
    Ok(body.into())
}

async fn chunked(stream: &mut Stream) -> Result<Bytes, Unreadable> {
    let mut body = Vec::new();
    loop {
        let size = chunk_line(stream).await?;
        let size = size.split(|b| *b == b';').next().and_then(|hex| str::from_utf8(hex).ok());
        let size = size.and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok());
        let size = size.ok_or(Unreadable::Malformed)?;
        if size == 0 {
            break;
        }
        append(stream, &mut body, size).await?;
        chunk_line(stream).await?;
    }
    // Trailers are read and forgotten.
    while chunk_line(stream).await? != b"\r\n" {}
    Ok(body.into())
}

async fn append(stream: &mut Stream, body: &mut Vec<u8>, size: usize) -> Result<(), Unreadable> {
    let begin = body.len();
    let end = begin.saturating_add(size);
    if end > BODY_BYTES_MAX {
        return Err(Unreadable::BodyTooLarge);
    }
    body.resize(end, 0);
    stream.read_exact(&mut body[begin..]).await?;
    Ok(())
}

async fn chunk_line(stream: &mut Stream) -> Result<Vec<u8>, Unreadable> {
    let line = line(stream, CHUNK_LINE_BYTES_MAX).await;
    line.map_err(too_large(Unreadable::Malformed))?.ok_or(Unreadable::Malformed)
}

/// One line with its end; none where the peer has closed.
async fn line(stream: &mut Stream, bytes_max: usize) -> Result<Option<Vec<u8>>, NoLine> {
    let mut line = Vec::new();
    let max = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    stream.take(max).read_until(b'\n', &mut line).await.map_err(NoLine::Gone)?;
    match line.last() {
        Some(b'\n') => Ok(Some(line)),
        _ if line.len() == bytes_max => Err(NoLine::TooLong),
        Some(_) => Err(NoLine::Gone(io::ErrorKind::UnexpectedEof.into())),
        None => Ok(None),
    }
}

fn too_large(meant: Unreadable) -> impl FnOnce(NoLine) -> Unreadable {
    |error| match error {
        NoLine::Gone(error) => Unreadable::Gone(error),
        NoLine::TooLong => meant,
    }
}

fn parse_first(line: &[u8]) -> Option<(Method, Uri, &str)> {
    let mut words = str::from_utf8(line).ok()?.split_ascii_whitespace();
    let (method, uri) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some((method, uri, words.next()?))
}

fn parse_header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    Some((name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?))
}

pub(super) fn asks_to_close(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONNECTION);
    value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

// === impl Head ===

impl Head {
    /// All of the request, for whoever judges it.
    pub(super) fn request(&self, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// The host that was asked for, without its port.
    pub(super) fn host(&self) -> &str {
        let host = self.headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let host = host.unwrap_or("");
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }
}

// === impl Unreadable ===

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

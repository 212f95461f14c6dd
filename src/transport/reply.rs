//! What is kept of a reply: a copy of its own, and one allocation. What the client hands out are views into the read
//! buffer of the connection: whoever kept one would keep all of that, some thousand bytes for a reply of thirty.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use fanfare_sdk::{Coding, Progress, Reply, ReplyBody, ReplyHead};
use http::{HeaderValue, header};

use super::decode::{coding, decode};

/// Bytes that are taken for a body before they come: who announces more has to send it first.
const ANNOUNCED_MAX: usize = 16 << 10;

/// A reply that is being read.
#[derive(Debug)]
pub(super) struct Kept {
    head: ReplyHead,
    body_bytes_max: usize,
    // Invariant: the values of the headers in their order, then what was read of the body.
    bytes: BytesMut,
    body_at: usize,
}

/// A reply of which more may come. Whoever ends the attempt meanwhile finds in its progress what has come.
#[derive(Debug)]
pub(super) struct Coming<'p> {
    // Invariant: there until it is taken out.
    kept: Option<Kept>,
    progress: &'p Progress,
}

impl<'p> Coming<'p> {
    pub(super) fn new(kept: Kept, progress: &'p Progress) -> Self {
        Self { kept: Some(kept), progress }
    }

    /// Adds a part of the body. Says whether there is room for more.
    pub(super) fn push(&mut self, chunk: &[u8]) -> bool {
        self.kept.as_mut().is_some_and(|kept| kept.push(chunk))
    }

    /// The body has come to its end, or nothing more of it is wanted.
    pub(super) fn end(mut self, whole: bool) -> Reply {
        self.kept.take().map_or_else(Reply::default, |kept| kept.reply(whole))
    }
}

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.progress.cut(kept.reply(false));
        }
    }
}

impl Kept {
    /// Of a reply with this head and that much of its body. So many bytes of it are said to come.
    pub(super) fn new(head: ReplyHead, body_bytes_max: usize, announced: u64) -> Self {
        let headers = &head.headers;
        let body_at = headers.values().map(HeaderValue::len).sum();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        let body_bytes = announced.min(body_bytes_max).min(ANNOUNCED_MAX);
        let mut bytes = BytesMut::with_capacity(body_at + body_bytes);
        headers.values().for_each(|value| bytes.extend_from_slice(value.as_bytes()));
        Self { head, body_bytes_max, bytes, body_at }
    }

    /// Adds a part of the body. Says whether there is room for more.
    pub(super) fn push(&mut self, chunk: &[u8]) -> bool {
        let left = self.body_bytes_max - (self.bytes.len() - self.body_at);
        let fits = chunk.len() <= left;
        self.bytes.extend_from_slice(if fits { chunk } else { &chunk[..left] });
        fits
    }

    /// Nothing is kept of the body.
    pub(super) fn head(self) -> Reply {
        self.reply(true)
    }

    /// Whole, or there was more of the body, or there should have been.
    fn reply(mut self, whole: bool) -> Reply {
        let coding = coding(&self.head.headers);
        let bytes = self.bytes.freeze();
        let mut from = 0;
        for value in self.head.headers.values_mut() {
            let place = from..from + value.len();
            from = place.end;
            replace(value, &bytes, place);
        }
        let body = bytes.slice(self.body_at..);
        let body = match coding {
            Some(coding) if !body.is_empty() => {
                decoded((&mut self.head, coding), (body, whole), self.body_bytes_max)
            }
            Some(_) | None => reply_body(body, whole),
        };
        Reply { head: self.head, body }
    }
}

/// The body without its coding. What describes the coded one goes, too.
fn decoded(
    (head, coding): (&mut ReplyHead, Coding),
    (body, whole): (Bytes, bool),
    bytes_max: usize,
) -> ReplyBody {
    let decoded = decode(coding, &body, bytes_max);
    if decoded.bytes.is_empty() && !decoded.whole {
        // It is no such thing, or too little of it came.
        return reply_body(body, whole);
    }
    for name in [header::CONTENT_ENCODING, header::CONTENT_LENGTH] {
        head.headers.remove(name);
    }
    reply_body(decoded.bytes.into(), whole && decoded.whole)
}

fn reply_body(body: Bytes, whole: bool) -> ReplyBody {
    if whole { ReplyBody::whole(body) } else { ReplyBody::truncated(body) }
}

fn replace(value: &mut HeaderValue, bytes: &Bytes, place: Range<usize>) {
    // The same bytes were a value before: they are one again.
    if let Ok(mut copy) = HeaderValue::from_maybe_shared(bytes.slice(place)) {
        copy.set_sensitive(value.is_sensitive());
        *value = copy;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};

    use super::{Kept, ReplyHead};

    #[track_caller]
    fn check(chunks: &[&str], body_bytes_max: usize, expected: &str) {
        let read = Bytes::from("a: 1\r\nb: two\r\nb: \u{fc}\r\n");
        let mut headers = HeaderMap::new();
        for (name, place) in [("a", 3..4), ("b", 9..12), ("b", 17..19)] {
            headers.append(name, HeaderValue::from_maybe_shared(read.slice(place)).unwrap());
        }
        let mut kept = Kept::new(ReplyHead::http(200, headers.clone()), body_bytes_max, 5);
        let whole = chunks.iter().all(|chunk| kept.push(chunk.as_bytes()));
        let reply = kept.reply(whole);
        assert_eq!(reply.head.headers, headers);
        let within = |place: &[u8]| read.as_ptr_range().contains(&place.as_ptr());
        assert!(!reply.head.headers.values().any(|value| within(value.as_bytes())), "copied");
        let text = String::from_utf8_lossy(reply.body.bytes());
        let cut = if reply.body.is_truncated() { ", truncated" } else { "" };
        assert_eq!(format!("{text}{cut}"), expected);
    }

    #[test]
    fn a_reply_is_kept_as_it_came() {
        check(&[], 10, "");
        check(&["hello"], 10, "hello");
        check(&["hello", " you"], 10, "hello you");
        check(&["hello"], 5, "hello");
        check(&["hello", "you"], 5, "hello, truncated");
        check(&["hello", "you"], 6, "helloy, truncated");
        check(&["hello"], 0, ", truncated");
    }
}

//! What an API is to answer, and in which order: the same data for the mock API and the scripted transport.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// What becomes of one exchange.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub struct Scripted {
    pub(crate) after: Duration,
    pub(crate) ending: Ending,
}

/// What becomes of a list of exchanges. When the list is at its end, its last entry is played again and again,
/// or all of it from the beginning ([`Script::cycling`]). An empty script answers 200.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[must_use]
pub struct Script {
    replies: Vec<Scripted>,
    cycling: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    Refused,
    ResetBefore,
    ResetAfter,
    Hang,
    Garbage,
    Reply(CannedReply),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CannedReply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body was announced longer than it is.
    pub(crate) cut: bool,
    /// The pause before each byte of the body.
    pub(crate) trickle: Duration,
}

/// Scripts at work: one for everything, or one for each path or host.
#[derive(Debug)]
pub(crate) struct Player(Vec<Part>);

#[derive(Debug)]
struct Part {
    /// A path where it begins with `/`, else a host; none fits everything.
    key: Option<String>,
    script: Script,
    played: AtomicUsize,
}

// === impl Scripted ===

impl Scripted {
    /// A reply with an empty body.
    pub fn status(status: u16) -> Self {
        Self::reply(status, Bytes::new(), false)
    }

    /// A reply whose body breaks off after these bytes.
    pub fn cut(status: u16, bytes: impl Into<Bytes>) -> Self {
        Self::reply(status, bytes.into(), true)
    }

    /// The request is read and never answered.
    pub fn hang() -> Self {
        Self::ending(Ending::Hang)
    }

    /// The connection breaks before the body of the request is read.
    ///
    /// In memory nothing of the request has left then. On a socket nobody can know: its head has been read, and
    /// the client may have written all of it.
    pub fn reset_before() -> Self {
        Self::ending(Ending::ResetBefore)
    }

    /// The connection breaks once the request has been read: it may have been acted upon.
    pub fn reset_after() -> Self {
        Self::ending(Ending::ResetAfter)
    }

    /// No connection. In memory only: a mock API has accepted it already, and resets it.
    pub fn refused() -> Self {
        Self::ending(Ending::Refused)
    }

    /// The request is answered with something that is not HTTP.
    pub fn garbage() -> Self {
        Self::ending(Ending::Garbage)
    }

    /// With one more header; without effect where there is no reply.
    ///
    /// # Panics
    /// When the name or the value cannot stand in a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a script's header has a name");
        let value = HeaderValue::from_str(value).expect("a script's header has a value");
        self.edit(|reply| {
            reply.headers.append(name, value);
        })
    }

    /// With this body; without effect where there is no reply.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.edit(|reply| reply.body = body.into())
    }

    /// A pause before each byte of the body; without effect where there is no reply.
    pub fn trickle(self, pause: Duration) -> Self {
        self.edit(|reply| reply.trickle = pause)
    }

    /// A pause before it happens, after the request was read (or instead of it, where it is not).
    pub fn after(mut self, pause: Duration) -> Self {
        self.after = pause;
        self
    }

    /// What it is called in a message.
    pub(crate) fn name(&self) -> String {
        match &self.ending {
            Ending::Refused => "a refused connection".to_owned(),
            Ending::ResetBefore => "a reset before sending".to_owned(),
            Ending::ResetAfter => "a reset after sending".to_owned(),
            Ending::Hang => "silence".to_owned(),
            Ending::Garbage => "garbage".to_owned(),
            Ending::Reply(reply) => reply.status.to_string(),
        }
    }

    fn reply(status: u16, body: Bytes, cut: bool) -> Self {
        let (headers, trickle) = (HeaderMap::new(), Duration::ZERO);
        Self::ending(Ending::Reply(CannedReply { status, headers, body, cut, trickle }))
    }

    fn ending(ending: Ending) -> Self {
        Self { after: Duration::ZERO, ending }
    }

    fn edit(mut self, edit: impl FnOnce(&mut CannedReply)) -> Self {
        if let Ending::Reply(reply) = &mut self.ending {
            edit(reply);
        }
        self
    }
}

// === impl CannedReply ===

impl CannedReply {
    /// How long it takes to trickle the body.
    pub(crate) fn body_time(&self) -> Duration {
        self.trickle.saturating_mul(u32::try_from(self.body.len()).unwrap_or(u32::MAX))
    }
}

// === impl Script ===

impl Script {
    /// These, in this order; then the last of them for ever.
    pub fn new(replies: impl IntoIterator<Item = Scripted>) -> Self {
        Self { replies: replies.into_iter().collect(), cycling: false }
    }

    /// From the beginning again when it is at its end.
    pub fn cycling(mut self) -> Self {
        self.cycling = true;
        self
    }

    /// What becomes of an exchange, counted from 0.
    pub fn at(&self, exchange: usize) -> Scripted {
        let Some(last) = self.replies.len().checked_sub(1) else { return Scripted::status(200) };
        let index = if self.cycling { exchange % (last + 1) } else { exchange.min(last) };
        self.replies[index].clone()
    }
}

impl From<Scripted> for Script {
    fn from(reply: Scripted) -> Self {
        Self::new([reply])
    }
}

impl From<Vec<Scripted>> for Script {
    fn from(replies: Vec<Scripted>) -> Self {
        Self::new(replies)
    }
}

impl<const N: usize> From<[Scripted; N]> for Script {
    fn from(replies: [Scripted; N]) -> Self {
        Self::new(replies)
    }
}

// === impl Player ===

impl Player {
    pub(crate) fn of(script: Script) -> Self {
        Self(vec![Part { key: None, script, played: AtomicUsize::new(0) }])
    }

    pub(crate) fn routes<K: Into<String>, S: Into<Script>>(
        routes: impl IntoIterator<Item = (K, S)>,
    ) -> Self {
        let part = |(key, script): (K, S)| Part {
            key: Some(key.into()),
            script: script.into(),
            played: AtomicUsize::new(0),
        };
        Self(routes.into_iter().map(part).collect())
    }

    /// The next reply for the host and path; 501 where no script is for them.
    pub(crate) fn next(&self, host: &str, path: &str) -> Scripted {
        match self.0.iter().find(|part| part.fits(host, path)) {
            Some(part) => part.script.at(part.played.fetch_add(1, Ordering::Relaxed)),
            None => Scripted::status(501).body(format!("no script for {host}{path}")),
        }
    }
}

impl Part {
    fn fits(&self, host: &str, path: &str) -> bool {
        self.key.as_deref().is_none_or(|key| key == if key.starts_with('/') { path } else { host })
    }
}

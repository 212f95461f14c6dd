//! A stream of a daemon, read from where it was left: what was cut off comes back.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::sleep;

use super::client::{Client, Failed, Trouble};
use crate::transport::Stream;

/// The pause before a stream that was cut off is opened again; doubled up to the other one.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Bytes of one event. What is longer is no event of ours.
const EVENT_BYTES_MAX: usize = 256 << 10;

/// A stream of events, over as many connections as it takes.
pub(in crate::cli) struct Events {
    client: Client,
    path: String,
    open: Option<(Stream, Parser)>,
    /// The id of the last event.
    last: Option<String>,
    pause: Duration,
    /// It was open before: a daemon that does not answer now will answer again.
    was_open: bool,
    /// When it is opened again.
    waits: bool,
}

/// What comes of a stream.
#[derive(PartialEq, Eq, Debug)]
pub(in crate::cli) enum Came {
    /// It is open.
    Connected,
    /// An event.
    Event(Block),
    /// It was cut off, or cannot be opened again; it is tried again after that time.
    Lost(String, Duration),
    /// There is nothing more to come.
    Over,
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::cli) struct Block {
    pub(in crate::cli) kind: String,
    pub(in crate::cli) data: String,
}

/// What has come and is no whole event yet.
#[derive(Default)]
struct Parser {
    bytes: Vec<u8>,
    block: Block,
}

impl Events {
    pub(in crate::cli) fn new(client: Client, path: String) -> Self {
        Self { client, path, open: None, last: None, pause: AGAIN.0, was_open: false, waits: false }
    }

    /// Waits for what comes next.
    ///
    /// # Cancel safety
    /// Nothing that has come is lost: it can be asked again.
    pub(in crate::cli) async fn next(&mut self) -> Result<Came, Failed> {
        if self.open.is_none() {
            return self.connect().await;
        }
        loop {
            let Some((stream, parser)) = &mut self.open else { return Ok(Came::Over) };
            if let Some(block) = parser.next(&mut self.last) {
                self.pause = AGAIN.0;
                return Ok(Came::Event(block));
            }
            match stream.next().await {
                Ok(Some(bytes)) if parser.take(&bytes) => {}
                Ok(Some(_)) => return Ok(self.lost("an event is longer than it may be".to_owned())),
                Ok(None) => return Ok(self.lost("the daemon has ended the stream".to_owned())),
                Err(error) => return Ok(self.lost(error.says)),
            }
        }
    }

    async fn connect(&mut self) -> Result<Came, Failed> {
        if self.waits {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(AGAIN.1);
            self.waits = false;
        }
        match self.client.open(&self.path, self.last.as_deref()).await {
            Ok((StatusCode::NO_CONTENT, _)) => Ok(Came::Over),
            Ok((_, stream)) => {
                self.open = Some((stream, Parser::default()));
                self.was_open = true;
                Ok(Came::Connected)
            }
            Err(Trouble::MayBeRepeated((_, says))) if self.was_open => {
                Ok(self.lost(says.join("; ")))
            }
            Err(trouble) => Err(trouble.end()),
        }
    }

    fn lost(&mut self, says: String) -> Came {
        self.open = None;
        self.waits = true;
        Came::Lost(says, self.pause)
    }
}

impl Parser {
    /// Whether there is room for it.
    fn take(&mut self, bytes: &Bytes) -> bool {
        self.bytes.extend_from_slice(bytes);
        self.bytes.len() + self.block.data.len() <= EVENT_BYTES_MAX
    }

    /// The next whole event. Its id counts from here on, also where it has nothing else.
    fn next(&mut self, last: &mut Option<String>) -> Option<Block> {
        loop {
            let end = self.bytes.iter().position(|byte| *byte == b'\n')?;
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let block = std::mem::take(&mut self.block);
                if block.data.is_empty() {
                    continue;
                }
                return Some(block);
            }
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "id" => *last = Some(value.to_owned()),
                "event" => value.clone_into(&mut self.block.kind),
                "data" if self.block.data.is_empty() => value.clone_into(&mut self.block.data),
                "data" => self.block.data += &format!("\n{value}"),
                // A comment, or something that means nothing here.
                _ => {}
            }
        }
    }
}

#[cfg(test)]
proptest::proptest! {
    #[test]
    fn any_stream_is_read_the_same_however_it_is_cut(
        lines in proptest::collection::vec("(id|event|data|retry|)[:]? ?[ -~é\\x00]{0,9}(\r?\n|\r|\n\n)|\\PC{0,5}", 0..20),
        cuts in proptest::collection::vec(1_usize..20, 1..20),
    ) {
        let text = lines.concat();
        let read = |chunks: &mut dyn Iterator<Item = &[u8]>| {
            let (mut parser, mut last, mut all) = (Parser::default(), None, Vec::new());
            for chunk in chunks {
                assert!(parser.take(&Bytes::copy_from_slice(chunk)));
                all.extend(std::iter::from_fn(|| parser.next(&mut last)));
            }
            (all, last)
        };
        let whole = read(&mut std::iter::once(text.as_bytes()));
        let (mut rest, mut sizes) = (text.as_bytes(), cuts.iter().cycle());
        let mut chunks = std::iter::from_fn(|| {
            let size = rest.len().min(*sizes.next()?);
            let (chunk, left) = rest.split_at(size);
            rest = left;
            (!chunk.is_empty()).then_some(chunk)
        });
        proptest::prop_assert_eq!(read(&mut chunks), whole);
    }
}

#[test]
fn events_are_read_however_they_are_cut() {
    let text = "id: 1.0\nretry: 1000\n\n: alive\n\nevent: verdict\nid: 1.1\ndata: {\"a\":1}\n\n\
                event:gap\r\ndata:x\r\ndata:ü\r\n\r\nid: 1.2\n: alive\n\ndata: cut";
    let block = |kind: &str, data: &str| Block { kind: kind.to_owned(), data: data.to_owned() };
    for length in [1, 2, 3, 7, 1_000] {
        let (mut parser, mut last, mut all) = (Parser::default(), None, Vec::new());
        for chunk in text.as_bytes().chunks(length) {
            assert!(parser.take(&Bytes::copy_from_slice(chunk)));
            while let Some(block) = parser.next(&mut last) {
                all.push((block, last.clone().unwrap_or_default()));
            }
        }
        let expected = [(block("verdict", "{\"a\":1}"), "1.1"), (block("gap", "x\nü"), "1.1")];
        assert_eq!(all, expected.map(|(block, id)| (block, id.to_owned())), "by {length}");
        assert_eq!(last.as_deref(), Some("1.2"));
    }
    assert!(!Parser::default().take(&Bytes::from(vec![b'x'; EVENT_BYTES_MAX + 1])));
}

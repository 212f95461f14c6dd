//! A request's body that says when it is asked for: from then on the API may have acted.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use fanfare_sdk::Progress;
use http_body::{Body, Frame, SizeHint};

/// A request's body that says when it is asked for.
///
/// The client asks for it when it has a connection and has begun to write the head. Of an empty body it only asks
/// whether there is more, when the request is taken for the wire.
#[derive(Debug)]
pub(super) struct ProgressBody {
    bytes: Option<Bytes>,
    progress: Progress,
}

impl ProgressBody {
    pub(super) fn new(bytes: Bytes, progress: Progress) -> Self {
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), progress }
    }
}

impl Body for ProgressBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.sending();
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        // Asked when the request is taken for the wire; of an empty body nothing else is.
        if self.bytes.is_none() {
            self.progress.sending();
        }
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

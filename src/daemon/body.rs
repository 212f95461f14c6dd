//! Reads the body of a request: as much as is allowed, as long as is allowed, and no more at once than there is room for.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::{HeaderMap, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::{
    DaemonLimits, ProblemKind,
    problem::{Problem, short},
};

/// What bodies are counted in.
const UNIT: usize = 1 << 10;

/// Room for bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    room: std::sync::Arc<Semaphore>,
    limits: DaemonLimits,
}

/// A body, and the room that it takes until it is let go.
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Bodies {
    pub(super) fn new(limits: &DaemonLimits) -> Self {
        let units = (limits.bodies_bytes_max / UNIT).max(limits.body_bytes_max.div_ceil(UNIT));
        Self { room: Semaphore::new(units).into(), limits: limits.clone() }
    }

    /// The body of a request that is JSON.
    pub(super) async fn json(&self, headers: &HeaderMap, body: Body) -> Result<Read, Problem> {
        is_json(headers)?;
        self.read(headers, body).await
    }

    /// The body, whatever it is.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Read, Problem> {
        let bytes_max = self.limits.body_bytes_max;
        let told =
            headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
        let expected: usize = told.unwrap_or(bytes_max);
        let too_large = || {
            let says = format!("the body may have at most {bytes_max} bytes");
            Problem::new(ProblemKind::TooLarge, says)
        };
        if expected > bytes_max {
            return Err(too_large());
        }
        let units = u32::try_from(expected.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let read = async {
            let room = self.room.clone().acquire_many_owned(units).await;
            let bytes = all(body, bytes_max).await;
            (room, bytes)
        };
        let in_time = timeout(self.limits.body_timeout, read).await;
        let (Ok(room), bytes) = in_time.map_err(|_| {
            let says = format!("the body did not come within {:?}", self.limits.body_timeout);
            Problem::new(ProblemKind::RequestTimeout, says)
        })?
        else {
            return Err(Problem::new(ProblemKind::ShuttingDown, "nothing is read any more"));
        };
        match bytes {
            Ok(Some(bytes)) => Ok(Read { bytes, _room: room }),
            Ok(None) => Err(too_large()),
            Err(_) => {
                let says = "the body ends before it is complete";
                Err(Problem::new(ProblemKind::MalformedJson, says))
            }
        }
    }
}

/// All of a body; none where it is longer than that.
async fn all(body: Body, bytes_max: usize) -> Result<Option<Bytes>, axum::Error> {
    let mut pieces = body.into_data_stream();
    let mut all = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if all.len() + piece.len() > bytes_max {
            return Ok(None);
        }
        all.extend_from_slice(&piece);
    }
    Ok(Some(all.freeze()))
}

/// Whether it says that it is JSON, as it stands there.
pub(super) fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(found) = headers.get(header::CONTENT_ENCODING)
        && !found.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let found = short(found.to_str().unwrap_or_default());
        let says = format!("the Content-Encoding is `{found}`: send the body as it is");
        return Err(Problem::new(ProblemKind::UnsupportedMediaType, says));
    }
    let says = |found: &str| {
        let says = format!("the Content-Type is {found}, and must be `application/json`");
        Problem::new(ProblemKind::UnsupportedMediaType, says)
    };
    let Some(found) = headers.get(header::CONTENT_TYPE) else { return Err(says("missing")) };
    let text = found.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(says(&format!("`{}`", short(text))))
}

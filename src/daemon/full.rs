//! Turns connections away that there is no room for: at once, and without keeping them.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};

use super::task;

/// Those that are turned away and may still read that they are, at once; the others just end.
const LEAVING_MAX: usize = 256;

/// How long each of them may take.
const LEAVES_WITHIN: Duration = Duration::from_secs(1);

/// What they are told: as any other problem, but for the place where it is made.
const SAYS: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 5\r\n\
connection: close\r\ncontent-length: 154\r\n\r\n{\"type\":\"https://fanfare.dev/problems/full\",\"title\":\"A limit is reached\",\
\"status\":503,\"detail\":\"there are as many connections as there may be: ask again\"}";

/// Who is leaving.
#[derive(Debug)]
pub(super) struct Full(Arc<Semaphore>);

impl Full {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(LEAVING_MAX).into())
    }

    /// Says that there is no room, where that can be read by whoever is there, and ends it.
    pub(super) fn turn_away(&self, stream: TcpStream, speaks_http: bool) {
        // Nothing was written yet: as much has room, or he is gone.
        if !speaks_http || stream.try_write(SAYS.as_bytes()).is_err() {
            return;
        }
        let Ok(place) = self.0.clone().try_acquire_owned() else { return };
        task::spawn(async move {
            drop(timeout(LEAVES_WITHIN, leave(stream)).await);
            drop(place);
        });
    }
}

/// Reads what he has sent already: else the system breaks the connection before he has read what he is told.
async fn leave(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 1 << 10];
    // He ends it himself, since he is told to; or he is cut off.
    while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
}

#[cfg(test)]
mod tests {
    use super::SAYS;

    #[test]
    fn what_is_said_is_as_long_as_it_says() {
        let (head, body) = SAYS.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len()))
                || head.ends_with(&format!("content-length: {}", body.len())),
            "{}",
            body.len()
        );
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}

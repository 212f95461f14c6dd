//! The client of the daemon's own API.

use std::{error::Error, future::Future, path::Path, time::Duration};

use bytes::Bytes;
use reqwest::{Client, redirect::Policy};

use super::{
    TransportError,
    client::USER_AGENT,
    tls::{tls, tls_by},
};

/// How long nothing may come of a stream: a daemon says every 15 seconds that it lives.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How long a stream may last.
const STREAM_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Asks a daemon. Repeats nothing, follows nothing.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Client);

/// An answer that comes bit by bit.
#[derive(Debug)]
pub(crate) struct Stream(reqwest::Response);

/// No answer came.
#[derive(Debug)]
pub(crate) struct NoAnswer {
    /// The request may have arrived all the same.
    pub(crate) may_have_arrived: bool,
    /// Why, without the URL.
    pub(crate) says: String,
}

impl Caller {
    /// A client that waits that long for an answer, from whom these certificates vouch for; without them, the system's.
    ///
    /// # Errors
    /// When the certificates cannot be used.
    pub(crate) fn try_new(timeout: Duration, ca: Option<&Path>) -> Result<Self, TransportError> {
        let tls = ca.map_or_else(tls, tls_by)?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(USER_AGENT)
            .connect_timeout(Duration::from_secs(5))
            .timeout(timeout)
            .build();
        client.map(Self).map_err(|error| TransportError(error.without_url().to_string()))
    }

    /// Asks, and gives the whole answer, whatever its status is.
    pub(crate) async fn ask(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, NoAnswer> {
        let request = reqwest::Request::try_from(request).map_err(no_answer)?;
        let response = self.0.execute(request).await.map_err(no_answer)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = http::Response::new(response.bytes().await.map_err(no_answer)?);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }

    /// Asks for an answer that comes bit by bit, however long that takes; gives its status.
    pub(crate) async fn open(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<(http::StatusCode, Stream), NoAnswer> {
        let mut request = reqwest::Request::try_from(request).map_err(no_answer)?;
        *request.timeout_mut() = Some(STREAM_MAX);
        let answering = async { self.0.execute(request).await.map_err(no_answer) };
        let response = in_time(answering).await?;
        Ok((response.status(), Stream(response)))
    }
}

impl Stream {
    /// What comes next; none at its end.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be asked again.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, NoAnswer> {
        in_time(async { self.0.chunk().await.map_err(no_answer) }).await
    }

    /// All of it.
    pub(crate) async fn whole(self) -> Result<Bytes, NoAnswer> {
        in_time(async { self.0.bytes().await.map_err(no_answer) }).await
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, NoAnswer>>) -> Result<T, NoAnswer> {
    tokio::time::timeout(SILENCE_MAX, work).await.unwrap_or_else(|_| {
        let says = format!("nothing came for {} s", SILENCE_MAX.as_secs());
        Err(NoAnswer { may_have_arrived: true, says })
    })
}

fn no_answer(error: reqwest::Error) -> NoAnswer {
    let may_have_arrived = !error.is_connect() && !error.is_builder();
    let error = error.without_url();
    let mut root: &dyn Error = &error;
    while let Some(source) = root.source() {
        root = source;
    }
    NoAnswer { may_have_arrived, says: root.to_string() }
}

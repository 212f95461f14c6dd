//! The client of the daemon's own API.

use std::{error::Error, path::Path, time::Duration};

use bytes::Bytes;
use reqwest::{Client, redirect::Policy};

use super::{
    TransportError,
    client::USER_AGENT,
    tls::{tls, tls_by},
};

/// Asks a daemon. Repeats nothing, follows nothing.
#[derive(Clone, Debug)]
pub(crate) struct Caller(Client);

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
        let no_answer = |error: reqwest::Error| {
            let may_have_arrived = !error.is_connect() && !error.is_builder();
            let error = error.without_url();
            let mut root: &dyn Error = &error;
            while let Some(source) = root.source() {
                root = source;
            }
            NoAnswer { may_have_arrived, says: root.to_string() }
        };
        let request = reqwest::Request::try_from(request).map_err(no_answer)?;
        let response = self.0.execute(request).await.map_err(no_answer)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut answer = http::Response::new(response.bytes().await.map_err(no_answer)?);
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

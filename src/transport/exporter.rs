//! The client of the exporters: blocking, since they run on threads of their own.

use std::time::Duration;

use reqwest::{blocking::Client, redirect::Policy};

use super::{TransportError, client::USER_AGENT, tls::tls};

/// A client that takes that long at the most. Never to be called on a thread of a runtime.
///
/// # Errors
/// When the system's certificates cannot be used.
pub(crate) fn exporter_client(timeout: Duration) -> Result<Client, TransportError> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(USER_AGENT)
        .timeout(timeout)
        .build();
    client.map_err(|error| TransportError(error.without_url().to_string()))
}

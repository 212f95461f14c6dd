//! An HTTP API, described; and the adapter that makes a target of it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;

use crate::{
    ApiTarget, Attempt, Call, Classification, Delivered, Payload, PrepareError, Profile, Reply,
    SendError, SendErrorKind, Wire,
};

/// An HTTP API, described. No I/O, no clock, no randomness, no trait object in its arguments.
pub trait HttpApi: fmt::Debug + Send + Sync + 'static {
    /// What it declares. Read once.
    fn profile(&self) -> Profile {
        Profile::default()
    }

    /// The request of an attempt. The same call and payload always give the same request.
    ///
    /// # Errors
    /// When the payload or the settings do not make a request.
    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError>;

    /// What the reply means.
    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        Classification::by_status(call, reply)
    }

    /// The request that reverses a delivery; none where the API has no such thing.
    ///
    /// # Errors
    /// When what was kept of the delivery does not make a request.
    fn compensation(
        &self,
        _call: &Call,
        _delivered: &Delivered,
    ) -> Result<Option<Request<Bytes>>, PrepareError> {
        Ok(None)
    }

    /// A request without effect; none where the API has no such thing.
    ///
    /// # Errors
    /// When the settings do not make a request.
    fn probe(&self, _call: &Call) -> Result<Option<Request<Bytes>>, PrepareError> {
        Ok(None)
    }
}

/// The adapter: a description becomes a target.
#[derive(Debug)]
pub struct Http<A>(pub A);

impl<A: HttpApi> Http<A> {
    async fn run(
        request: Result<Option<Request<Bytes>>, PrepareError>,
        wire: &Wire,
    ) -> Result<Reply, SendError> {
        match request? {
            Some(request) => wire.send(request).await,
            None => Err(SendError::permanent(SendErrorKind::Unsupported)),
        }
    }
}

#[async_trait]
impl<A: HttpApi> ApiTarget for Http<A> {
    fn profile(&self) -> Profile {
        self.0.profile()
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        let request = self.0.request(&attempt.call, &attempt.payload)?;
        attempt.wire.send(request).await
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        self.0.classify(call, reply)
    }

    async fn compensate(&self, delivered: Delivered, attempt: Attempt) -> Result<Reply, SendError> {
        Self::run(self.0.compensation(&attempt.call, &delivered), &attempt.wire).await
    }

    async fn probe(&self, attempt: Attempt) -> Result<Reply, SendError> {
        Self::run(self.0.probe(&attempt.call), &attempt.wire).await
    }
}

//! Which attempt this is, and all that it may use.

use std::time::Duration;

use bytes::Bytes;

use crate::{Endpoint, IdempotencyKey, Payload, Progress, TargetName, Timestamp, Version, Wire};

/// Which attempt this is. Plain data: the same call always prepares the same request (time and nonce are in it).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The target's configured name.
    pub target: TargetName,
    /// The version to speak, where the target has versions.
    pub version: Option<Version>,
    /// Whether another version can still be tried when the API rejects this one.
    pub has_other_version: bool,
    /// The endpoint to call, where the target has endpoints.
    pub endpoint: Option<Endpoint>,
    /// Counts the attempts of a delivery, from 1.
    pub number: u32,
    /// One per (delivery, serving target, version): the same on every repeat.
    pub idempotency_key: IdempotencyKey,
    /// One per delivery, whoever serves it: `webhook-id`.
    pub delivery_id: IdempotencyKey,
    /// When the attempt began.
    pub now: Timestamp,
    /// Random bytes, new for every attempt; authorizers see others for each of its exchanges.
    pub nonce: [u8; 16],
    /// How long the attempt may take.
    pub time_left: Duration,
}

/// A delivery that succeeded, as far as a compensation needs it: also after a restart, so it is data.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The version that was spoken.
    pub version: Option<Version>,
    /// The endpoint that was called.
    pub endpoint: Option<Endpoint>,
    /// The key that the delivery was made with.
    pub idempotency_key: IdempotencyKey,
    /// What was captured of the reply.
    pub reply_body: Bytes,
}

/// One attempt, owned: it can be moved into tasks, and an `async fn` with it needs no lifetime.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Which attempt this is.
    pub call: Call,
    /// What to deliver.
    pub payload: Payload,
    /// To be told, by targets with a client of their own, when sending begins.
    pub progress: Progress,
    /// The engine's way out.
    pub wire: Wire,
}

impl Call {
    /// A first attempt without version and endpoint.
    #[must_use]
    pub fn new(
        target: TargetName,
        key: IdempotencyKey,
        now: Timestamp,
        time_left: Duration,
    ) -> Self {
        let delivery_id = key.clone();
        Self {
            target,
            version: None,
            has_other_version: false,
            endpoint: None,
            number: 1,
            idempotency_key: key,
            delivery_id,
            now,
            nonce: [0; 16],
            time_left,
        }
    }
}

impl Attempt {
    /// An attempt through the given way out, whose progress it shares.
    #[must_use]
    pub fn new(call: Call, payload: Payload, wire: Wire) -> Self {
        let progress = wire.progress().clone();
        Self { call, payload, progress, wire }
    }
}

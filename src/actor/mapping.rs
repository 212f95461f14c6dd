//! Where the mapper of a target runs: at once where it is quick, else on a thread of its own, of which a target has
//! only a few. One that has used them up waits for itself alone.

use std::{collections::BTreeMap, sync::Arc};

use fanfare_sdk::{Call, Classification, Judgement, Mapper, Payload, PrepareError, Reply};
use serde_json::Value;
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::replied::unjudged;

/// Bytes from which on a payload or a reply is mapped on a thread of its own.
const QUICK_BYTES_MAX: usize = 64 << 10;

/// Threads of one target.
const THREADS_MAX: usize = 4;

/// Where the mapper of a target runs.
#[derive(Debug)]
pub(super) struct Mapping(Arc<Semaphore>);

impl Default for Mapping {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(THREADS_MAX)))
    }
}

impl Mapping {
    /// The threads of the target, for what else takes time.
    pub(super) fn threads(&self) -> Arc<Semaphore> {
        self.0.clone()
    }

    /// What the target gets of a payload.
    pub(super) async fn map(
        &self,
        mapper: &Arc<dyn Mapper>,
        call: &Call,
        payload: &Payload,
    ) -> Result<Payload, PrepareError> {
        if payload.bytes().len() <= QUICK_BYTES_MAX && mapper.is_quick() {
            return mapper.map(call, payload);
        }
        let (mapper, call, payload) = (mapper.clone(), call.clone(), payload.clone());
        let mapped = Box::pin(self.aside(move || mapper.map(&call, &payload))).await;
        mapped.unwrap_or_else(|| Err(PrepareError("mapping the payload panicked".to_owned())))
    }

    /// What the report shows of a reply.
    pub(super) async fn capture(
        &self,
        mapper: &Arc<dyn Mapper>,
        reply: &Reply,
    ) -> BTreeMap<String, Value> {
        if reply.body.bytes().len() <= QUICK_BYTES_MAX && mapper.is_quick() {
            let capture = std::panic::AssertUnwindSafe(|| mapper.capture(reply));
            return std::panic::catch_unwind(capture).unwrap_or_default();
        }
        let (mapper, reply) = (mapper.clone(), reply.clone());
        Box::pin(self.aside(move || mapper.capture(&reply))).await.unwrap_or_default()
    }

    /// What the reply means by the target's rules; none where none of them fits.
    pub(super) async fn judge(
        &self,
        mapper: &Arc<dyn Mapper>,
        (call, reply): (&Call, &Reply),
        by_kind: Classification,
    ) -> Option<Judgement> {
        let panicked = || Some(unjudged("a rule panicked", by_kind));
        if reply.body.bytes().len() <= QUICK_BYTES_MAX && mapper.is_quick() {
            let judge = std::panic::AssertUnwindSafe(|| mapper.judge(call, reply, by_kind));
            return std::panic::catch_unwind(judge).unwrap_or_else(|_| panicked());
        }
        let (mapper, call, reply) = (mapper.clone(), call.clone(), reply.clone());
        let judged = Box::pin(self.aside(move || mapper.judge(&call, &reply, by_kind))).await;
        judged.unwrap_or_else(panicked)
    }

    /// Runs `work` on a thread of its own; none where it panicked. To be boxed: the attempts of all other targets would
    /// make room for it.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.clone().acquire_owned().await.ok()?;
        let run = spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        run.await.ok()
    }
}

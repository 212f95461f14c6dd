//! Where the mapper of a target runs: at once where that turns out to be quick, else on a thread of its own, of which a
//! target has only a few. One that has used them up waits for itself alone.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

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
        let bytes = payload.bytes().len();
        if let Some(mapped) = quickly(mapper, bytes, || mapper.map(call, payload)) {
            return mapped;
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
        let bytes = reply.body.bytes().len();
        let capture =
            || catch_unwind(AssertUnwindSafe(|| mapper.capture(reply))).unwrap_or_default();
        if let Some(captured) = quickly(mapper, bytes, capture) {
            return captured;
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
        let bytes = reply.body.bytes().len();
        let judge = || {
            let judge = AssertUnwindSafe(|| mapper.judge(call, reply, by_kind));
            catch_unwind(judge).unwrap_or_else(|_| panicked())
        };
        if let Some(judged) = quickly(mapper, bytes, judge) {
            return judged;
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

/// What `work` gives, which is about that many bytes; none where it takes a thread of its own.
fn quickly<T>(mapper: &Arc<dyn Mapper>, bytes: usize, work: impl Fn() -> T) -> Option<T> {
    if bytes > QUICK_BYTES_MAX {
        return None;
    }
    let mut done = None;
    if mapper.quickly(&mut || done = Some(work())) { done } else { None }
}

#[cfg(test)]
mod tests {
    use std::{sync::Mutex, thread, time::Duration};

    use fanfare_sdk::{Effect, Meaning, Timestamp};

    use super::{
        Arc, BTreeMap, Call, Classification, Judgement, Mapper, Mapping, Payload, PrepareError,
        QUICK_BYTES_MAX, Reply, Value,
    };

    /// Notes the threads that it works on, and whether others wait for it.
    #[derive(Debug)]
    struct Noting {
        is_quick: bool,
        at_once: Mutex<Vec<bool>>,
        here: thread::ThreadId,
    }

    impl Noting {
        fn note(&self) {
            self.at_once.lock().unwrap().push(thread::current().id() == self.here);
        }
    }

    impl Mapper for Noting {
        fn map(&self, _: &Call, payload: &Payload) -> Result<Payload, PrepareError> {
            self.note();
            Ok(payload.clone())
        }

        fn quickly(&self, work: &mut dyn FnMut()) -> bool {
            work();
            self.is_quick
        }

        fn judge(&self, _: &Call, _: &Reply, _: Classification) -> Option<Judgement> {
            self.note();
            None
        }

        fn capture(&self, _: &Reply) -> BTreeMap<String, Value> {
            self.note();
            BTreeMap::new()
        }
    }

    #[tokio::test]
    async fn what_is_not_quick_is_begun_anew_on_a_thread_of_its_own() {
        for (is_quick, bytes, each) in [
            (true, 10, vec![true]),
            (false, 10, vec![true, false]),
            (true, QUICK_BYTES_MAX + 1, vec![false]),
        ] {
            let here = thread::current().id();
            let noting = Arc::new(Noting { is_quick, at_once: Mutex::default(), here });
            let mapper: Arc<dyn Mapper> = noting.clone();
            let call = Call::new("a".into(), "key".into(), Timestamp::from_secs(0), Duration::ZERO);
            let reply = Reply::accepted(vec![b'1'; bytes]);
            let payload = Payload::new("application/json", vec![b'1'; bytes]);
            let by_kind = Classification::new(Meaning::Success, Effect::Applied);
            let mapping = Mapping::default();
            mapping.map(&mapper, &call, &payload).await.unwrap();
            mapping.judge(&mapper, (&call, &reply), by_kind).await;
            mapping.capture(&mapper, &reply).await;
            let at_once = noting.at_once.lock().unwrap().clone();
            assert_eq!(at_once, [each.clone(), each.clone(), each].concat(), "{is_quick}, {bytes}");
        }
    }
}

//! How much of what a key allows is being used: requests a second by the engine's own rate limit (GCRA), requests at once by
//! counting.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use fanfare_sdk::Timestamp;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{caller::Known, key::Key};
use crate::{
    daemon::{ProblemKind, problem::Problem},
    policy::gate::Bucket,
};

// draft-ietf-httpapi-ratelimit-headers.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Of one key. It takes no more memory however many requests are made.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Usage {
    bucket: Mutex<Bucket>,
    in_flight: AtomicU32,
}

/// One of the requests that may be made at once.
#[derive(Debug)]
pub(in crate::daemon) struct InFlight(Arc<Usage>);

/// What a caller is told of his rate.
#[derive(Clone, Copy, Debug)]
struct Left {
    requests: u32,
    /// Until all of them are there again.
    secs: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}

/// `RateLimit-Policy`: what a key allows.
pub(super) fn policy(key: &Key) -> Option<HeaderValue> {
    let Key { rate, in_flight, .. } = key;
    let text =
        format!("\"requests\";q={rate};w=1, \"at-once\";q={in_flight};qu=\"concurrent-requests\"");
    HeaderValue::try_from(text).ok()
}

impl Known {
    /// Counts a request, and gives the headers that its answer gets.
    pub(in crate::daemon) fn take(
        &self,
        now: Timestamp,
        headers: &mut HeaderMap,
    ) -> Result<InFlight, Problem> {
        let limit = &self.key.rate_limit;
        let (waits, left) = {
            let mut bucket = self.usage.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            let waits = bucket.not_before(limit, 1, now);
            if waits.is_none() {
                bucket.take(limit, 1, now);
            }
            let (requests, full_at) = bucket.left(limit, now);
            (waits, Left { requests, secs: ceil(full_at, now) })
        };
        headers.extend(self.policy.clone().map(|policy| (RATE_LIMIT_POLICY, policy)));
        headers.extend(left.field().map(|left| (RATE_LIMIT, left)));
        if let Some(at) = waits {
            let says = format!("the key allows {} requests a second", self.key.rate);
            return Err(Problem::new(ProblemKind::RateLimited, says).again_after(ceil(at, now)));
        }
        let max = self.key.in_flight;
        let one_more = |count: u32| (count < max).then(|| count + 1);
        match self.usage.in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(InFlight(self.usage.clone())),
            Err(_) => {
                let says = format!("the key allows {max} requests at once");
                Err(Problem::new(ProblemKind::RateLimited, says).again_after(1))
            }
        }
    }
}

impl Left {
    fn field(self) -> Option<HeaderValue> {
        let Self { requests, secs } = self;
        HeaderValue::try_from(format!("\"requests\";r={requests};t={secs}")).ok()
    }
}

/// Whole seconds until then, at least one.
fn ceil(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(at.since(now).as_micros().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}

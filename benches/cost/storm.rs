//! A hundred thousand deliveries whose repeats come due in the same second, in virtual time: how they are spread, and
//! whether any limit is passed.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare::{
    engine::{Broadcast, Engine, Limits, Target},
    policy::{
        Backoff, Retry,
        gate::{GatePolicy, RateLimit, RetryBudget},
    },
    report::Outcome,
};
use fanfare_http::HttpTarget;
use fanfare_sdk::{Exchange, Payload, Reply, SendError, Transport, async_trait};
use http::HeaderMap;

use super::{Line, process};

const DELIVERIES: usize = 100_000;
const TARGETS: usize = 20;
const CONCURRENCY: u32 = 50;
const PER_SECOND: u32 = 1_000;

/// All APIs: down for the first minute, and then up. An answer takes 10 ms.
#[derive(Debug)]
struct Apis {
    begun: tokio::time::Instant,
    in_flight: [AtomicUsize; TARGETS],
    most: AtomicUsize,
    /// Requests that came after the outage, by the second and the target.
    came: Mutex<HashMap<(u64, usize), u32>>,
}

#[async_trait]
impl Transport for Apis {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let host = exchange.request.uri().host().unwrap_or_default();
        let place: usize = host.trim_start_matches("api-").parse().unwrap_or(0);
        let now = self.begun.elapsed();
        let up = now >= Duration::from_secs(60);
        if up {
            let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
            *came.entry((now.as_secs(), place)).or_default() += 1;
        }
        exchange.progress.sending();
        let in_flight = self.in_flight[place].fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(in_flight, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.in_flight[place].fetch_sub(1, Ordering::Relaxed);
        let status = if up { 200 } else { 503 };
        exchange.progress.replied(status);
        Ok(Reply::http(status, HeaderMap::new(), "{}"))
    }
}

pub(crate) fn measure(share: usize) -> Result<Vec<Line>, Box<dyn Error>> {
    let count = DELIVERIES / share;
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().start_paused(true).build()?.block_on(async {
        let apis = Arc::new(Apis {
            begun: process::now(),
            in_flight: std::array::from_fn(|_| AtomicUsize::new(0)),
            most: AtomicUsize::new(0),
            came: Mutex::default(),
        });
        let mut limits = Limits::default();
        limits.in_flight_max = 500;
        let builder = Engine::builder().transport(apis.clone()).limits(limits);
        // Generous, so that it is the limits of each target that spread the storm.
        let mut builder = builder.retry_budget(RetryBudget::try_new(1.0, 10_000).ok());
        for place in 0..TARGETS {
            builder = builder.target(target(place)?);
        }
        let engine = builder.start().await?;
        let payload = Payload::new("application/json", "{}");
        let mut handles = Vec::new();
        for _ in 0..count / TARGETS {
            let names = (0..TARGETS).map(|place| format!("t{place}"));
            let broadcast = names.fold(Broadcast::new(payload.clone()), |all, name| all.to(name));
            handles.push(engine.send(broadcast).await?);
        }
        let mut delivered = 0;
        for handle in handles {
            let report = handle.settled().await?;
            let outcomes = report.deliveries.iter().filter_map(|it| it.outcome);
            delivered += outcomes.filter(|it| matches!(it, Outcome::Delivered { .. })).count();
        }
        let took = apis.begun.elapsed();
        engine.shutdown().await;
        let most = apis.most.load(Ordering::Relaxed);
        let came = apis.came.lock().unwrap_or_else(PoisonError::into_inner);
        let busiest = came.values().copied().max().unwrap_or(0);
        Ok(vec![
            Line {
                what: format!("{count} repeats come due at once: delivered"),
                seen: format!("{delivered}, after {:.0} s of virtual time", took.as_secs_f64()),
                budget: "all",
                within: delivered == count,
            },
            Line {
                what: "meanwhile, most requests in flight at one target".to_owned(),
                seen: most.to_string(),
                budget: "≤ 50, its `concurrency`",
                within: most <= CONCURRENCY as usize,
            },
            Line {
                what: "meanwhile, most requests at one target within a second".to_owned(),
                seen: busiest.to_string(),
                budget: "≤ 1,050, its `rate_limit` and a burst",
                within: busiest <= PER_SECOND + CONCURRENCY,
            },
        ])
    })
}

fn target(place: usize) -> Result<Target, Box<dyn Error>> {
    let api = HttpTarget::post(format!("http://api-{place}/"))?;
    // All of them are repeated in the second after the outage.
    let backoff = Backoff::constant(Duration::from_secs(61));
    let rate = RateLimit::try_new(PER_SECOND, Duration::from_secs(1), CONCURRENCY)?;
    Ok(Target::http(format!("t{place}"), api)
        .retry(Retry {
            backoff: backoff.with_jitter(fanfare::policy::Jitter::None),
            ..Retry::default()
        })
        .give_up_after(Duration::from_secs(3_600))
        .gate(GatePolicy {
            rate_limit: Some(rate),
            concurrency_max: CONCURRENCY,
            breaker: None,
            retry_budget: None,
            ..GatePolicy::default()
        }))
}

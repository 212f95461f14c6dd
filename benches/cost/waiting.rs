//! A hundred thousand deliveries that wait for a repeat, each after a 503 with twenty headers and 2 kB of body.

use std::{error::Error, sync::Arc, time::Duration};

use fanfare::{
    engine::{Broadcast, Engine, Target},
    policy::{Backoff, Retry, gate::GatePolicy},
};
use fanfare_http::HttpTarget;
use fanfare_sdk::{Exchange, Payload, Reply, SendError, Transport, async_trait};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Line, process, runtime};

const DELIVERIES: usize = 100_000;
const TARGETS: usize = 20;

/// How long it is watched while they wait.
const WATCHED: Duration = Duration::from_secs(3);

/// Refuses everything, at length.
#[derive(Debug)]
struct Refuses;

#[async_trait]
impl Transport for Refuses {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        exchange.progress.sending();
        exchange.progress.replied(503);
        let mut headers = HeaderMap::new();
        for number in 0..20 {
            let name = HeaderName::try_from(format!("x-header-{number}")).expect("it is a name");
            headers.insert(name, HeaderValue::from_static("thirty bytes of a header value"));
        }
        Ok(Reply::http(503, headers, vec![b'x'; 2_000]))
    }
}

pub(crate) fn measure(share: usize) -> Result<Vec<Line>, Box<dyn Error>> {
    let (count, runtime) = (DELIVERIES / share, runtime()?);
    runtime.block_on(async {
        let mut builder = Engine::builder().transport(Arc::new(Refuses));
        for place in 0..TARGETS {
            builder = builder.target(target(place)?);
        }
        let engine = builder.start().await?;
        let payload = Payload::new("application/json", vec![b'1'; 10_000]);
        let before = process::resident()?;
        for _ in 0..count / TARGETS {
            let broadcast = Broadcast::new(payload.clone());
            let names = (0..TARGETS).map(|place| format!("t{place}"));
            engine.send(names.fold(broadcast, |all, name| all.to(name))).await?;
        }
        let mut open = 0;
        while open < count {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let mut in_flight = 0;
            open = 0;
            for place in 0..TARGETS {
                let status = engine.target_status(&format!("t{place}")).await;
                let status = status.ok_or("the target is there")?;
                (open, in_flight) = (open + status.open, in_flight + status.in_flight);
            }
            if in_flight > 0 {
                open = 0;
            }
        }
        let each = (process::resident()? - before) / count;
        let (cpu, begun) = (process::cpu(), process::now());
        tokio::time::sleep(WATCHED).await;
        let spent = (process::cpu() - cpu).as_secs_f64() / begun.elapsed().as_secs_f64();
        engine.shutdown().await;
        Ok(vec![
            Line {
                what: format!("{count} deliveries wait after a 503: memory of each"),
                seen: format!("{each} bytes"),
                budget: "≤ 1,024 bytes",
                within: each <= 1_024,
            },
            Line {
                what: format!("{count} deliveries wait: CPU meanwhile"),
                seen: format!("{:.2} % of a core", spent * 100.0),
                budget: "≈ 0",
                within: spent < 0.01,
            },
        ])
    })
}

fn target(place: usize) -> Result<Target, Box<dyn Error>> {
    let api = HttpTarget::post(format!("http://api-{place}.example/"))?;
    let backoff = Backoff::constant(Duration::from_secs(3_600));
    let target = Target::http(format!("t{place}"), api)
        .retry(Retry { backoff, ..Retry::default() })
        .give_up_after(Duration::from_secs(100_000))
        .gate(GatePolicy { breaker: None, ..GatePolicy::default() });
    Ok(target)
}

//! Ours: an engine with default settings and ten targets.

use std::{
    error::Error,
    io::{self, Write as _},
    time::Duration,
};

use fanfare::{
    engine::{Broadcast, Engine, Target},
    report::Outcome,
};
use fanfare_http::HttpTarget;
use fanfare_sdk::{ApiTarget, Attempt, Payload, Reply, SendError, async_trait};
use tokio::time::Instant;

use super::{
    ill::Ill,
    load::{Load, SOON, Sent},
    server::{HEALTHY, Server},
};

/// An engine whose tenth target is ill.
#[derive(Debug)]
pub(crate) struct Ours(Engine);

/// What it says.
const WORDS: &str = "as it does";

/// A plugin that panics whenever it is asked to send.
#[derive(Debug)]
struct Panics;

#[async_trait]
impl ApiTarget for Panics {
    async fn send(&self, _: Attempt) -> Result<Reply, SendError> {
        std::panic::panic_any(WORDS)
    }
}

impl Ours {
    pub(crate) async fn start(server: &Server, ill: Ill) -> Result<Self, Box<dyn Error>> {
        if ill == Ill::Panics {
            // What it says for itself is not what is measured.
            std::panic::set_hook(Box::new(|panic| {
                if panic.payload().downcast_ref::<&str>() != Some(&WORDS) {
                    drop(writeln!(io::stderr(), "{panic}"));
                }
            }));
        }
        let mut builder = Engine::builder();
        for (place, url) in server.urls(ill).iter().enumerate() {
            let name = format!("t{place}");
            builder = builder.target(match ill {
                Ill::Panics if place == HEALTHY => Target::new(name, Panics),
                _ => Target::http(name, HttpTarget::post(url)?),
            });
        }
        Ok(Self(builder.start().await?))
    }
}

#[async_trait]
impl Load for Ours {
    async fn send(&self) -> Sent {
        let broadcast = Broadcast::new(Payload::new("application/json", "{\"hello\":\"world\"}"));
        let broadcast = (0..HEALTHY).fold(broadcast, |all, place| all.to(format!("t{place}")));
        let broadcast = broadcast.optional(format!("t{HEALTHY}"));
        let sent = self.0.send(broadcast).await.expect("it is accepted");
        // The verdict is about those that are required: the nine.
        let verdict = tokio::time::timeout(Duration::from_secs(30), sent.verdict()).await;
        let report = verdict.expect("nine are well").expect("it is known");
        let took = |delivery: &fanfare::report::Delivery| {
            assert!(matches!(delivery.outcome, Some(Outcome::Delivered { .. })), "{delivery:?}");
            delivery.settled_at.map(|at| at.since(report.accepted_at))
        };
        let healthy: Vec<_> = report.deliveries[..HEALTHY].iter().filter_map(took).collect();
        let verdict = report.verdict.map(|verdict| verdict.at.since(report.accepted_at));
        Sent { healthy, lost: 0, known_soon: verdict.is_some_and(|took| took <= SOON) }
    }

    async fn end(self: Box<Self>) {
        self.0.shutdown().await;
    }
}

/// Now, for those who measure by hand.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

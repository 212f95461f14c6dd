//! The load: a broadcast every two milliseconds, whether or not those before it have been answered.

use std::time::Duration;

use fanfare_sdk::async_trait;
use tokio::{task::JoinSet, time::MissedTickBehavior};

/// Between two broadcasts. Ten targets make 5,000 requests a second of it, some fifth of what two cores can do.
const EVERY: Duration = Duration::from_millis(2);

/// Broadcasts of one period.
const BROADCASTS: usize = 250;

/// After that long, whoever has sent a broadcast wants to know of the nine.
pub(crate) const SOON: Duration = Duration::from_millis(100);

/// Sends broadcasts to ten targets.
#[async_trait]
pub(crate) trait Load: Send + Sync {
    /// Sends one; how long each of the nine healthy ones took, and whether the sender knew of all nine
    /// [soon](SOON).
    async fn send(&self) -> Sent;

    /// Ends what still goes on.
    async fn end(self: Box<Self>);
}

/// What came of one broadcast.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    /// From the sending to the answer, of each of the healthy ones.
    pub(crate) healthy: Vec<Duration>,
    /// Requests to the healthy ones that failed.
    pub(crate) lost: usize,
    /// Whether the sender knew of all of them soon.
    pub(crate) known_soon: bool,
}

/// What came of all broadcasts of a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    /// Of the nine, in microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Requests to the nine that failed.
    pub(crate) lost: usize,
    /// The share of broadcasts whose sender knew of the nine soon.
    pub(crate) known_soon: f64,
}

/// Sends for a while.
pub(crate) async fn period(load: &dyn Load) -> Period {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = Vec::with_capacity(BROADCASTS);
    // Scoped by this future: all of them are polled here, beside the ticks.
    let mut waiting = futures_util::stream::FuturesUnordered::new();
    let mut left = BROADCASTS;
    while left > 0 || !waiting.is_empty() {
        tokio::select! {
            _ = ticks.tick(), if left > 0 => {
                left -= 1;
                waiting.push(load.send());
            }
            Some(one) = futures_util::StreamExt::next(&mut waiting), if !waiting.is_empty() => {
                sent.push(one);
            }
        }
    }
    let known = sent.iter().filter(|one: &&Sent| one.known_soon).count();
    let mut micros: Vec<f64> =
        sent.iter().flat_map(|one| &one.healthy).map(|took| took.as_secs_f64() * 1e6).collect();
    micros.sort_by(f64::total_cmp);
    let at = |share: usize| micros.get(micros.len() * share / 100).copied().unwrap_or(f64::NAN);
    #[expect(clippy::cast_precision_loss, reason = "some hundred")]
    let known_soon = known as f64 / sent.len().max(1) as f64;
    let lost = sent.iter().map(|one| one.lost).sum();
    Period { p50: at(50), p99: at(99), lost, known_soon }
}

/// Tasks that go on after their sender has stopped waiting for them.
pub(crate) type Tasks = tokio::sync::Mutex<JoinSet<()>>;

//! Many seeds, on all cores: each one is played on a thread of its own runtime.

use std::{
    fmt::{self, Write as _},
    num::NonZero,
    ops::Range,
    panic::catch_unwind,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{promises::broken, run::Played, scenario::Scenario};

/// Lines of broken promises that are told.
const BROKEN_MAX: usize = 20;

/// How much was played.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Count {
    pub(crate) seeds: u64,
    pub(crate) broadcasts: u64,
    pub(crate) deliveries: u64,
    pub(crate) requests: u64,
}

/// Plays one seed.
///
/// # Errors
/// What is broken, and how it is played again.
pub(crate) fn play(seed: u64, broadcasts: usize) -> Result<Count, String> {
    let again = format!(
        "play it again: cargo run --release --example simulate -- --seed {seed} --broadcasts {broadcasts} --trace"
    );
    let played = catch_unwind(|| {
        let scenario = Scenario::draw(seed, broadcasts);
        let played = scenario.play();
        (told(&scenario, &played), count(&played))
    });
    match played {
        Ok((None, count)) => Ok(count),
        Ok((Some(told), _)) => Err(format!("seed {seed} breaks promises:\n{told}{again}\n")),
        Err(_) => Err(format!("seed {seed} panics\n{again}\n")),
    }
}

/// Plays one seed, and gives all that was drawn, written, sent and told.
pub(crate) fn trace(seed: u64, broadcasts: usize) -> String {
    let scenario = Scenario::draw(seed, broadcasts);
    let played = scenario.play();
    let told = told(&scenario, &played).unwrap_or_default();
    format!("{scenario:#?}\n{}{told}", trace_of(&played))
}

/// Plays many, and tells of each one as it ends.
pub(crate) fn play_all(
    seeds: Range<u64>,
    broadcasts: usize,
    tell: impl FnMut(Result<Count, String>) + Send,
) {
    let (next, tell) = (AtomicU64::new(seeds.start), Mutex::new(tell));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let played = play(seed, broadcasts);
            tell.lock().unwrap_or_else(PoisonError::into_inner)(played);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(work);
        }
    });
}

/// What is broken, in lines; none where nothing is.
pub(super) fn told(scenario: &Scenario, played: &Played) -> Option<String> {
    let broken = broken(scenario, played);
    let mut lines = String::new();
    for it in broken.iter().take(BROKEN_MAX) {
        writeln!(lines, "  {}: {}", it.promise, it.what).unwrap();
    }
    if broken.len() > BROKEN_MAX {
        writeln!(lines, "  and {} more", broken.len() - BROKEN_MAX).unwrap();
    }
    (!broken.is_empty()).then_some(lines)
}

/// All that was done, written, sent and told, as text.
fn trace_of(played: &Played) -> String {
    let mut trace = String::new();
    for fact in &played.facts {
        writeln!(trace, "{:?} {:?}", fact.at, fact.what).unwrap();
    }
    for request in &played.world.diary().requests {
        writeln!(trace, "{request:?}").unwrap();
    }
    for report in &played.reports {
        writeln!(trace, "{report:?}").unwrap();
    }
    trace
}

fn count(played: &Played) -> Count {
    let deliveries = |it: &fanfare::report::Report| it.deliveries.len();
    Count {
        seeds: 1,
        broadcasts: played.reports.len() as u64,
        deliveries: played.reports.iter().map(deliveries).sum::<usize>() as u64,
        requests: played.world.diary().requests.len() as u64,
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seeds, broadcasts, deliveries, requests } = self;
        write!(
            f,
            "{seeds} seeds hold: {broadcasts} broadcasts, {deliveries} deliveries, {requests} requests"
        )
    }
}

impl Count {
    /// Counts another one in.
    pub(crate) fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.broadcasts += other.broadcasts;
        self.deliveries += other.deliveries;
        self.requests += other.requests;
    }
}

//! One seed, played: an engine, its targets, its broadcasts, and what is done to them.

use std::{num::NonZero, sync::Arc, time::Duration};

use fanfare::{
    engine::{Broadcast, BroadcastHandle, Clock, Engine, Entropy, Target},
    policy::{
        Backoff, Hedge, Jitter, Retry,
        gate::{BreakerPolicy, GatePolicy, RateLimit},
    },
    report::{Completion, Report, Rest},
};
use fanfare_sdk::{Fallback, Repeat, Timestamp};

use super::{
    api::{SimApi, SimAuth, VICES, Vice},
    journal::SimJournal,
    world::World,
};

/// Longer than any delivery lives: whoever waits this long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// What is played.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) targets: Vec<SimTarget>,
    pub(super) broadcasts: Vec<SimBroadcast>,
    pub(super) world_faults: u64,
    pub(super) journal_faults: u64,
    /// When which target's actor is killed; past the last target, the coordinators.
    pub(super) kills: Vec<(Duration, usize)>,
    /// When which target is replaced by another one like it.
    pub(super) replacements: Vec<(Duration, usize)>,
    pub(super) shutdown: Option<Duration>,
}

#[derive(Clone, Debug)]
pub(super) struct SimTarget {
    pub(super) name: String,
    pub(super) api: SimApi,
    pub(super) auth: bool,
    pub(super) stand_in: Option<String>,
    pub(super) concurrency_max: u32,
    pub(super) rate_limited: bool,
    pub(super) breaker: bool,
    pub(super) attempts_max: u32,
    pub(super) hedge: Option<Hedge>,
    pub(super) give_up_after: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct SimBroadcast {
    pub(super) at: Duration,
    pub(super) to: Vec<(usize, bool)>,
    pub(super) completion: Completion,
    pub(super) rest: Rest,
    pub(super) deadline: Option<Duration>,
    pub(super) cancel_after: Option<Duration>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) reports: Vec<Report>,
    pub(super) world: Arc<World>,
    pub(super) journal: Arc<SimJournal>,
    pub(super) permits: u32,
    pub(super) open: usize,
}

impl Scenario {
    /// Everything is drawn from the seed.
    pub(super) fn draw(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let count = rng.usize(2..=5);
        let targets: Vec<_> =
            (0..count).map(|place| SimTarget::draw(&mut rng, seed, place, count)).collect();
        let broadcasts =
            (0..rng.usize(8..24)).map(|_| SimBroadcast::draw(&mut rng, count)).collect();
        let kill = |rng: &mut fastrand::Rng| (millis(rng, 0..9_000), rng.usize(0..=count));
        Self {
            seed,
            targets,
            broadcasts,
            world_faults: rng.u64(0..60),
            journal_faults: if rng.bool() { rng.u64(0..15) } else { 0 },
            kills: (0..rng.usize(0..8)).map(|_| kill(&mut rng)).collect(),
            replacements: (0..rng.usize(0..4))
                .map(|_| (millis(&mut rng, 0..9_000), rng.usize(0..count)))
                .collect(),
            shutdown: (rng.u8(0..4) == 0).then(|| millis(&mut rng, 500..6_000)),
        }
    }

    /// Plays it on a paused clock, on a runtime of its own.
    pub(super) fn play(&self) -> Played {
        self.play_with(|_, _| ())
    }

    /// The same, with something done to the engine before it begins.
    pub(super) fn play_with(&self, prepare: impl FnOnce(&Engine, &Arc<SimJournal>)) -> Played {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(self.run(prepare))
    }

    async fn run(&self, prepare: impl FnOnce(&Engine, &Arc<SimJournal>)) -> Played {
        let world = Arc::new(World::new(self.seed, self.world_faults));
        let journal = SimJournal::new(self.seed, self.journal_faults);
        let mut builder = Engine::builder()
            .transport(world.clone())
            .journal(journal.clone())
            .clock(Clock::starting_at(Timestamp::from_secs(1_767_225_600)))
            .entropy(Entropy::seeded(self.seed))
            .coordinators(NonZero::new(2).unwrap());
        for target in &self.targets {
            builder = builder.target(target.build());
        }
        let engine = builder.start().await.unwrap();
        prepare(&engine, &journal);
        let handles = self.drive(&engine).await;
        let mut reports = Vec::new();
        for handle in &handles {
            let report = match tokio::time::timeout(FOR_EVER, handle.settled()).await {
                Ok(report) => report.unwrap(),
                Err(_) => panic!(
                    "seed {}: {} never settles: {:#?}",
                    self.seed,
                    handle.id(),
                    handle.report().await
                ),
            };
            reports.push(report);
        }
        let (mut permits, mut open) = (0, 0);
        for target in &self.targets {
            let status = engine.target_status(&target.name).await.unwrap();
            permits += status.permits;
            open += status.open;
        }
        engine.shutdown().await;
        Played { reports, world, journal, permits, open }
    }

    /// Sends, cancels, kills and shuts down, all at their times.
    async fn drive(&self, engine: &Engine) -> Vec<BroadcastHandle> {
        let mut todo: Vec<(Duration, Todo)> = Vec::new();
        todo.extend(self.broadcasts.iter().enumerate().map(|(place, b)| (b.at, Todo::Send(place))));
        todo.extend(self.kills.iter().map(|(at, target)| (*at, Todo::Kill(*target))));
        let replace = |(at, target): &(Duration, usize)| (*at, Todo::Replace(*target));
        todo.extend(self.replacements.iter().map(replace));
        todo.extend(self.shutdown.map(|at| (at, Todo::Shutdown)));
        let cancel = |(place, b): (usize, &SimBroadcast)| {
            Some((b.at + b.cancel_after?, Todo::Cancel(place)))
        };
        todo.extend(self.broadcasts.iter().enumerate().filter_map(cancel));
        todo.sort_by_key(|(at, _)| *at);
        let (mut handles, mut by_place) = (Vec::new(), vec![None; self.broadcasts.len()]);
        let mut now = Duration::ZERO;
        for (at, what) in todo {
            tokio::time::sleep(at - now).await;
            now = at;
            match what {
                Todo::Send(place) => {
                    // After a shutdown nothing is accepted.
                    if let Ok(handle) = engine.send(self.broadcast(place)).await {
                        handles.push(handle.clone());
                        by_place[place] = Some(handle);
                    }
                }
                Todo::Cancel(place) => {
                    if let Some(handle) = &by_place[place] {
                        handle.cancel().await.unwrap();
                    }
                }
                Todo::Kill(target) => match self.targets.get(target) {
                    Some(target) => assert!(engine.restart_target(&target.name)),
                    None => engine.restart_coordinators(),
                },
                Todo::Replace(target) => {
                    engine.replace_target(self.targets[target].build()).unwrap();
                }
                Todo::Shutdown => {
                    let shutdown = engine.shutdown().await;
                    assert_eq!(
                        shutdown.unsettled, 0,
                        "seed {}: shutdown leaves nothing open",
                        self.seed
                    );
                    return handles;
                }
            }
        }
        handles
    }

    fn broadcast(&self, place: usize) -> Broadcast {
        let SimBroadcast { to, completion, rest, deadline, .. } = &self.broadcasts[place];
        let payload = fanfare_sdk::Payload::new("text/plain", format!("broadcast {place}"));
        let mut broadcast = Broadcast::new(payload).completion(*completion).rest(*rest);
        for (target, required) in to {
            let name = self.targets[*target].name.as_str();
            broadcast = if *required { broadcast.to(name) } else { broadcast.optional(name) };
        }
        match deadline {
            Some(deadline) => broadcast.deadline(*deadline),
            None => broadcast,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Todo {
    Send(usize),
    Cancel(usize),
    Kill(usize),
    Replace(usize),
    Shutdown,
}

impl SimTarget {
    /// A target without vice and without limits.
    pub(super) fn plain(place: usize) -> Self {
        let api =
            SimApi { seed: 1, repeat: Repeat::SameEndpoint, versions: vec![], vice: Vice::None };
        Self {
            name: format!("t{place}"),
            api,
            auth: false,
            stand_in: None,
            concurrency_max: 128,
            rate_limited: false,
            breaker: false,
            attempts_max: 3,
            hedge: None,
            give_up_after: Duration::from_secs(60),
        }
    }

    fn draw(rng: &mut fastrand::Rng, seed: u64, place: usize, count: usize) -> Self {
        let repeat = [Repeat::Never, Repeat::SameEndpoint, Repeat::Anywhere][rng.usize(0..3)];
        let versions = [vec![], vec!["2"], vec!["3", "2", "1"]][rng.usize(0..3)].clone();
        let vice = if rng.bool() { Vice::None } else { VICES[rng.usize(0..VICES.len())] };
        let in_auth = matches!(
            vice,
            Vice::AuthPanicsInReady
                | Vice::AuthPanicsInAuthorize
                | Vice::AuthPanicsInLearn
                | Vice::AuthIsLate
                | Vice::AuthFails
        );
        Self {
            api: SimApi { seed, repeat, versions, vice },
            auth: in_auth || rng.u8(0..4) == 0,
            stand_in: (place + 1 < count && rng.bool()).then(|| format!("t{}", place + 1)),
            concurrency_max: if rng.bool() { rng.u32(1..4) } else { 128 },
            rate_limited: rng.u8(0..4) == 0,
            breaker: rng.bool(),
            attempts_max: rng.u32(1..5),
            hedge: match rng.u8(0..4) {
                0 => Some(Hedge::After(millis(rng, 20..600))),
                1 => Some(Hedge::Percentile95),
                _ => None,
            },
            give_up_after: Duration::from_secs(rng.u64(5..60)),
            ..Self::plain(place)
        }
    }

    fn build(&self) -> Target {
        let backoff =
            Backoff::exponential(Duration::from_millis(50), Duration::from_secs(2)).unwrap();
        let mut gate = GatePolicy::default();
        (gate.concurrency_max, gate.breaker) = (self.concurrency_max, None);
        if self.breaker {
            gate.breaker = Some(BreakerPolicy::try_new(3, Duration::from_secs(2), 1).unwrap());
        }
        if self.rate_limited {
            gate.rate_limit = Some(RateLimit::try_new(10, Duration::from_secs(1), 3).unwrap());
        }
        let mut target = Target::new(self.name.as_str(), self.api.clone())
            .timeout(Duration::from_secs(1))
            .give_up_after(self.give_up_after)
            .retry(Retry {
                attempts_max: self.attempts_max,
                backoff: backoff.with_jitter(Jitter::Full),
                ..Retry::default()
            })
            .gate(gate);
        let mut fallback = vec![Fallback::Version];
        fallback.extend(self.stand_in.as_ref().map(|name| Fallback::Target(name.as_str().into())));
        target = target.fallback(fallback);
        if let Some(hedge) = self.hedge {
            target = target.hedge(hedge);
        }
        if self.auth { target.auth(SimAuth(self.api.clone())) } else { target }
    }
}

impl SimBroadcast {
    /// To every one of `count` targets, as soon as it begins.
    pub(super) fn to_all(count: usize) -> Self {
        let to = (0..count).map(|target| (target, true)).collect();
        let (completion, rest) = (Completion::All, Rest::Finish);
        Self { at: Duration::ZERO, to, completion, rest, deadline: None, cancel_after: None }
    }

    fn draw(rng: &mut fastrand::Rng, count: usize) -> Self {
        let mut to: Vec<_> = (0..count).filter(|_| rng.u8(0..3) > 0).map(|t| (t, true)).collect();
        if to.is_empty() {
            to.push((rng.usize(0..count), true));
        }
        for (_, required) in &mut to {
            *required = rng.u8(0..4) > 0;
        }
        let completion = match rng.u8(0..4) {
            0 => Completion::All,
            1 => Completion::Any,
            2 => Completion::BestEffort,
            _ => Completion::Quorum(rng.u32(1..=u32::try_from(to.len()).unwrap())),
        };
        Self {
            at: millis(rng, 0..6_000),
            to,
            completion,
            rest: if rng.bool() { Rest::Cancel } else { Rest::Finish },
            deadline: rng.bool().then(|| millis(rng, 100..10_000)),
            cancel_after: (rng.u8(0..6) == 0).then(|| millis(rng, 0..3_000)),
        }
    }
}

fn millis(rng: &mut fastrand::Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

//! One scenario, played: an engine, its targets, its broadcasts, and what is done to them.

use std::{collections::HashMap, num::NonZero, sync::Arc, time::Duration};

use fanfare::{
    engine::{BroadcastHandle, Clock, Engine, Entropy},
    journal::NewBroadcast,
    report::{BroadcastId, Report},
};
use fanfare_sdk::Timestamp;

use super::{
    journal::{Fact, SimJournal, What},
    scenario::{Deed, Scenario},
    world::World,
};

/// Longer than any delivery lives: whoever waits this long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// How often the journal of an engine that is gone is asked.
const ASKED_MAX: usize = 20;

/// Steps that all together take before there is nothing to do at that moment.
const STEPS: usize = 1_000;

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    /// What those were told who waited for the end.
    pub(super) reports: Vec<Report>,
    /// Those whose end nobody was told, as they stand in the journal.
    pub(super) untold: Vec<Report>,
    /// All of them, as they stand in the journal at the end.
    pub(super) written: HashMap<BroadcastId, Report>,
    /// What was accepted.
    pub(super) accepted: HashMap<BroadcastId, Arc<NewBroadcast>>,
    pub(super) facts: Vec<Fact>,
    pub(super) world: Arc<World>,
    #[cfg(test)]
    pub(super) journal: Arc<SimJournal>,
    pub(super) permits: u32,
    pub(super) open: usize,
    /// What a shutdown has left open.
    pub(super) unsettled: usize,
    /// Keys that gave another broadcast when they came again.
    pub(super) torn: usize,
    /// From when to when time jumped.
    pub(super) jumps: Vec<(Timestamp, Timestamp)>,
    /// Which target was paused from when to when.
    pub(super) paused: Vec<(usize, Timestamp, Timestamp)>,
    /// Whether a test did something to the engine by itself.
    pub(super) disturbed: bool,
}

/// What happens while it is driven.
#[derive(Debug, Default)]
struct Log {
    handles: Vec<BroadcastHandle>,
    by_place: HashMap<usize, BroadcastId>,
    unsettled: usize,
    torn: usize,
    jumps: Vec<(Timestamp, Timestamp)>,
    /// Without an end, as long as it is paused.
    paused: Vec<(usize, Timestamp, Option<Timestamp>)>,
}

#[derive(Clone, Copy, Debug)]
enum Todo {
    Send(usize),
    SendAgain(usize),
    Cancel(usize),
    Do(Deed),
}

impl Scenario {
    /// Plays it on a paused clock, on a runtime of its own.
    pub(super) fn play(&self) -> Played {
        self.play_on_its_own(|_, _| false)
    }

    /// The same, with something done to the engine before it begins.
    #[cfg(test)]
    pub(super) fn play_with(&self, prepare: impl FnOnce(&Engine, &Arc<SimJournal>)) -> Played {
        self.play_on_its_own(|engine, journal| {
            prepare(engine, journal);
            true
        })
    }

    fn play_on_its_own(&self, prepare: impl FnOnce(&Engine, &Arc<SimJournal>) -> bool) -> Played {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let run = async { tokio::time::timeout(FOR_EVER * 10_000, self.run(prepare)).await };
        runtime.unwrap().block_on(run).expect("it comes to rest")
    }

    async fn run(&self, prepare: impl FnOnce(&Engine, &Arc<SimJournal>) -> bool) -> Played {
        let clock = Clock::starting_at(Timestamp::from_secs(1_767_225_600));
        let world = Arc::new(World::new(self.seed, self.world_faults, clock, self.outages.clone()));
        let journal = SimJournal::new(self.seed, self.journal_faults, self.store);
        let mut builder = Engine::builder()
            .transport(world.clone())
            .journal(journal.clone())
            .clock(clock)
            .entropy(Entropy::seeded(self.seed))
            .coordinators(NonZero::new(2).unwrap());
        for target in &self.targets {
            builder = builder.target(target.build());
        }
        let engine = builder.start().await.unwrap();
        let disturbed = prepare(&engine, &journal);
        let log = self.drive(&engine, clock).await;
        let (mut reports, mut untold) = (Vec::new(), Vec::new());
        for handle in &log.handles {
            match end_of(handle).await {
                Some(report) => reports.push(report),
                None => untold.push(journal.written(handle.id()).await),
            }
        }
        self.come_to_rest(&journal).await;
        let (mut permits, mut open) = (0, 0);
        for target in &self.targets {
            let status = engine.target_status(&target.name).await.unwrap();
            permits += status.permits;
            open += status.open;
        }
        let now = clock.now();
        let ended =
            |(target, from, to): (_, _, Option<Timestamp>)| (target, from, to.unwrap_or(now));
        let mut played = Played {
            reports,
            untold,
            written: HashMap::new(),
            accepted: HashMap::new(),
            facts: journal.facts(),
            world,
            #[cfg(test)]
            journal: journal.clone(),
            permits,
            open,
            unsettled: log.unsettled,
            torn: log.torn,
            jumps: log.jumps,
            paused: log.paused.into_iter().map(ended).collect(),
            disturbed,
        };
        for fact in &played.facts {
            if let What::Accepted(new) = &fact.what {
                played.accepted.insert(new.id, new.clone());
                played.written.insert(new.id, journal.written(new.id).await);
            }
        }
        engine.shutdown().await;
        played
    }

    /// Waits until all notices have settled, too. An engine that is gone sends no more.
    async fn come_to_rest(&self, journal: &SimJournal) {
        let is_gone = self.deeds.iter().any(|(_, deed)| *deed == Deed::Shutdown);
        for _ in 0..FOR_EVER.as_secs() {
            if self.notified.is_none() || is_gone || journal.is_at_rest().await {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Does everything at its time.
    async fn drive(&self, engine: &Engine, clock: Clock) -> Log {
        let mut todo: Vec<(Duration, Todo)> = Vec::new();
        for (place, broadcast) in self.broadcasts.iter().enumerate() {
            todo.push((broadcast.at, Todo::Send(place)));
            let later = |after: Option<Duration>| Some(broadcast.at + after?);
            todo.extend(later(broadcast.cancel_after).map(|at| (at, Todo::Cancel(place))));
            todo.extend(later(broadcast.again_after).map(|at| (at, Todo::SendAgain(place))));
        }
        todo.extend(self.deeds.iter().map(|(at, deed)| (*at, Todo::Do(*deed))));
        // Nobody resumes what is paused twice: after the last deed all go on.
        todo.sort_by_key(|(at, _)| *at);
        let (mut log, begun) = (Log::default(), clock.now());
        for (at, what) in todo {
            tokio::time::sleep(at.saturating_sub(clock.now().since(begun))).await;
            match what {
                Todo::Send(place) => self.send(engine, place, &mut log).await,
                Todo::SendAgain(place) => self.send_again(engine, place, &mut log).await,
                Todo::Cancel(place) => {
                    let id = log.by_place.get(&place);
                    let handle = log.handles.iter().find(|handle| Some(&handle.id()) == id);
                    if let Some(handle) = handle {
                        handle.cancel().await.unwrap();
                    }
                }
                Todo::Do(Deed::Shutdown) => {
                    log.unsettled = engine.shutdown().await.unsettled;
                    return log;
                }
                Todo::Do(deed) => self.do_to(engine, deed, (clock, &mut log)).await,
            }
        }
        log
    }

    async fn send(&self, engine: &Engine, place: usize, log: &mut Log) {
        let handle = engine.send(self.broadcast(place)).await.unwrap();
        log.by_place.insert(place, handle.id());
        log.handles.push(handle);
    }

    async fn send_again(&self, engine: &Engine, place: usize, log: &mut Log) {
        let handle = engine.send(self.broadcast(place)).await.unwrap();
        log.torn += usize::from(log.by_place.get(&place) != Some(&handle.id()));
    }

    async fn do_to(&self, engine: &Engine, deed: Deed, (clock, log): (Clock, &mut Log)) {
        let name = |target: usize| self.targets[target].name.as_str();
        match deed {
            Deed::KillTarget(target) => assert!(engine.restart_target(name(target))),
            Deed::KillCoordinators => engine.restart_coordinators(),
            Deed::Replace(target) => engine.replace_target(self.targets[target].build()).unwrap(),
            Deed::Pause(target) => {
                assert!(engine.pause_target(name(target)).await.unwrap());
                if !log.paused.iter().any(|(it, _, to)| *it == target && to.is_none()) {
                    log.paused.push((target, clock.now(), None));
                }
            }
            Deed::Resume(target) => {
                assert!(engine.resume_target(name(target)).await.unwrap());
                for (it, _, to) in &mut log.paused {
                    if *it == target && to.is_none() {
                        *to = Some(clock.now());
                    }
                }
            }
            Deed::Revive(target) => drop(engine.revive_target(name(target)).await),
            Deed::Jump(by) => {
                // What is ready to run runs before: nobody falls asleep in the middle of a step.
                for _ in 0..STEPS {
                    tokio::task::yield_now().await;
                }
                let from = clock.now();
                tokio::time::advance(by).await;
                log.jumps.push((from, clock.now()));
            }
            Deed::Shutdown => {}
        }
    }
}

/// What is told to whoever waits for the end; none where he waits in vain. Of an engine that is gone he asks its
/// journal, which may fail him.
async fn end_of(handle: &BroadcastHandle) -> Option<Report> {
    for _ in 0..ASKED_MAX {
        match tokio::time::timeout(FOR_EVER, handle.settled()).await {
            Ok(Ok(report)) => return Some(report),
            Ok(Err(_)) => {}
            Err(_) => return None,
        }
    }
    None
}

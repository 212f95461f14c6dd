//! An engine before it starts.

use std::{
    num::NonZero,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicUsize},
    },
    time::Duration,
};

use fanfare_sdk::{TargetName, Transport};
use tokio::sync::{Notify, RwLock};

use super::{
    Engine, Limits, StartError, StartProblem, Target, connected::Connected, problems::problems,
};
#[cfg(feature = "otel")]
use crate::telemetry::{Meter, Recorder, ShouldSample, SpanProcessor};
use crate::{
    actor::{Clock, Desk, Detached, Entropy, Observed, Shared, Slot, Slots, Supervision, spawn},
    journal::{Journal, JournalError, MemoryJournal, MemoryLimits},
    policy::gate::{Budget, GateSnapshot, RetryBudget},
    report::IdMap,
    telemetry::{self, Live, Observer},
    transport::Clients,
};

/// An engine before it starts.
#[derive(Debug, Default)]
pub struct EngineBuilder {
    targets: Vec<Target>,
    transport: Option<Arc<dyn Transport>>,
    journal: Option<Arc<dyn Journal>>,
    clock: Option<Clock>,
    entropy: Option<Entropy>,
    coordinators: Option<NonZero<usize>>,
    limits: Limits,
    /// None where it was not set: the default.
    retry_budget: Option<Option<RetryBudget>>,
    give_up_unserved: bool,
    live_max: Option<usize>,
    #[cfg(feature = "otel")]
    recorder: Recorder,
}

impl EngineBuilder {
    /// Adds a target.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    /// Sends through this instead of clients of its own, however targets are to be connected to.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Keeps histories there instead of in memory.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Reads this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Draws from there instead of from the system.
    #[must_use]
    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// How many coordinators there are; one per core unless set.
    #[must_use]
    pub fn coordinators(mut self, count: NonZero<usize>) -> Self {
        self.coordinators = Some(count);
        self
    }

    /// What it may hold and do at once.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Settles what is still open for targets that are gone, as `failed` by `target_failed` (or in doubt), and gives up the
    /// notices that are owed to them; unless set, an engine with such deliveries in its journal does not start, and
    /// notices are kept.
    #[must_use]
    pub fn give_up_unserved(mut self) -> Self {
        self.give_up_unserved = true;
        self
    }

    /// Lets others look on ([`Engine::live`]): of what happens, the latest are kept, so many of them.
    #[must_use]
    pub fn live(mut self, kept_max: usize) -> Self {
        self.live_max = Some(kept_max);
        self
    }

    /// How many attempts of all targets together may be repeats, on top of each target's own budget; a fifth of the
    /// first attempts and ten a second unless set. None is no limit.
    #[must_use]
    pub fn retry_budget(mut self, budget: Option<RetryBudget>) -> Self {
        self.retry_budget = Some(budget);
        self
    }

    /// Hands the spans of broadcasts, deliveries and attempts there when they have ended, with the ids that were
    /// pinned for them. It is called where deliveries are made: it must not block.
    #[cfg(feature = "otel")]
    #[must_use]
    pub fn spans(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.recorder.spans(processor);
        self
    }

    /// Decides at the acceptance of a broadcast whether its spans are exported; unless set, they are if those of the
    /// caller are, or there is no caller. Attributes and a trace state that it gives are not used.
    #[cfg(feature = "otel")]
    #[must_use]
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.recorder.sampler(sampler);
        self
    }

    /// Makes metrics there.
    #[cfg(feature = "otel")]
    #[must_use]
    pub fn meter(mut self, meter: &Meter) -> Self {
        self.recorder.meter(meter);
        self
    }

    /// Starts it on the current runtime.
    ///
    /// # Errors
    /// When a target is not right (all that is wrong is said at once), or the transport cannot be built.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(self) -> Result<Engine, StartError> {
        let limits = self.limits;
        let problems = problems(&self.targets.iter().collect::<Vec<_>>(), &[], limits.targets_max);
        if !problems.is_empty() {
            return Err(StartError::Invalid { problems });
        }
        let clients = self.transport.map_or_else(Clients::try_new, |it| Ok(Clients::given(it)))?;
        let clock = self.clock.unwrap_or_else(Clock::system);
        let entropy = self.entropy.unwrap_or_else(Entropy::system);
        let journal =
            self.journal.unwrap_or_else(|| Arc::new(MemoryJournal::new(MemoryLimits::default())));
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        let coordinators = self.coordinators.map_or_else(cores, NonZero::get);
        #[cfg(feature = "otel")]
        let observer = self.recorder.into_observer();
        #[cfg(not(feature = "otel"))]
        let observer: Option<Arc<dyn Observer>> = None;
        let boot = journal.boot(clock.now()).await?;
        let live = self.live_max.map(|max| Live::new(boot, max)).unwrap_or_default();
        let mut gates: IdMap<_, _> = journal.gates().await?.into_iter().collect();
        let unserved = unserved(&*journal, &self.targets).await?;
        if !self.give_up_unserved && !unserved.is_empty() {
            return Err(StartError::Invalid { problems: unserved });
        }
        let targets = Connected::all(&clients, self.targets);
        let targets = targets.map_err(|problems| StartError::Invalid { problems })?;
        let slot = |target: Connected| {
            let kept = gates.remove(&target.target.policy.target);
            slot(target, &entropy, (observer.clone(), live.clone()), kept)
        };
        let slots = Slots::new(targets.into_iter().map(slot).collect());
        let retry_budget = self.retry_budget.unwrap_or_else(|| Some(RetryBudget::default()));
        let shared = Arc::new(Shared {
            journal,
            clients,
            clock,
            boot,
            entropy,
            slots,
            desks: std::iter::repeat_with(Desk::default).take(coordinators).collect(),
            settled: Notify::new(),
            owing: Arc::default(),
            observed: Observed::new(observer, live.clone(), clock.now()),
            live,
            retry_budget: Mutex::new((retry_budget, Budget::default())),
            in_flight: AtomicUsize::new(0),
            in_flight_max: limits.in_flight_max.max(1).into(),
            targets_max: limits.targets_max.into(),
            naming: RwLock::default(),
            has_departures: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            accepting: AtomicUsize::new(0),
            detached: Detached::default(),
        });
        observe(&shared);
        if shared.journal.waits() {
            spawn(prune(Arc::downgrade(&shared)));
        }
        let actors = Supervision::start(shared.clone()).await.map_err(StartError::Actors)?;
        for problem in unserved {
            if let StartProblem::Unserved { target, .. } = problem {
                shared.give_up(&target).await;
            }
        }
        if self.give_up_unserved {
            forgo(&shared).await?;
        }
        Ok(Engine::new(shared, actors, limits))
    }
}

/// The targets that are gone while deliveries are open for them.
async fn unserved(
    journal: &dyn Journal,
    targets: &[Target],
) -> Result<Vec<StartProblem>, JournalError> {
    let mut serving = journal.serving().await?;
    serving.retain(|(name, _)| !targets.iter().any(|target| target.policy.target == *name));
    let problem = |(target, open)| StartProblem::Unserved { target, open };
    Ok(serving.into_iter().map(problem).collect())
}

/// Gives up the notices that are owed to targets that are gone.
async fn forgo(shared: &Shared) -> Result<(), JournalError> {
    for (target, _) in shared.journal.owing().await? {
        if shared.slots.get(&target).is_none() {
            shared.journal.forgo(&target).await?;
        }
    }
    Ok(())
}

/// Lets whoever collects metrics ask how near the limits are, and how much the journal has written.
fn observe(shared: &Arc<Shared>) {
    let Some(observer) = shared.observed.as_ref().and_then(Observed::observer) else { return };
    let engine = Arc::downgrade(shared);
    let usage = move || engine.upgrade().map(|shared| shared.usage()).unwrap_or_default();
    observer.measure(Box::new(usage));
    let engine = Arc::downgrade(shared);
    let ends = move || engine.upgrade().map(|it| it.version_ends()).unwrap_or_default();
    observer.measure_versions(Box::new(ends));
    if shared.journal.waits() {
        let engine = Arc::downgrade(shared);
        let written = move || engine.upgrade().map(|it| it.journal.written()).unwrap_or_default();
        observer.measure_journal(Box::new(written));
    }
}

/// The pause before it is looked again for what is too old; and the one where there is more of it, for others to write.
const PRUNE_AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_millis(20));

/// Lets the journal forget what is too old, until the engine has ended.
async fn prune(engine: Weak<Shared>) {
    loop {
        let Some(shared) = engine.upgrade() else { return };
        let clock = shared.clock;
        let more = shared.journal.prune(clock.now()).await;
        drop(shared);
        if let Err(error) = &more {
            telemetry::journal_failed("prune", error);
        }
        clock.sleep(if matches!(more, Ok(true)) { PRUNE_AGAIN.1 } else { PRUNE_AGAIN.0 }).await;
    }
}

/// A slot for a target, with its name.
pub(super) fn slot(
    target: Connected,
    entropy: &Entropy,
    told: (Option<Arc<dyn Observer>>, Live),
    kept: Option<GateSnapshot>,
) -> (TargetName, Arc<Slot>) {
    let name = target.target.policy.target.clone();
    let entropy = Entropy::seeded(entropy.number());
    (name, Arc::new(Slot::new(target.into_parts(), told, entropy, kept)))
}

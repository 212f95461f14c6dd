//! What all requests share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    DaemonLimits, Exposition, ProblemKind,
    body::Bodies,
    configured::{Configured, Current},
    keys::KeysInUse,
    problem::Problem,
};
use crate::{
    config::{Config, Route},
    engine::Engine,
};

/// Replays with a rate that go on at once.
const REPLAYS_MAX: usize = 4;

/// Threads that read large requests at once: others wait, and the small ones do not notice.
const ASIDE_MAX: usize = 4;

/// An engine with its configuration, for callers that come over HTTP.
#[derive(Debug)]
pub struct Daemon {
    pub(super) engine: Engine,
    current: Current,
    pub(super) limits: DaemonLimits,
    pub(super) bodies: Bodies,
    pub(super) keys: KeysInUse,
    pub(super) exposition: Option<Exposition>,
    /// Turns for replays with a rate.
    pub(super) replays: Arc<Semaphore>,
    /// Turns for reading what is large.
    aside: Arc<Semaphore>,
    draining: AtomicBool,
}

impl Daemon {
    /// The names of targets and their kinds, and the routes, are those of the configuration from which the engine was
    /// built.
    #[must_use]
    pub fn new(
        engine: Engine,
        kinds: BTreeMap<String, String>,
        routes: BTreeMap<String, Route>,
        limits: DaemonLimits,
    ) -> Self {
        Self {
            engine,
            current: Current::new(Configured { routes, kinds }),
            bodies: Bodies::new(&limits),
            limits,
            keys: KeysInUse::default(),
            exposition: None,
            replays: Semaphore::new(REPLAYS_MAX).into(),
            aside: Semaphore::new(ASIDE_MAX).into(),
            draining: AtomicBool::new(false),
        }
    }

    /// The kinds of a configuration's targets, by their names.
    #[must_use]
    pub fn kinds(config: &Config) -> BTreeMap<String, String> {
        let kind = |target: &crate::config::ConfiguredTarget| {
            (target.policy.target.to_string(), target.kind.clone())
        };
        config.targets.iter().map(kind).collect()
    }

    /// The routes and targets that hold now: a request takes them once.
    pub(super) fn configured(&self) -> Arc<Configured> {
        self.current.get()
    }

    /// Answers `/metrics` from there.
    #[must_use]
    pub fn exposing(mut self, exposition: Exposition) -> Self {
        self.exposition = Some(exposition);
        self
    }

    /// Is not ready from here on: whoever balances the load sends it elsewhere.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Runs `work`, which may take long, on a thread of its own.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let turn = self.aside.clone().acquire_owned().await;
        let done = spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|_| Problem::new(ProblemKind::Internal, "reading the request panicked"))
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

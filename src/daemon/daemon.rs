//! What all requests share.

use std::{collections::BTreeMap, sync::Arc};

use fanfare_mapping::quickly;
use http::HeaderMap;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_blocking,
};

use super::{
    DaemonLimits, Exposition, ProblemKind, Tls,
    body::Bodies,
    callers::{Caller, Callers, Keys},
    configured::{Configured, Current},
    keys::KeysInUse,
    prefer::Prefer,
    problem::Problem,
    reload::Reloading,
};
use crate::{
    config::{Config, Route},
    engine::Engine,
};

/// Events that the engine of a daemon keeps for whoever reads all of them: some megabytes while somebody does. A reader
/// that was cut off for some seconds under load finds what he has missed.
pub const EVENTS_KEPT_MAX: usize = 32_768;

/// Replays with a rate that go on at once.
const REPLAYS_MAX: usize = 4;

/// Bytes of a request from which on it is read on a thread of its own: payloads are checked and conditions worked out.
const QUICK_BYTES_MAX: usize = 64 << 10;

/// Threads that read large requests at once: others wait, and the small ones do not notice.
const ASIDE_MAX: usize = 4;

/// An engine with its configuration, for callers that come over HTTP.
#[derive(Debug)]
pub struct Daemon {
    pub(super) engine: Engine,
    pub(super) current: Current,
    /// None where nothing else can be taken over.
    pub(super) reloading: Option<Reloading>,
    pub(super) limits: DaemonLimits,
    pub(super) bodies: Bodies,
    pub(super) keys: KeysInUse,
    pub(super) callers: Callers,
    /// Turns for requests.
    pub(super) requests: Arc<Semaphore>,
    /// Turns for whoever waits for a verdict.
    pub(super) waits: Arc<Semaphore>,
    pub(super) exposition: Option<Exposition>,
    pub(super) tls: Option<Arc<Tls>>,
    /// Turns for replays with a rate.
    pub(super) replays: Arc<Semaphore>,
    /// Turns for reading what is large.
    aside: Arc<Semaphore>,
    /// Places for those who read streams.
    pub(super) streams: Arc<Semaphore>,
    draining: watch::Sender<bool>,
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
            current: Current::new(Configured { routes, kinds, ..Configured::default() }),
            reloading: None,
            bodies: Bodies::new(&limits),
            requests: Semaphore::new(limits.requests_max).into(),
            waits: Semaphore::new(limits.waits_max).into(),
            streams: Semaphore::new(limits.streams_max).into(),
            limits,
            keys: KeysInUse::default(),
            callers: Callers::default(),
            exposition: None,
            tls: None,
            replays: Semaphore::new(REPLAYS_MAX).into(),
            aside: Semaphore::new(ASIDE_MAX).into(),
            draining: watch::Sender::new(false),
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

    /// Speaks TLS.
    #[must_use]
    pub fn by_tls(mut self, tls: Option<Arc<Tls>>) -> Self {
        self.tls = tls;
        self
    }

    /// Whether there is a route of that name.
    #[must_use]
    pub fn has_route(&self, name: &str) -> bool {
        self.configured().routes.contains_key(name)
    }

    /// Asks callers for keys from here on, and takes these; also in the place of others. What was used of a key that stays
    /// is used.
    pub fn ask_for_keys(&self, keys: &Keys) {
        self.callers.ask_for(keys);
    }

    /// Who makes a request with these headers.
    pub(super) fn identify(&self, headers: &HeaderMap) -> Result<Caller, Problem> {
        self.callers.identify(headers, self.engine.now())
    }

    /// A turn for whoever wants to wait. Where too many do, he is answered at once.
    pub(super) fn turn_to_wait(&self, prefer: Prefer) -> (Prefer, Option<OwnedSemaphorePermit>) {
        if prefer.wait.is_none() {
            return (prefer, None);
        }
        match self.waits.clone().try_acquire_owned() {
            Ok(turn) => (prefer, Some(turn)),
            Err(_) => (Prefer { wait: None, ..prefer }, None),
        }
    }

    /// Is not ready from here on: whoever balances the load sends it elsewhere. Streams end.
    pub fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Runs `work`, which is about that many bytes: here where that turns out to be quick, else on a thread of its own.
    pub(super) async fn worked_out<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl Fn() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        if bytes <= QUICK_BYTES_MAX
            && let Some(done) = quickly(&work)
        {
            return Ok(done);
        }
        self.aside(work).await
    }

    async fn aside<T: Send + 'static>(
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
        *self.draining.borrow()
    }

    /// Says when it ends.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.draining.subscribe()
    }
}

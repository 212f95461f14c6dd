//! Takes over another configuration while requests are served: checked first, all of it or nothing.
//!
//! A request sees one configuration from its beginning to its end; a delivery keeps what was pinned when it was accepted.
//! What was written is compared, secrets included: a target of which nothing was changed is not touched.

use std::{collections::BTreeMap, sync::PoisonError};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use fanfare_sdk::{TargetName, Timestamp};
use http::StatusCode;
use tokio::sync::{oneshot, watch};

use super::{
    Daemon, ProblemKind, Seen, Source,
    configured::Configured,
    problem::{Mistake, Problem},
    router::{Shared, json},
    task,
};
use crate::{
    config::{Config, ConfigError, Fingerprint, Fingerprints, OnRemoved},
    engine::{Change, Leave, StartError, Target},
    telemetry,
    wire::listing::{Changes, Reloaded},
};

/// How it may go, in the metrics.
const APPLIED: &str = "applied";
const UNCHANGED: &str = "unchanged";
const REFUSED: &str = "refused";

/// What is needed to take over another configuration.
#[derive(Debug)]
pub(super) struct Reloading {
    source: Source,
    /// Of the configuration that holds. Whoever takes over another one has it, so that there is one at a time.
    holds: tokio::sync::Mutex<Fingerprints>,
    /// What it was last read from, right or wrong.
    seen: watch::Sender<Seen>,
    /// How it went the last time.
    last: std::sync::Mutex<Option<LastReload>>,
}

/// How it went the last time.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastReload {
    pub(super) at: Timestamp,
    /// Where it was refused: how many mistakes there were.
    pub(super) mistakes: Option<usize>,
}

/// Why another configuration was not taken over. The one before holds.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// It cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine does not take it.
    #[error(transparent)]
    Engine(#[from] StartError),
    /// The daemon does not know where it comes from.
    #[error("this daemon was started without a file to read again")]
    NoSource,
    /// It was given up in the middle of it.
    #[error("the daemon is ending")]
    Ending,
}

/// A configuration beside the one that holds.
struct Difference {
    told: Reloaded,
    change: Change,
    configured: Configured,
}

impl Daemon {
    /// Can take over what stands there later on; `config` and `seen` are what it was started with.
    #[must_use]
    pub fn reloading(mut self, source: Source, holds: Fingerprints, seen: Seen) -> Self {
        for result in [APPLIED, UNCHANGED, REFUSED] {
            self.engine.reloaded(result, 0);
        }
        let (seen, last) = (watch::Sender::new(seen), std::sync::Mutex::default());
        self.reloading = Some(Reloading { source, holds: holds.into(), seen, last });
        self
    }

    /// Reads the configuration again, and takes it over: targets and routes that come, change and go, and the limits of
    /// the engine. It is told in the log, in the metrics and by `/readyz` how it went.
    ///
    /// # Errors
    /// Everything that is wrong with it. Then nothing was changed.
    ///
    /// # Cancel safety
    /// Once it was polled, it goes on to its end.
    pub async fn reload(self: &std::sync::Arc<Self>) -> Result<Reloaded, ReloadError> {
        let (answer, answered) = oneshot::channel();
        let daemon = self.clone();
        // Whoever waits for it may go away in the middle.
        task::spawn(async move { drop(answer.send(daemon.take_over().await)) });
        answered.await.unwrap_or(Err(ReloadError::Ending))
    }

    /// The files that the configuration was last read from, now and whenever it was read again.
    #[must_use]
    pub fn seen(&self) -> Option<watch::Receiver<Seen>> {
        self.reloading.as_ref().map(|reloading| reloading.seen.subscribe())
    }

    pub(super) fn last_reload(&self) -> Option<LastReload> {
        let reloading = self.reloading.as_ref()?;
        *reloading.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take_over(&self) -> Result<Reloaded, ReloadError> {
        let Some(reloading) = &self.reloading else { return Err(ReloadError::NoSource) };
        let mut holds = reloading.holds.lock().await;
        if self.is_draining() {
            return Err(ReloadError::Ending);
        }
        let source = reloading.source.clone();
        let loaded = tokio::task::spawn_blocking(move || source.load()).await;
        let (config, seen) = loaded.map_err(|_| ReloadError::Ending)?;
        reloading.seen.send_replace(seen);
        let taken = match config {
            Ok(config) => self.put_in_place(config, &mut holds).await,
            Err(error) => Err(error.into()),
        };
        let mistakes = match &taken {
            Ok(told) => {
                self.engine.reloaded(if told.changed { APPLIED } else { UNCHANGED }, 1);
                said(told);
                None
            }
            Err(error) => {
                self.engine.reloaded(REFUSED, 1);
                let says = error.to_string();
                telemetry::reload_refused(&says);
                Some(says.lines().count())
            }
        };
        let last = LastReload { at: self.engine.now(), mistakes };
        *reloading.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last);
        taken
    }

    async fn put_in_place(
        &self,
        config: Config,
        holds: &mut Fingerprints,
    ) -> Result<Reloaded, ReloadError> {
        let comes = config.fingerprints.clone();
        let Difference { told, change, configured } = difference(config, holds, &self.configured());
        self.engine.change(change, || self.current.set(configured)).await?;
        // What takes a restart still holds as it was.
        let kept = |key: &String| told.restart.contains(key);
        let before = std::mem::replace(holds, comes);
        holds.rest.retain(|key, _| !kept(key));
        holds.rest.extend(before.rest.into_iter().filter(|(key, _)| kept(key)));
        Ok(told)
    }
}

fn difference(config: Config, holds: &Fingerprints, before: &Configured) -> Difference {
    let kinds = Daemon::kinds(&config);
    let comes = &config.fingerprints;
    let targets = changes(&holds.targets, &comes.targets);
    let routes = changes(&holds.routes, &comes.routes);
    let rest = changes(&holds.rest, &comes.rest);
    let mut restart: Vec<_> = [rest.added, rest.replaced, rest.removed].concat();
    let engine = restart.iter().any(|key| key == "engine");
    restart.retain(|key| key != "engine");

    let leave = match config.engine.on_removed {
        OnRemoved::Refuse => Leave::IfIdle,
        OnRemoved::Finish => Leave::Finish,
        OnRemoved::Fail => Leave::Fail,
    };
    let mut change = Change {
        remove: targets.removed.iter().map(|name| TargetName::from(name.as_str())).collect(),
        leave,
        limits: engine.then_some(config.engine.limits),
        retry_budget: engine.then_some(config.engine.retry_budget),
        ..Change::default()
    };
    for target in config.targets {
        let is_one = |names: &[String]| names.iter().any(|it| it == target.policy.target.as_str());
        if is_one(&targets.added) {
            change.add.push(Target::from(target));
        } else if is_one(&targets.replaced) {
            change.replace.push(Target::from(target));
        }
    }
    let mut leaving = before.leaving.clone();
    if leave != Leave::IfIdle {
        let gone = before.kinds.iter().filter(|(name, _)| targets.removed.contains(name));
        leaving.extend(gone.map(|(name, kind)| (name.clone(), kind.clone())));
    }
    leaving.retain(|name, _| !kinds.contains_key(name));
    let changed = engine || !targets.is_empty() || !routes.is_empty();
    let configured = Configured { routes: config.routes, kinds, leaving };
    Difference { told: Reloaded { changed, targets, routes, engine, restart }, change, configured }
}

fn changes(
    holds: &BTreeMap<String, Fingerprint>,
    comes: &BTreeMap<String, Fingerprint>,
) -> Changes {
    let those = |from: &BTreeMap<String, Fingerprint>, wanted: &dyn Fn(&str) -> bool| {
        from.keys().filter(|name| wanted(name)).cloned().collect()
    };
    Changes {
        added: those(comes, &|name| !holds.contains_key(name)),
        replaced: those(comes, &|name| {
            holds.get(name).is_some_and(|before| *before != comes[name])
        }),
        removed: those(holds, &|name| !comes.contains_key(name)),
    }
}

/// What changed, in the log.
fn said(told: &Reloaded) {
    let count = |it: &Changes| [it.added.len(), it.replaced.len(), it.removed.len()];
    telemetry::reloaded(count(&told.targets), count(&told.routes), told.engine);
    for key in &told.restart {
        telemetry::takes_a_restart(key);
    }
}

/// `POST /v1/reload`
pub(super) async fn reload(State(daemon): Shared) -> Response {
    match daemon.reload().await {
        Ok(told) => json(StatusCode::OK, &told),
        Err(error) => refused(&error).into_response(),
    }
}

/// Every mistake, at the place where it was made.
fn refused(error: &ReloadError) -> Problem {
    let mistakes = match error {
        ReloadError::Config(ConfigError { file, problems }) => problems
            .iter()
            .map(|it| {
                let at = format!("{file}:{}:{}: {}", it.place.line, it.place.column, it.key);
                Mistake::in_configuration(at, it.message.as_str())
            })
            .collect(),
        ReloadError::Engine(StartError::Invalid { problems }) => problems
            .iter()
            .map(|problem| Mistake::in_configuration("targets", problem.to_string()))
            .collect(),
        ReloadError::Engine(StartError::Journal(_)) => {
            return Problem::new(ProblemKind::JournalUnavailable, error.to_string());
        }
        ReloadError::Engine(_) => return Problem::new(ProblemKind::Internal, error.to_string()),
        ReloadError::NoSource => return Problem::new(ProblemKind::NotFound, error.to_string()),
        ReloadError::Ending => return Problem::new(ProblemKind::ShuttingDown, error.to_string()),
    };
    Problem::refused_configuration(mistakes)
}

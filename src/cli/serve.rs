//! `fanfare serve`.

use std::{io, sync::Arc, time::Duration};

use tokio::{signal, sync::watch};

use super::{
    args::ServeArgs,
    doors::Doors,
    kinds::{load_seen, source},
    log,
    otlp::Otlp,
    output::complain,
    payload::span,
    plan::Wrong,
    reloads::{Hangups, reload_when_told},
    run::Status,
    runtime,
};
use crate::{
    config::{Config, OnRemoved},
    daemon::{self, Daemon, EVENTS_KEPT_MAX, Exposition, Seen, Source},
    engine::{Engine, EngineBuilder, StartError, StartProblem},
    journal::{SqliteJournal, SqliteSettings, sqlite::OpenError},
};

/// How long requests may take to end after the last attempt has.
const REQUESTS_END: Duration = Duration::from_secs(5);

/// Takes broadcasts over HTTP until it is told to end.
pub(super) fn serve(args: &ServeArgs) -> io::Result<Status> {
    let mut wrong = Wrong::default();
    let source = source(args.config.as_ref());
    let config = wrong.take_all(load_seen(&source));
    let grace = wrong.take(span("--grace", &args.grace));
    let doors = Doors::check(&args.doors, args.listen, &mut wrong);
    let master_keys = args.master_keys.read(&mut wrong);
    wrong.take(log::start(&args.log, args.log_format));
    let (Some((config, seen)), Some(grace), Some(doors), true) =
        (config, grace, doors, wrong.0.is_empty())
    else {
        complain(&wrong.0);
        return Ok(Status::WrongUsage);
    };
    let kept = config.journal.clone();
    let mut settings = SqliteSettings::new(&args.journal);
    (settings.keep, settings.keep_dead_letters) = (kept.keep, kept.keep_dead_letters);
    (settings.bytes_max, settings.deliveries_open_max) = (kept.bytes_max, kept.deliveries_open_max);
    settings.master_keys = master_keys;
    let journal = match SqliteJournal::open(settings) {
        Ok(journal) => Arc::new(journal),
        Err(error @ (OpenError::KeyMissing { .. } | OpenError::NotSealed { .. })) => {
            let hint = "its master keys are given by --master-key-file, --master-key-env and --master-key-command";
            complain(&[format!("{error}\n{hint}")]);
            return Ok(Status::WrongUsage);
        }
        Err(error) => {
            complain(&[error.to_string()]);
            return Ok(Status::OurFault);
        }
    };
    tracing::info!(journal = %args.journal.display(), "opened");
    let (exposition, reader) = Exposition::new().map_err(io::Error::other)?;
    let otlp = Otlp::exposing(reader);
    let builder = otlp.attach(Engine::builder()).journal(journal);
    let give_up = args.give_up_unserved || config.engine.on_removed == OnRemoved::Fail;
    let builder = if give_up { builder.give_up_unserved() } else { builder };
    runtime::run_on_all_cores(async {
        let served = (builder, exposition, Hangups::new());
        let ended = live(served, config, (source, seen), (args, grace, doors)).await;
        otlp.flush().await;
        ended.unwrap_or_else(|(status, problem)| {
            complain(&[problem]);
            status
        })
    })
}

async fn live(
    (builder, exposition, hangups): (EngineBuilder, Exposition, Hangups),
    mut config: Config,
    (source, seen): (Source, Seen),
    (args, grace, doors): (&ServeArgs, Duration, Doors),
) -> Result<Status, (Status, String)> {
    let fault = |says: String| (Status::OurFault, says);
    let listen = args.listen;
    let kinds = Daemon::kinds(&config);
    let builder = builder.live(EVENTS_KEPT_MAX);
    let engine = builder.configured(&mut config).start().await.map_err(|error| match error {
        StartError::Invalid { ref problems } => {
            let unserved = |it: &StartProblem| matches!(it, StartProblem::Unserved { .. });
            let hint = "\nput it back into the configuration, or give up with --give-up-unserved";
            let hint = if problems.iter().any(unserved) { hint } else { "" };
            (Status::WrongUsage, format!("{error}{hint}"))
        }
        error => fault(error.to_string()),
    })?;
    let listener =
        daemon::listen(listen).map_err(|error| fault(format!("--listen {listen}: {error}")))?;
    let address = listener.local_addr().map_err(|error| fault(error.to_string()))?;
    let (targets, routes) = (kinds.len(), config.routes.len());
    let daemon = Daemon::new(engine.clone(), kinds, config.routes, config.daemon.limits);
    let daemon = daemon.exposing(exposition).by_tls(doors.tls());
    let daemon = Arc::new(daemon.reloading(source, config.fingerprints, seen));
    doors.close(&daemon);
    let open: u64 = engine.journal().serving().await.map_or(0, |it| it.iter().map(|it| it.1).sum());
    let scheme = doors.scheme();
    tracing::info!(targets, routes, deliveries_open = open, "listening on {scheme}://{address}");

    let (stopping, mut stopped) = watch::channel(false);
    let stop = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
    let serving = doors.beside(&daemon, daemon::serve(listener, &daemon, stop));
    let ending = async {
        told_to_end().await;
        daemon.drain();
        stopping.send_replace(true);
        tracing::info!(?grace, "ending: attempts in flight may end, a second signal does not wait");
        let left = tokio::select! {
            drained = engine.drain(grace) => Some(drained.unsettled),
            () = told_to_end() => None,
        };
        tracing::info!(broadcasts_open = left, "ended");
        left.is_some()
    };
    let reloading = reload_when_told(&daemon, hangups, args.watch);
    tokio::pin!(serving, ending, reloading);
    let mut is_served = false;
    let in_peace = loop {
        tokio::select! {
            served = &mut serving, if !is_served => {
                served.map_err(|error| fault(format!("cannot listen any more: {error}")))?;
                is_served = true;
            }
            in_peace = &mut ending => break in_peace,
            never = &mut reloading => match never {},
        }
    };
    if !in_peace {
        return Ok(Status::Interrupted);
    }
    if !is_served {
        drop(tokio::time::timeout(REQUESTS_END, serving).await);
    }
    Ok(Status::Satisfied)
}

/// SIGTERM, or Ctrl-C.
async fn told_to_end() {
    #[cfg(unix)]
    {
        let terminated = async {
            match signal::unix::signal(signal::unix::SignalKind::terminate()) {
                Ok(mut terminate) => drop(terminate.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = terminated => {}
            _ = signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    drop(signal::ctrl_c().await);
}

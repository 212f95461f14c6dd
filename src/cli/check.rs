//! `fanfare check`: is the configuration right, and are its targets there?

use std::io;

use fanfare_sdk::SendErrorKind;

use super::{
    args::CheckArgs,
    kinds::{FILE, load_connected, load_without_secrets},
    output::{complain, print, print_aside, warn},
    planned_route::names,
    run::Status,
    runtime,
    text::millis,
};
use crate::{
    config::Config,
    engine::{Engine, Probe},
    policy::FallbackTo,
};

/// Checks the configuration; with `--probe` also whether its targets answer.
pub(super) fn check(args: &CheckArgs) -> io::Result<Status> {
    let file = args.config.as_ref();
    let config = match args.without_secrets {
        true => load_without_secrets(file),
        false => load_connected(file),
    };
    let mut config = match config {
        Ok(config) => config,
        Err(problems) => {
            let count = problems.len();
            complain(&problems);
            if count > 1 {
                print_aside(&format!("{count} mistakes\n"))?;
            }
            return Ok(Status::WrongUsage);
        }
    };
    let file = file.map_or(FILE.into(), |file| file.display().to_string());
    let (targets, routes) = (config.fingerprints.targets.len(), config.routes.len());
    print(&format!("{file}: {} and {}\n", count(targets, "target"), count(routes, "route")))?;
    for target in config.targets.iter().map(|target| &target.policy) {
        if target.fallback.iter().any(|rule| matches!(rule.to, FallbackTo::Park(_))) {
            warn(&format!(
                "{}: only a daemon sends again what is parked (`fallback.park`); `fanfare send` leaves it",
                target.target
            ));
        }
    }
    if !args.probe {
        return Ok(Status::Satisfied);
    }
    runtime::run(probe(&mut config))?
}

fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

async fn probe(config: &mut Config) -> io::Result<Status> {
    let names = names(config);
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let engine = match Engine::builder().configured(config).start().await {
        Ok(engine) => engine,
        Err(error) => {
            complain(&[error.to_string()]);
            return Ok(Status::OurFault);
        }
    };
    let probes = futures_util::future::join_all(names.iter().map(|name| engine.probe(name))).await;
    let mut status = Status::Satisfied;
    for (name, probe) in names.iter().zip(probes) {
        let Some(probe) = probe else { continue };
        if !probe.is_reachable() {
            status = Status::Unsatisfied;
        }
        print(&format!("{name:<width$}  {}\n", says(&probe)))?;
    }
    engine.shutdown().await;
    Ok(status)
}

fn says(probe: &Probe) -> String {
    let took = millis(probe.took.as_secs_f64() * 1_000.0);
    match (&probe.error, probe.status) {
        (Some(error), _) if probe.is_supported() => format!("not reachable: {error}, {took}"),
        (Some(error), _) if probe.error_kind == Some(SendErrorKind::Prepare) => {
            format!("cannot be probed: {error}")
        }
        (Some(_), _) => "cannot be probed".to_owned(),
        (None, Some(401 | 403)) => {
            format!("reachable, but it does not let us in: {}, {took}", probe.status.unwrap_or(0))
        }
        (None, Some(status)) => format!("reachable: {status}, {took}"),
        (None, None) => format!("reachable, {took}"),
    }
}

//! `fanfare send`.

use std::{io, pin::pin};

use tokio::signal::ctrl_c;

use super::{
    args::{Output, Progress, SendArgs},
    dry_run,
    live::Live,
    otlp::Otlp,
    output::{complain, print, print_aside, warn},
    plan::{SendPlan, plan},
    run::Status,
    runtime, text, trace,
    width::tame_json,
};
use crate::{
    config::EngineConfig,
    engine::{Broadcast, BroadcastHandle, Clock, Engine, EngineBuilder, Target},
    report::{DeliveryState, Report},
    wire,
};

/// Sends, waits for every outcome, and prints what became of it.
pub(super) fn send(args: &SendArgs) -> io::Result<Status> {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(problems) => {
            complain(&problems);
            return Ok(Status::WrongUsage);
        }
    };
    if args.dry_run {
        return runtime::run(rehearse(plan))?;
    }
    let (otlp, broadcast) = (Otlp::from_env(), Otlp::continuing(plan.broadcast));
    let builder = otlp.attach(Engine::builder());
    let EngineConfig { retry_budget, limits, .. } = plan.engine;
    let builder = builder.retry_budget(retry_budget).limits(limits);
    runtime::run(async {
        let delivered = deliver(builder, plan.targets, broadcast, args.progress).await;
        let ended = tell(args, delivered);
        otlp.flush().await;
        ended
    })?
}

fn tell(args: &SendArgs, delivered: Result<(Report, bool), String>) -> io::Result<Status> {
    match delivered {
        Ok((report, interrupted)) => {
            show(args, &report)?;
            Ok(status(&report, interrupted))
        }
        Err(problem) => {
            complain(&[problem]);
            Ok(Status::OurFault)
        }
    }
}

async fn rehearse(plan: SendPlan) -> io::Result<Status> {
    match dry_run::play(plan).await {
        Ok((requests, unsendable)) => {
            print(&requests)?;
            complain(&unsendable);
            Ok(if unsendable.is_empty() { Status::Satisfied } else { Status::Unsatisfied })
        }
        Err(problem) => {
            complain(&[problem]);
            Ok(Status::OurFault)
        }
    }
}

/// Sends and waits for every outcome, while a person watches. Says whether it was interrupted.
pub(super) async fn deliver(
    builder: EngineBuilder,
    targets: impl IntoIterator<Item = Target>,
    broadcast: Broadcast,
    progress: Progress,
) -> Result<(Report, bool), String> {
    let clock = Clock::system();
    let builder = targets.into_iter().fold(builder.clock(clock), EngineBuilder::target);
    let engine = builder.start().await.map_err(|error| error.to_string())?;
    let handle = engine.send(broadcast).await.map_err(|error| error.to_string())?;
    let (report, interrupted) = wait(&handle, Live::new(progress, clock)).await;
    let report = report.ok_or("the engine has ended before its deliveries")?;
    // Whoever interrupts twice does not wait for what is in flight.
    if report.state() == DeliveryState::Settled {
        engine.shutdown().await;
    }
    Ok((report, interrupted))
}

/// How the program ends after it.
pub(super) fn status(report: &Report, interrupted: bool) -> Status {
    match (interrupted, report.satisfied()) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::Satisfied,
        (false, false) => Status::Unsatisfied,
    }
}

/// Waits for every outcome, and shows how it stands. The first interruption cancels what is open, the second one ends
/// the waiting.
async fn wait(handle: &BroadcastHandle, mut live: Live) -> (Option<Report>, bool) {
    let mut interrupted = false;
    let mut settled = pin!(handle.settled());
    let mut signal = Box::pin(ctrl_c());
    let report = loop {
        tokio::select! {
            biased;
            report = &mut settled => break report.ok(),
            heard = &mut signal => {
                if interrupted || heard.is_err() {
                    interrupted = true;
                    break handle.report().await.ok().flatten();
                }
                (interrupted, signal) = (true, Box::pin(ctrl_c()));
                complain(&["interrupted: what is open is cancelled".to_owned()]);
                if let Err(error) = handle.cancel().await {
                    complain(&[error.to_string()]);
                }
            }
            () = live.next(handle) => {}
        }
    };
    if let Some(report) = &report {
        live.end(report).await;
    }
    (report, interrupted)
}

fn show(args: &SendArgs, report: &Report) -> io::Result<()> {
    for delivery in report.deliveries.iter().filter(|delivery| delivery.parked_until.is_some()) {
        let target = &delivery.target;
        warn(&format!(
            "{target}: it would be parked (`fallback.park`): only a daemon sends it again"
        ));
    }
    match args.output {
        Output::Text => {
            print(&text::report(&wire::Report::from(report)))?;
            if args.trace {
                print(&format!("\n{}", trace::tree(report)))?;
            }
        }
        Output::Json => {
            let json = serde_json::to_string_pretty(&wire::Report::from(report))?;
            print(&format!("{}\n", tame_json(&json)))?;
            if args.trace {
                print_aside(&trace::tree(report))?;
            }
        }
    }
    Ok(())
}

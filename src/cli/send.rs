//! `fanfare send`.

use std::io;

use super::{
    args::{Output, SendArgs},
    dry_run::DryRun,
    output::{complain, print, print_aside},
    plan::{SendPlan, plan},
    run::Status,
    text, trace,
};
use crate::{
    engine::{BroadcastHandle, Engine, EngineBuilder, Target},
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if args.dry_run {
        return runtime.block_on(dry_run(plan));
    }
    runtime.block_on(deliver(args, plan))
}

async fn dry_run(plan: SendPlan) -> io::Result<Status> {
    match DryRun::play(plan).await {
        Ok(requests) => {
            print(&requests)?;
            Ok(Status::Satisfied)
        }
        Err(problem) => {
            complain(&[problem]);
            Ok(Status::OurFault)
        }
    }
}

async fn deliver(args: &SendArgs, plan: SendPlan) -> io::Result<Status> {
    let engine = match start(plan.targets).await {
        Ok(engine) => engine,
        Err(problem) => {
            complain(&[problem]);
            return Ok(Status::OurFault);
        }
    };
    let handle = match engine.send(plan.broadcast).await {
        Ok(handle) => handle,
        Err(error) => {
            complain(&[error.to_string()]);
            return Ok(Status::OurFault);
        }
    };
    let (report, interrupted) = wait(&handle).await;
    let Some(report) = report else {
        complain(&["the engine has ended before its deliveries".to_owned()]);
        return Ok(Status::OurFault);
    };
    show(args, &report)?;
    // Whoever interrupts twice does not wait for what is in flight.
    if report.state() == DeliveryState::Settled {
        engine.shutdown().await;
    }
    Ok(match (interrupted, report.satisfied()) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::Satisfied,
        (false, false) => Status::Unsatisfied,
    })
}

async fn start(targets: Vec<Target>) -> Result<Engine, String> {
    let builder = targets.into_iter().fold(Engine::builder(), EngineBuilder::target);
    builder.start().await.map_err(|error| error.to_string())
}

/// Waits for every outcome. The first interruption cancels what is open, the second one ends the waiting.
async fn wait(handle: &BroadcastHandle) -> (Option<Report>, bool) {
    let mut interrupted = false;
    loop {
        tokio::select! {
            report = handle.settled() => return (report.ok(), interrupted),
            signal = tokio::signal::ctrl_c() => {
                if interrupted || signal.is_err() {
                    return (handle.report().await.ok().flatten(), true);
                }
                interrupted = true;
                complain(&["interrupted: what is open is cancelled".to_owned()]);
                if let Err(error) = handle.cancel().await {
                    complain(&[error.to_string()]);
                }
            }
        }
    }
}

fn show(args: &SendArgs, report: &Report) -> io::Result<()> {
    match args.output {
        Output::Text => {
            print(&text::report(&wire::Report::from(report)))?;
            if args.trace {
                print(&format!("\n{}", trace::tree(report)))?;
            }
        }
        Output::Json => {
            let json = serde_json::to_string_pretty(&wire::Report::from(report))?;
            print(&format!("{json}\n"))?;
            if args.trace {
                print_aside(&trace::tree(report))?;
            }
        }
    }
    Ok(())
}

//! From the command line to the exit status.

use std::{io, process::ExitCode};

use clap::Parser;
use fanfare_sdk::{RegisterError, Registry};

use super::{
    args::{Cli, Command},
    check, explain, journal, key, kinds,
    new_target::new_target,
    output,
    quickstart::quickstart,
    schema, send, serve, server, top, versions,
};

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Satisfied = 0,
    Unsatisfied = 1,
    WrongUsage = 2,
    OurFault = 3,
    Interrupted = 130,
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    run_with(|_| Ok(()))
}

/// The same with further kinds of targets, beside the bundled ones: all commands know them.
///
/// `fn main` of a program with a target of its own is no more than
/// `fanfare::cli::run_with(|kinds| kinds.register(AcmeKind))`; `fanfare new-target` writes one.
#[must_use]
pub fn run_with(more: impl FnOnce(&mut Registry) -> Result<(), RegisterError>) -> ExitCode {
    quiet_panics();
    if let Err(error) = kinds::register(more) {
        output::complain(&[error.to_string()]);
        return ExitCode::from(Status::OurFault as u8);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What cannot be printed cannot be helped.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match cli.command {
        Command::Send(args) => match &args.server {
            Some(server) => server::send(&args, server),
            None => send::send(&args),
        },
        Command::Serve(args) => serve::serve(&args),
        Command::Key(args) => key::key(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Check(args) => check::check(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Targets(args) => match &args.server {
            Some(server) => server::targets(&args, server),
            None => schema::targets(),
        },
        Command::Versions(args) => versions::versions(&args),
        Command::Broadcasts(args) => server::broadcasts(&args),
        Command::DeadLetters(args) => server::dead_letters(&args),
        Command::Replay(args) => server::replay(&args),
        Command::Reload(args) => server::reload(&args),
        Command::Tail(args) => server::tail(&args),
        Command::Top(args) => top::top(&args),
        Command::Quickstart(args) => quickstart(&args),
        Command::NewTarget(args) => new_target(&args),
    };
    match done {
        Ok(status) => ExitCode::from(status as u8),
        // Whoever reads has had enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&[format!("cannot write: {error}")]);
            ExitCode::from(Status::OurFault as u8)
        }
    }
}

/// A panic in a plugin is an outcome. Where it happened is told, what it says is not: that may be a secret.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        output::complain(&[format!("a panic at {place}")]);
    }));
}

//! The command: what it starts, sends, prints and writes.

use std::{io, path::Path};

use fanfare_sdk::Payload;
use tokio::signal::ctrl_c;

use super::{
    apis::{Apis, PORTS},
    file::{self, TEXT, Written},
};
use crate::{
    cli::{
        args::QuickstartArgs,
        kinds::kinds,
        output::{complain, print},
        run::Status,
        runtime,
        send::{deliver, status},
        text, trace,
    },
    config::{Surroundings, load_str},
    engine::{Broadcast, Engine, Target},
    wire,
};

/// What is sent.
const SIGNUP: &str = r#"{"event":"signup","customer":{"name":"Ada","email":"ada@example.com"}}"#;
/// The route that it is sent along.
const ROUTE: &str = "signup";

/// Sends one payload to three small APIs, shows what becomes of it, and leaves a file to go on with.
pub(in crate::cli) fn quickstart(args: &QuickstartArgs) -> io::Result<Status> {
    let written = match file::write(&args.dir) {
        Ok(written) => written,
        Err(error) => {
            complain(&[format!("--dir: `{}`: {error}", args.dir.display())]);
            return Ok(Status::WrongUsage);
        }
    };
    runtime::run(show(args, &written))?
}

async fn show(args: &QuickstartArgs, written: &Written) -> io::Result<Status> {
    let apis = match start(args.serve).await {
        Ok(apis) => apis,
        Err(problem) => {
            complain(&[problem]);
            return Ok(Status::WrongUsage);
        }
    };
    print(&introduction(&apis))?;
    let status = match send(&apis, args).await {
        Ok(status) => status?,
        Err(problem) => {
            complain(&[problem]);
            return Ok(Status::OurFault);
        }
    };
    if status == Status::Interrupted {
        return Ok(status);
    }
    print(&next(&args.dir, written, args.serve))?;
    if args.serve {
        ctrl_c().await?;
        // Behind the `^C` that a terminal shows.
        print("\n")?;
    }
    apis.stop().await;
    Ok(status)
}

/// Where the file looks for them, if these ports are free; elsewhere only where nobody is to find them.
async fn start(serve: bool) -> Result<Apis, String> {
    let [first, _, last] = PORTS;
    match Apis::start_on(PORTS).await {
        Ok(apis) => Ok(apis),
        Err(_) if !serve => Apis::start().await.map_err(|error| format!("cannot listen: {error}")),
        Err(error) => Err(format!(
            "--serve: needs the ports {first} to {last}: {error}: end what listens there, perhaps another --serve"
        )),
    }
}

/// Sends, and prints what became of it.
async fn send(apis: &Apis, args: &QuickstartArgs) -> Result<io::Result<Status>, String> {
    let (targets, broadcast) = configured(apis)?;
    let (report, interrupted) =
        deliver(Engine::builder(), targets, broadcast, args.progress).await?;
    let told = format!("{}\n{}", text::report(&wire::Report::from(&report)), trace::tree(&report));
    Ok(print(&told).map(|()| status(&report, interrupted)))
}

/// The file, as it is read, with the ports on which the APIs are up.
fn configured(apis: &Apis) -> Result<(Vec<Target>, Broadcast), String> {
    let here = [apis.healthy(), apis.throttled(), apis.versioned()];
    let text = PORTS.iter().zip(here).fold(TEXT.to_owned(), |text, (port, here)| {
        text.replace(&format!("127.0.0.1:{port}"), &here.to_string())
    });
    let config = load_str("fanfare.yaml", &text, kinds(), &Surroundings::new(""))
        .map_err(|error| error.to_string())?;
    let route = config.routes.get(ROUTE).ok_or("the file has no such route")?;
    let payload = Payload::new("application/json", SIGNUP);
    let broadcast = Broadcast::along(ROUTE, route, &payload)
        .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<String>())?;
    Ok((config.targets.into_iter().map(Target::from).collect(), broadcast))
}

fn introduction(apis: &Apis) -> String {
    format!(
        "Three APIs are up:
  healthy    http://{}  accepts everything
  throttled  http://{}  asks to be left alone for a second first
  versioned  http://{}  speaks version 2, but no longer version 3
One payload goes to all of them: {SIGNUP}

",
        apis.healthy(),
        apis.throttled(),
        apis.versioned(),
    )
}

fn next(dir: &Path, written: &Written, serve: bool) -> String {
    let path = written.path().display();
    let file = match written {
        Written::New(_) => {
            format!("{path} was written: these three targets, and the route `{ROUTE}` to them.")
        }
        Written::LeftAsItWas(_) => format!("{path} was there before, and is as it was."),
    };
    let send = format!("fanfare send --config {path} --route {ROUTE} '{SIGNUP}'");
    if serve {
        return format!(
            "\n{file}\nThe APIs are up until Ctrl-C. Send to them from another terminal:\n  {send}\n"
        );
    }
    let dir =
        if dir == Path::new(".") { String::new() } else { format!(" --dir {}", dir.display()) };
    format!(
        "\n{file}\nTo go on, keep the APIs up in one terminal, and send to them from another one:\n  fanfare quickstart --serve{dir}\n  {send}\n"
    )
}

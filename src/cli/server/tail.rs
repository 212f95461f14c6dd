//! `fanfare tail`: a line for each thing that happens at a daemon.

use std::io;

use tokio::signal::ctrl_c;

use super::{
    args::TailArgs,
    client::{Client, Failed},
    happened::says,
    lists::{path, run, segment},
    stream::{Block, Came, Events},
};
use crate::{
    cli::{
        args::Output,
        output::{line, warn},
        run::Status,
        width::{tame, tame_json},
    },
    wire::Event,
};

/// Follows what happens until there is nothing more, or nobody reads it.
pub(in crate::cli) fn tail(args: &TailArgs) -> io::Result<Status> {
    run(async {
        let client = Client::new(&args.server.server, &args.server.credentials)?;
        let path = match &args.broadcast {
            Some(id) => format!("/v1/broadcasts/{}/events", segment(id)),
            None => {
                let (route, target) = (args.route.as_deref(), args.target.as_deref());
                let kind = args.kind.as_deref();
                path("/v1/events", &[("route", route), ("target", target), ("kind", kind)])
            }
        };
        tokio::select! {
            ended = follow(args, Events::new(client, path)) => ended,
            _ = ctrl_c() => Ok(Status::Interrupted),
        }
    })
}

async fn follow(args: &TailArgs, mut events: Events) -> Result<Status, Failed> {
    let mut was_lost = false;
    loop {
        let event = match events.next().await? {
            Came::Event(event) => event,
            Came::Connected => {
                if was_lost {
                    warn("connected again");
                }
                continue;
            }
            Came::Lost(why, pause) => {
                was_lost = true;
                warn(&format!("disconnected: {why}; again in {:.1} s", pause.as_secs_f64()));
                continue;
            }
            Came::Over => return Ok(Status::Satisfied),
        };
        match line(&shown(args, &event)) {
            // Whoever reads has had enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return Ok(Status::Satisfied);
            }
            Err(error) => return Err((Status::OurFault, vec![format!("cannot write: {error}")])),
            Ok(()) => {}
        }
        if args.broadcast.is_some() && event.kind == "broadcast_settled" {
            return Ok(Status::Satisfied);
        }
    }
}

/// The line of an event. One of a kind that this version does not know is told by its name.
fn shown(args: &TailArgs, event: &Block) -> String {
    if args.server.output == Output::Json {
        return format!("{}\n", tame_json(&event.data));
    }
    let Ok(Event { at, broadcast, route, what }) = serde_json::from_str(&event.data) else {
        return format!("{}\n", tame(&event.kind));
    };
    // As many digits on each line, so that they stand below each other.
    let at = at.parse::<jiff::Timestamp>().map_or(at, |at| format!("{at:.6}"));
    let mut words = vec![at];
    if args.broadcast.is_none() {
        words.extend(broadcast);
        words.extend(route);
    }
    words.push(says(&what));
    format!("{}\n", tame(&words.join("  ")))
}

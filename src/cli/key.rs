//! `fanfare key`: who may call a daemon.

use std::{io, path::PathBuf};

use clap::{Args, Subcommand};
use fanfare_sdk::Timestamp;
use serde_json::json;

use super::{
    args::Output,
    output::{complain, print, print_aside},
    payload::span,
    run::Status,
    server::table,
};
use crate::{
    daemon::callers::{EditError, Editing, Key, Keys, NewKey, Scope, Standing},
    engine::Clock,
};

#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Makes a key, and prints it once: it is kept nowhere.
    Create(CreateArgs),
    /// Lists the keys, without their secrets.
    List {
        #[command(flatten)]
        file: KeysArgs,
        /// What to print.
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: Output,
    },
    /// Takes a key back: a daemon that runs refuses it a second later.
    Revoke {
        /// Its id; or its name, where no other key has it.
        #[arg(value_name = "ID|NAME")]
        which: String,
        #[command(flatten)]
        file: KeysArgs,
    },
}

#[derive(Debug, Args)]
struct KeysArgs {
    /// The file of keys. It has no secrets: of each key a hash.
    #[arg(long, value_name = "FILE", env = "FANFARE_KEYS", default_value = "keys.json")]
    keys: PathBuf,
}

#[derive(Debug, Args)]
struct CreateArgs {
    #[command(flatten)]
    file: KeysArgs,
    /// Whose it is. Keys of the same name belong to the same caller.
    #[arg(long)]
    name: String,
    /// What it allows: `send`, `read`, `operate`, separated by commas.
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', default_value = "send,read,operate")]
    scope: Vec<String>,
    /// A route that it is bound to; without any it may send along all of them, and to targets. May be given several times.
    #[arg(long, value_name = "NAME")]
    route: Vec<String>,
    /// Requests a second.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// Requests at once.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    in_flight: u32,
    /// How long it is good; for ever unless set.
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
}

/// Makes, lists, takes back.
pub(super) fn key(args: &KeyArgs) -> io::Result<Status> {
    let now = Clock::system().now();
    let done = match &args.command {
        KeyCommand::Create(args) => return create(args, now),
        KeyCommand::List { file, output } => {
            Keys::load(&file.keys).map(|keys| list(&keys, *output, now)).map_err(EditError::from)
        }
        KeyCommand::Revoke { which, file } => there(&file.keys)
            .and_then(|()| Editing::begin(&file.keys))
            .and_then(|editing| editing.revoke(which, now))
            .map(|id| format!("{id}\n")),
    };
    match done {
        Ok(text) => {
            print(&text)?;
            Ok(Status::Satisfied)
        }
        Err(error) => Ok(refused(&error)),
    }
}

/// A file that is to be changed and is not there was mistyped.
fn there(path: &std::path::Path) -> Result<(), EditError> {
    let io = |error| EditError::Io { path: path.display().to_string(), error };
    std::fs::metadata(path).map(drop).map_err(io)
}

fn create(args: &CreateArgs, now: Timestamp) -> io::Result<Status> {
    let mut wrong = Vec::new();
    let mut new = NewKey::new(&args.name);
    (new.rate, new.in_flight) = (args.rate, args.in_flight);
    (new.routes, new.scopes) = (args.route.clone(), Vec::new());
    for typed in &args.scope {
        match Scope::ALL.into_iter().find(|scope| scope.name() == typed.trim()) {
            Some(scope) => new.scopes.push(scope),
            None => wrong.push(format!(
                "--scope: `{}` is none: `send`, `read` and `operate` are",
                super::width::tame(typed)
            )),
        }
    }
    match args.expires.as_ref().map(|text| span("--expires", text)).transpose() {
        Ok(Some(after)) if after.is_zero() => {
            wrong.push("--expires: must be longer than zero".to_owned());
        }
        Ok(expires) => new.expires = expires,
        Err(says) => wrong.push(says),
    }
    if !wrong.is_empty() {
        complain(&wrong);
        return Ok(Status::WrongUsage);
    }
    let made = Editing::begin(&args.file.keys).and_then(|editing| editing.create(new, now));
    match made {
        Ok(token) => {
            let file = args.file.keys.display();
            print_aside(&format!(
                "{} in {file}. The key is shown now, and never again:\n",
                token.id()
            ))?;
            print(&format!("{}\n", token.expose()))?;
            Ok(Status::Satisfied)
        }
        Err(error) => Ok(refused(&error)),
    }
}

fn refused(error: &EditError) -> Status {
    complain(&error.to_string().lines().map(str::to_owned).collect::<Vec<_>>());
    Status::WrongUsage
}

fn list(keys: &Keys, output: Output, now: Timestamp) -> String {
    match output {
        Output::Text => table(&keys.iter().map(|key| row(key, now)).collect::<Vec<_>>()),
        Output::Json => {
            let all: Vec<_> = keys.iter().map(|key| entry(key, now)).collect();
            format!("{:#}\n", json!({ "keys": all }))
        }
    }
}

fn row(key: &Key, now: Timestamp) -> [String; 6] {
    let until = match (key.standing(now), key.revoked.or(key.expires)) {
        (Standing::Active, None) => "good".to_owned(),
        (Standing::Active, Some(at)) => format!("good until {}", time(at)),
        (standing, at) => format!("{} {}", word(standing), at.map(time).unwrap_or_default()),
    };
    [
        key.id.clone(),
        key.name.clone(),
        key.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(","),
        key.routes.as_ref().map_or_else(
            || "all routes".to_owned(),
            |routes| routes.iter().cloned().collect::<Vec<_>>().join(","),
        ),
        format!("{}/s, {} at once", key.rate, key.in_flight),
        until,
    ]
}

fn entry(key: &Key, now: Timestamp) -> serde_json::Value {
    let Key { id, name, scopes, routes, rate, in_flight, .. } = key;
    let [created, expires, revoked] =
        [key.created, key.expires, key.revoked].map(|it| it.map(time));
    json!({
        "id": id, "name": name, "scopes": scopes, "routes": routes, "rate": rate, "in_flight": in_flight,
        "created": created, "expires": expires, "revoked": revoked, "standing": word(key.standing(now)),
    })
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "good",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
    }
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default().to_string()
}

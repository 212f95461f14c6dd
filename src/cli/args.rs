//! What a person may type.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    doors::DoorArgs,
    key::KeyArgs,
    server::{
        BroadcastsArgs, CredentialArgs, DeadLettersArgs, ReloadArgs, ReplayArgs, TailArgs,
        TargetsArgs, TopArgs,
    },
};

/// One payload to many APIs at once, and the truth about what became of it at each of them.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, after_help = AFTER)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// What a configuration says of its targets is not said again on the command line.
const CONFIGURED: [&str; 3] = ["config", "route", "target"];

const AFTER: &str = "Exit status: 0 satisfied, 1 unsatisfied, 2 wrong usage or configuration, 3 a fault of ours, 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Sends a payload to several URLs, and says what became of it at each of them.
    Send(SendArgs),
    /// Takes broadcasts over HTTP, keeps them in a journal on disk, and delivers them.
    Serve(ServeArgs),
    /// Makes, lists and takes back the keys of whoever may call a daemon.
    Key(KeyArgs),
    /// Looks at a journal on disk, copies it, seals it.
    Journal(super::journal_args::JournalArgs),
    /// Plays answers of an API in virtual time, and says what a delivery would do and why.
    Explain(ExplainArgs),
    /// Sends one payload to three small APIs of its own, and writes a file to go on with.
    Quickstart(QuickstartArgs),
    /// Says what is wrong with a configuration: everything, with file, line and key.
    Check(CheckArgs),
    /// Writes a crate for a target of one's own: it compiles, and passes the conformance suite.
    NewTarget(NewTargetArgs),
    /// Prints a JSON Schema: of a configuration, a report, or a kind of target.
    Schema(SchemaArgs),
    /// Prints the kinds of targets and their keys; or, of a daemon, how its targets stand.
    Targets(TargetsArgs),
    /// Lists the versions of all targets: what is spoken, what is deprecated, when it ends, what follows.
    Versions(super::versions::VersionsArgs),
    /// Lists the broadcasts of a daemon, or prints the report of one.
    Broadcasts(BroadcastsArgs),
    /// Lists what ended without success at a daemon, or takes it off the list.
    DeadLetters(DeadLettersArgs),
    /// Lets a daemon send dead letters again.
    Replay(ReplayArgs),
    /// Lets a daemon read its configuration again, and says what has changed.
    Reload(ReloadArgs),
    /// Prints what happens at a daemon, as it happens.
    Tail(TailArgs),
    /// Shows the targets and the broadcasts of a daemon at a terminal, and has its levers.
    Top(TopArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The configuration; `fanfare.yaml` unless named.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Looks at all else where secrets are not at hand, as in CI: something stands in for variables and files that are not
    /// there, and no command is run.
    #[arg(long, conflicts_with = "probe")]
    pub(super) without_secrets: bool,
    /// Asks each target too whether it is there, by a request without effect.
    #[arg(long)]
    pub(super) probe: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// What is described.
    #[arg(default_value = "config")]
    pub(super) of: SchemaOf,
    /// The kind of target, behind `target`.
    pub(super) kind: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// What is written: `fanfare.yaml`.
    Config,
    /// What is printed by `--output json`.
    Report,
    /// What a target gets that is notified.
    Notice,
    /// What is streamed by a daemon, and by `fanfare tail --output json`.
    Event,
    /// One kind of target.
    Target,
    /// What a daemon can be asked: OpenAPI 3.1.
    #[value(name = "openapi")]
    OpenApi,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// The payload: as it is, `@FILE`, or `-` for standard input.
    pub(super) payload: Option<String>,
    /// A URL to send it to. May be given several times.
    #[arg(long, value_name = "URL", conflicts_with_all = CONFIGURED)]
    pub(super) to: Vec<String>,
    /// The daemon that is to send it, along a route or to targets of its own configuration.
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = ["to", "config", "header", "bearer_env", "method", "timeout", "attempts", "dry_run", "trace"]
    )]
    pub(super) server: Option<String>,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
    /// The configuration whose targets it is sent to; `fanfare.yaml` unless named.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A route of the configuration.
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    pub(super) route: Option<String>,
    /// A target of the configuration. May be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,
    /// The media type of the payload.
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,
    /// A header of every request. May be given several times.
    #[arg(long, value_name = "NAME:VALUE", conflicts_with_all = CONFIGURED)]
    pub(super) header: Vec<String>,
    /// The environment variable that holds a bearer token.
    #[arg(long, value_name = "NAME", conflicts_with_all = CONFIGURED)]
    pub(super) bearer_env: Option<String>,
    /// The method of the requests.
    #[arg(long, value_name = "METHOD", default_value = "POST", conflicts_with_all = CONFIGURED)]
    pub(super) method: String,
    /// How long one attempt may take.
    #[arg(long, value_name = "DURATION", default_value = "10s", conflicts_with_all = CONFIGURED)]
    pub(super) timeout: String,
    /// Attempts at each URL, the first included. What may have been applied is never sent again.
    #[arg(long, value_name = "COUNT", default_value_t = 3, conflicts_with_all = CONFIGURED)]
    pub(super) attempts: u32,
    /// When the verdict falls at the latest; what is open then is cancelled.
    #[arg(long, value_name = "DURATION")]
    pub(super) deadline: Option<String>,
    /// Tells two sendings of the same thing from two things: the keys that the APIs get are made from it.
    #[arg(long, value_name = "KEY")]
    pub(super) idempotency_key: Option<String>,
    /// Prints the requests, and sends nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What to print.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(super) output: Output,
    /// What to tell on standard error while it is open.
    #[arg(long, value_name = "FORM", default_value = "auto")]
    pub(super) progress: Progress,
    /// Prints the trace too: to standard output beside text, to standard error beside JSON.
    #[arg(long)]
    pub(super) trace: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Output {
    /// A line for each target, the verdict, and what somebody should look at.
    Text,
    /// One report (`fanfare schema`).
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Progress {
    /// `live` at a terminal, `plain` at one that cannot redraw (TERM=dumb), else `none`.
    Auto,
    /// A line for each target, redrawn in place.
    Live,
    /// A line for each thing that happens.
    Plain,
    /// Nothing.
    None,
}

#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The configuration; `fanfare.yaml` unless named.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The journal: it is made where there is none. One process has it at a time.
    #[arg(long, value_name = "FILE", default_value = "fanfare.db")]
    pub(super) journal: PathBuf,
    /// Where it listens: a loopback address, unless callers need a key. Port 0 takes any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) listen: SocketAddr,
    #[command(flatten)]
    pub(super) doors: DoorArgs,
    /// How long attempts in flight may take to end after SIGTERM or Ctrl-C; what is left goes on at the next start.
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(super) grace: String,
    /// Takes the configuration over whenever its file, or one that it refers to, has changed; without it on SIGHUP and
    /// `fanfare reload` only.
    #[arg(long)]
    pub(super) watch: bool,
    /// Gives up what is open for targets that are not in the configuration any more, instead of refusing to start.
    #[arg(long)]
    pub(super) give_up_unserved: bool,
    /// What is logged to standard error: a level (`error`, `warn`, `info`, `debug`, `trace`), or levels by module.
    #[arg(long, value_name = "FILTER", env = "FANFARE_LOG", default_value = "info")]
    pub(super) log: String,
    /// How it is logged.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(super) log_format: LogFormat,
    #[command(flatten)]
    pub(super) master_keys: super::master_key::MasterKeyArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum LogFormat {
    /// A line for each event, for people.
    Text,
    /// A JSON object for each event, a line each.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct QuickstartArgs {
    /// The folder that `fanfare.yaml` is written into, unless there is one.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,
    /// Keeps the APIs up afterwards, on the ports that the file names, until Ctrl-C.
    #[arg(long)]
    pub(super) serve: bool,
    /// What to tell on standard error while it is open.
    #[arg(long, value_name = "FORM", default_value = "auto")]
    pub(super) progress: Progress,
}

#[derive(Debug, Args)]
pub(super) struct NewTargetArgs {
    /// The name of the crate: small letters, digits and `-`. Without `fanfare-` it is the `kind` of configurations.
    pub(super) name: String,
    /// The folder that the crate's own folder is made in.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,
    /// A checkout of fanfare that the crate is to depend on, instead of published versions.
    #[arg(long, value_name = "DIR")]
    pub(super) path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The answers, one for each attempt, as they are, `@FILE`, or `-`: a status, `hang`, `reset` or `refused`, with
    /// `after=20ms` and headers (`retry-after=2`) behind it; separated by commas or lines. The last one repeats.
    /// With `--load`, the one answer that every API gives where no outage says anything else; `200 after=100ms` unless set.
    #[arg(long, required_unless_present = "load")]
    pub(super) script: Option<String>,
    /// Plays many deliveries instead of one: `10/s for 1m`, or `500 at once`. Prints what became of them, what they
    /// waited for, and what each API saw.
    #[arg(long, value_name = "RATE", conflicts_with = "cancel_after")]
    pub(super) load: Option<String>,
    /// What an API does for some time: `crm: down from 10s to 3m`. Beside `down`, `slow 3s` and all answers of a script
    /// are understood; `20%` among them concerns so many requests of a hundred, `crm at URL` one endpoint only. Without
    /// `from` and `to` it is always so. May be given several times; the last one counts.
    #[arg(long, value_name = "WHAT", requires = "load")]
    pub(super) outage: Vec<String>,
    /// What to print of a load: tables, or the same numbers for programs.
    #[arg(long, value_name = "FORM", default_value = "text", requires = "load")]
    pub(super) output: ExplainOutput,
    /// The configuration whose policies are played; without it, those of the options below are.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A route of the configuration: each of its recipients gets the script.
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    pub(super) route: Option<String>,
    /// A target of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,
    /// Attempts on one way, the first included.
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    pub(super) attempts: u32,
    /// How long one attempt may take.
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub(super) timeout: String,
    /// When the delivery expires.
    #[arg(long, value_name = "DURATION", default_value = "5m")]
    pub(super) give_up_after: String,
    /// The pauses between attempts, one after the other; the last one repeats. Doubling from 200ms to 10s unless set.
    #[arg(long, value_name = "DURATION", value_delimiter = ',')]
    pub(super) backoff: Vec<String>,
    /// How much of a pause is left to chance.
    #[arg(long, default_value = "full")]
    pub(super) jitter: JitterArg,
    /// Draws the jitter.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Where a repeat does no harm.
    #[arg(long, default_value = "never")]
    pub(super) repeat: RepeatArg,
    /// The versions of the API, preferred first.
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    pub(super) versions: Vec<String>,
    /// Makes a second attempt beside one that is slow, after that time.
    #[arg(long, value_name = "DURATION")]
    pub(super) hedge: Option<String>,
    /// Other endpoints to fall back to.
    #[arg(long, value_name = "NAME")]
    pub(super) endpoint: Vec<String>,
    /// Other targets to fall back to.
    #[arg(long, value_name = "NAME")]
    pub(super) stand_in: Vec<String>,
    /// When the caller cancels.
    #[arg(long, value_name = "DURATION")]
    pub(super) cancel_after: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum ExplainOutput {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum JitterArg {
    Full,
    Equal,
    Decorrelated,
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RepeatArg {
    Never,
    #[value(alias = "same_endpoint")]
    SameEndpoint,
    Anywhere,
}

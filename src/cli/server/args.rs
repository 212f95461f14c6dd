//! What a person may type to ask a daemon.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::client::{Client, Failed};
use crate::cli::args::Output;

/// Which daemon.
#[derive(Debug, Args)]
pub(super) struct ServerArgs {
    /// The daemon.
    #[arg(
        long,
        value_name = "URL",
        env = "FANFARE_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(super) server: String,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
    /// What to print.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(super) output: Output,
}

/// Who asks, and how it is known who answers.
#[derive(Debug, Args)]
pub(in crate::cli) struct CredentialArgs {
    /// The environment variable that holds the key that the daemon asks for; `FANFARE_KEY` unless named.
    #[arg(long, value_name = "NAME", requires = "server")]
    pub(super) key_env: Option<String>,
    /// The certificates (PEM) that the daemon's is signed by, where they are not the system's.
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(super) server_ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BroadcastsArgs {
    /// One broadcast: prints its report.
    #[arg(conflicts_with_all = ["route", "target", "state", "verdict", "from", "until", "limit", "cursor"])]
    pub(super) id: Option<String>,
    /// Ends what has not ended of it.
    #[arg(long, requires = "id")]
    pub(super) cancel: bool,
    /// Sent to that route.
    #[arg(long, value_name = "NAME")]
    pub(super) route: Option<String>,
    /// With that recipient.
    #[arg(long, value_name = "NAME")]
    pub(super) target: Option<String>,
    /// `open` or `settled`.
    #[arg(long)]
    pub(super) state: Option<String>,
    /// `satisfied` or `unsatisfied`.
    #[arg(long)]
    pub(super) verdict: Option<String>,
    /// Accepted then or later: RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// Accepted before.
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(super) limit: usize,
    /// Where the page before ended.
    #[arg(long)]
    pub(super) cursor: Option<String>,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(super) struct LetterArgs {
    /// Of that broadcast.
    #[arg(long, value_name = "ID")]
    pub(super) broadcast: Option<String>,
    /// To that recipient.
    #[arg(long, value_name = "NAME")]
    pub(super) target: Option<String>,
    /// Sent to that route.
    #[arg(long, value_name = "NAME")]
    pub(super) route: Option<String>,
    /// `failed`, `indeterminate`, `expired` or `substituted`.
    #[arg(long)]
    pub(super) outcome: Option<String>,
    /// For that reason, by its code.
    #[arg(long, value_name = "CODE")]
    pub(super) reason: Option<String>,
    /// Ended then or later: RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<String>,
    /// Ended before.
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "COUNT")]
    pub(super) limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeadLettersArgs {
    #[command(flatten)]
    pub(super) letters: LetterArgs,
    /// Where the page before ended.
    #[arg(long, conflicts_with = "discard")]
    pub(super) cursor: Option<String>,
    /// Takes them off the list, instead of printing it.
    #[arg(long)]
    pub(super) discard: bool,
    /// Says how many would be taken off, and does nothing.
    #[arg(long, requires = "discard")]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(true).args(["broadcast", "target", "route", "outcome", "reason", "from", "until", "all"]))]
pub(in crate::cli) struct ReplayArgs {
    #[command(flatten)]
    pub(super) letters: LetterArgs,
    /// All dead letters of which it is certain that nothing was applied.
    #[arg(long)]
    pub(super) all: bool,
    /// Says what would be sent again, and does nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Deliveries a second: the daemon goes on with it in the background.
    #[arg(long, value_name = "COUNT", conflicts_with = "limit")]
    pub(super) rate: Option<u32>,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReloadArgs {
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TargetsArgs {
    /// Asks that daemon how its targets stand, instead of printing the kinds of targets.
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) server: Option<String>,
    #[command(flatten)]
    pub(super) credentials: CredentialArgs,
    /// Holds attempts at a target back.
    #[arg(long, value_name = "NAME", requires = "server", group = "lever")]
    pub(super) pause: Option<String>,
    /// Lets attempts at it through again.
    #[arg(long, value_name = "NAME", requires = "server", group = "lever")]
    pub(super) resume: Option<String>,
    /// The same, where it asked not to be called or has failed.
    #[arg(long, value_name = "NAME", requires = "server", group = "lever")]
    pub(super) revive: Option<String>,
    /// What to print.
    #[arg(long, value_name = "FORM", default_value = "text", requires = "server")]
    pub(super) output: Output,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TailArgs {
    /// What happens to that broadcast: from its beginning to its end.
    #[arg(long, value_name = "ID", conflicts_with_all = ["route", "target", "kind"])]
    pub(super) broadcast: Option<String>,
    /// What happens to broadcasts on that route.
    #[arg(long, value_name = "NAME")]
    pub(super) route: Option<String>,
    /// What happens to that target, and to deliveries to it.
    #[arg(long, value_name = "NAME")]
    pub(super) target: Option<String>,
    /// Only these kinds, with commas between: `verdict,breaker_changed`.
    #[arg(long, value_name = "KINDS")]
    pub(super) kind: Option<String>,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TopArgs {
    /// The daemon.
    #[arg(
        long,
        value_name = "URL",
        env = "FANFARE_SERVER",
        default_value = "http://127.0.0.1:8080"
    )]
    server: String,
    #[command(flatten)]
    credentials: CredentialArgs,
}

impl TopArgs {
    /// The daemon.
    pub(in crate::cli) fn url(&self) -> &str {
        &self.server
    }

    /// Who asks it.
    pub(in crate::cli) fn client(&self) -> Result<Client, Failed> {
        Client::new(&self.server, &self.credentials)
    }
}

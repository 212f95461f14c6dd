//! The versions of all targets: of a configuration, with what a journal has learned of them; or as a daemon has them.

use std::{collections::HashMap, io, path::PathBuf};

use clap::Args;
use fanfare_sdk::Timestamp;

use super::text::{near, text};
use crate::{
    cli::{
        args::Output,
        kinds::load_without_secrets,
        output::warn,
        run::Status,
        server::{Client, CredentialArgs, Failed, run, say},
    },
    engine::Clock,
    journal::SqliteJournal,
    policy::{TargetPolicy, gate::Gate, versions as all_versions},
    wire::{
        listing::{TargetVersions, Targets, Version, Versions},
        time,
    },
};

#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsArgs {
    /// The configuration; `fanfare.yaml` unless named.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The journal of a daemon, which may have it open: what its targets have rejected and announced is shown too.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// The daemon that is asked instead.
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "journal"])]
    server: Option<String>,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// Exits with 1 where a version ends within so many days, or has ended: for a nightly job.
    #[arg(long, value_name = "DAYS")]
    warn_days: Option<u32>,
    /// What to print.
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Output,
}

/// Lists the versions of all targets.
pub(in crate::cli) fn versions(args: &VersionsArgs) -> io::Result<Status> {
    run(async {
        let now = Clock::system().now();
        let targets = match &args.server {
            Some(server) => asked(&Client::new(server, &args.credentials)?).await?,
            None => configured(args, now)?,
        };
        let found = Versions { at: time(now), targets };
        say(&match args.output {
            Output::Json => json(&found)?,
            Output::Text => text(&found, now),
        })?;
        let near = args.warn_days.map(|days| near(&found, days, now)).unwrap_or_default();
        near.iter().for_each(|says| warn(says));
        Ok(if near.is_empty() { Status::Satisfied } else { Status::Unsatisfied })
    })
}

fn json(found: &Versions) -> Result<String, Failed> {
    let json = serde_json::to_string_pretty(found);
    let json = json.map_err(|error| (Status::OurFault, vec![error.to_string()]))?;
    Ok(format!("{json}\n"))
}

/// As a daemon has them.
async fn asked(client: &Client) -> Result<Vec<TargetVersions>, Failed> {
    let targets: Targets = client.get("/v1/targets").await?.read()?;
    let of = |it: crate::wire::listing::Target| TargetVersions {
        target: it.name,
        versions: it.versions,
    };
    Ok(targets.targets.into_iter().map(of).collect())
}

/// As they are configured, with what the journal knows of them.
fn configured(args: &VersionsArgs, now: Timestamp) -> Result<Vec<TargetVersions>, Failed> {
    let wrong = |says: Vec<String>| (Status::WrongUsage, says);
    let config = load_without_secrets(args.config.as_ref()).map_err(wrong)?;
    let kept = args.journal.as_ref().map(|path| SqliteJournal::kept_gates(path)).transpose();
    let kept = kept.map_err(|error| wrong(vec![error.to_string()]))?.unwrap_or_default();
    let mut kept: HashMap<_, _> = kept.into_iter().collect();
    let of = |policy: &TargetPolicy| {
        let gate = match kept.remove(&policy.target) {
            Some(kept) => Gate::restore(policy.gate.clone(), kept),
            None => Gate::new(policy.gate.clone()),
        };
        let versions = all_versions(policy, &gate, now);
        let versions = versions.iter().map(Version::from).collect();
        TargetVersions { target: policy.target.to_string(), versions }
    };
    Ok(config.targets.iter().map(|target| &target.policy).map(of).collect())
}

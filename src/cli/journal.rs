//! `fanfare journal stats` and `check`: what stands in a file.

use std::io;

use fanfare_sdk::Timestamp;

use super::{
    args::{JournalArgs, JournalCommand, Output},
    output::{complain, print},
    run::Status,
};
use crate::journal::{SqliteJournal, sqlite::JournalStats};

/// Looks at the file. A daemon may have it open.
pub(super) fn journal(args: &JournalArgs) -> io::Result<Status> {
    let told = match &args.command {
        JournalCommand::Stats { file, output } => SqliteJournal::stats(file).map(|stats| {
            let text = match output {
                Output::Text => text(&stats),
                Output::Json => {
                    serde_json::to_string_pretty(&stats).map(|it| it + "\n").unwrap_or_default()
                }
            };
            (text, Vec::new())
        }),
        JournalCommand::Check { file } => SqliteJournal::check(file).map(|wrong| {
            let fine = format!("{}: all is as it must be\n", file.display());
            (if wrong.is_empty() { fine } else { String::new() }, wrong)
        }),
    };
    match told {
        Ok((text, wrong)) => {
            print(&text)?;
            complain(&wrong);
            Ok(if wrong.is_empty() { Status::Satisfied } else { Status::Unsatisfied })
        }
        Err(error) => {
            complain(&[error.to_string()]);
            Ok(Status::WrongUsage)
        }
    }
}

fn text(stats: &JournalStats) -> String {
    let oldest =
        stats.oldest_open.map_or_else(String::new, |at| format!(", the oldest since {}", time(at)));
    let mut text = format!(
        "broadcasts    {} ({} open{oldest})\ndeliveries    {} ({} open)\ndead letters  {}\nevents        {}\n\
         payloads      {}\nfile          {} ({} free), log {}\nstarted       {} times\n",
        stats.broadcasts,
        stats.broadcasts_open,
        stats.deliveries,
        stats.deliveries_open,
        stats.dead_letters,
        stats.events,
        bytes(stats.payload_bytes),
        bytes(stats.bytes),
        bytes(stats.bytes_free),
        bytes(stats.log_bytes),
        stats.boots,
    );
    for target in &stats.targets {
        let name = super::width::tame(&target.name);
        text += &format!("{name}: {} open, {} dead letters\n", target.open, target.dead_letters);
    }
    text
}

fn time(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default();
    at.to_string()
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

//! `fanfare journal`: what stands in a file, and what is done with it.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter},
    path::Path,
};

use fanfare_sdk::Timestamp;

use super::{
    args::Output,
    journal_args::{JournalArgs, JournalCommand},
    master_key::{KeyOrNone, MasterKeyArgs},
    output::{complain, print},
    plan::Wrong,
    run::Status,
};
use crate::journal::{
    SqliteJournal, SqliteSettings,
    sqlite::{JournalStats, MasterKey, OpenError, TransferError},
};

/// What is printed, and what is wrong; none where it was wrong before anything began.
type Told = Result<(String, Vec<String>), Vec<String>>;

/// Does something with the file.
pub(super) fn journal(args: &JournalArgs) -> io::Result<Status> {
    let told = match &args.command {
        JournalCommand::Stats { file, output } => stats(file.path(), *output),
        JournalCommand::Check { file, master_keys } => check(file.path(), master_keys),
        JournalCommand::Rekey { file, from, to } => rekey(file.path(), from, to),
        JournalCommand::Export { file, to, master_keys } => {
            return export(file.path(), to.as_deref(), master_keys);
        }
        JournalCommand::Import { file, from, master_keys } => {
            import(file.path(), from, master_keys)
        }
        JournalCommand::Backup { file, to } => backup(file.path(), to),
        JournalCommand::Vacuum { file } => vacuum(file.path()),
    };
    tell(told)
}

fn tell(told: Told) -> io::Result<Status> {
    match told {
        Ok((text, wrong)) => {
            print(&text)?;
            complain(&wrong);
            Ok(if wrong.is_empty() { Status::Satisfied } else { Status::Unsatisfied })
        }
        Err(wrong) => {
            complain(&wrong);
            Ok(Status::WrongUsage)
        }
    }
}

fn stats(file: &Path, output: Output) -> Told {
    let stats = SqliteJournal::stats(file).map_err(refused)?;
    let text = match output {
        Output::Text => text(&stats),
        Output::Json => {
            serde_json::to_string_pretty(&stats).map(|it| it + "\n").unwrap_or_default()
        }
    };
    Ok((text, Vec::new()))
}

fn check(file: &Path, keys: &MasterKeyArgs) -> Told {
    let checked = SqliteJournal::check(file, &read(keys)?).map_err(refused)?;
    let mut text = match checked.wrong.is_empty() {
        true => format!("{}: all is as it must be\n", file.display()),
        false => String::new(),
    };
    if checked.locked > 0 {
        text += &format!(
            "{} sealed broadcasts were not opened: their master key was not given\n",
            checked.locked
        );
    }
    Ok((text, checked.wrong))
}

fn rekey(file: &Path, from: &[KeyOrNone], to: &KeyOrNone) -> Told {
    let mut wrong = Wrong::default();
    let sources = from.iter().filter_map(|it| it.0.as_ref());
    let from: Vec<_> = sources.filter_map(|it| wrong.take(it.read("--from "))).collect();
    let to = to.0.as_ref().and_then(|it| wrong.take(it.read("--to ")));
    if !wrong.0.is_empty() {
        return Err(wrong.0);
    }
    let done = SqliteJournal::rekey(file, &from, to.as_ref()).map_err(|error| match error {
        OpenError::KeyMissing { .. } => vec![format!("{error}: name it with --from")],
        error => refused(error),
    })?;
    let text = format!(
        "{} keys of broadcasts wrapped anew, {} broadcasts sealed, {} not sealed any more\n",
        done.wrapped, done.sealed, done.unsealed
    );
    let left = format!(
        "{} broadcasts do not open, and stay as they are: `fanfare journal check` names them",
        done.left
    );
    Ok((text, if done.left > 0 { vec![left] } else { Vec::new() }))
}

fn export(file: &Path, to: Option<&Path>, keys: &MasterKeyArgs) -> io::Result<Status> {
    let keys = match read(keys) {
        Ok(keys) => keys,
        Err(wrong) => return tell(Err(wrong)),
    };
    let exported = match to {
        None => SqliteJournal::export(file, &keys, &mut BufWriter::new(io::stdout().lock())),
        Some(path) => match create(path) {
            Ok(created) => {
                let exported = SqliteJournal::export(file, &keys, &mut BufWriter::new(&created));
                exported.and_then(|it| created.sync_all().map(|()| it).map_err(Into::into))
            }
            Err(error) => return tell(Err(vec![format!("{}: {error}", path.display())])),
        },
    };
    match exported {
        // Whoever reads has had enough: `run` knows.
        Err(TransferError::Lines(error)) => Err(error),
        Err(error) => {
            if let Some(path) = to {
                // Half of it is nothing.
                drop(std::fs::remove_file(path));
            }
            tell(Err(vec![hinted(&error)]))
        }
        Ok(exported) => tell(Ok((String::new(), exported.left))),
    }
}

/// A new file that only its owner reads.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn import(file: &Path, from: &Path, keys: &MasterKeyArgs) -> Told {
    let mut settings = SqliteSettings::new(file);
    settings.master_keys = read(keys)?;
    let imported = if from == Path::new("-") {
        SqliteJournal::import(&settings, &mut io::stdin().lock())
    } else {
        let opened = File::open(from).map_err(|error| vec![format!("{}: {error}", from.display())]);
        SqliteJournal::import(&settings, &mut BufReader::new(opened?))
    };
    let mut imported = imported.map_err(|error| vec![hinted(&error)])?;
    let told = imported.wrong.len() as u64;
    if imported.lines_wrong > told {
        imported.wrong.push(format!("and more: {} lines are wrong", imported.lines_wrong));
    }
    let text = format!(
        "{} broadcasts imported, {} were there already, {} lines are wrong\n",
        imported.broadcasts, imported.known, imported.lines_wrong
    );
    Ok((text, imported.wrong))
}

fn backup(file: &Path, to: &Path) -> Told {
    let copied = SqliteJournal::backup(file, to).map_err(refused)?;
    Ok((format!("{}: {}\n", to.display(), bytes(copied)), Vec::new()))
}

fn vacuum(file: &Path) -> Told {
    let done = SqliteJournal::vacuum(file).map_err(refused)?;
    let (before, after) = (bytes(done.before), bytes(done.after));
    Ok((format!("{}: {after}, before it was {before}\n", file.display()), Vec::new()))
}

fn read(keys: &MasterKeyArgs) -> Result<Vec<MasterKey>, Vec<String>> {
    let mut wrong = Wrong::default();
    let keys = keys.read(&mut wrong);
    if wrong.0.is_empty() { Ok(keys) } else { Err(wrong.0) }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` calls it")]
fn refused(error: OpenError) -> Vec<String> {
    vec![error.to_string()]
}

fn hinted(error: &TransferError) -> String {
    match error {
        TransferError::Journal(OpenError::KeyMissing { .. }) => {
            format!(
                "{error}: name it with --master-key-file, --master-key-env or --master-key-command"
            )
        }
        error => error.to_string(),
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
    if !stats.master_keys.is_empty() {
        text += &format!("sealed        with the master key {}\n", stats.master_keys.join(" and "));
    }
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

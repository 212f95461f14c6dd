//! Where a master key comes from: a variable of the environment, a file, or what a command prints.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::{ArgMatches, Args, FromArgMatches};
use fanfare_sdk::Secret;

use super::plan::Wrong;
use crate::{config::printed, journal::sqlite::MasterKey};

/// Longer is no key.
const TEXT_BYTES_MAX: u64 = 4_096;

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum KeySource {
    Env(String),
    File(PathBuf),
    Command(String),
}

/// All of them, in the order in which they were typed: the first one seals.
#[derive(Clone, Debug, Default)]
pub(super) struct MasterKeyArgs(Vec<KeySource>);

/// As they are typed.
#[derive(Debug, Args)]
struct Typed {
    /// The master key that seals the journal, 32 bytes in base64, stands in that variable of the environment. Of several
    /// master keys the first one seals, and the others open what they have sealed before.
    #[arg(long, value_name = "NAME")]
    master_key_env: Vec<String>,
    /// The same, in that file.
    #[arg(long, value_name = "FILE")]
    master_key_file: Vec<PathBuf>,
    /// The same, as that command prints it (`sh -c COMMAND`).
    #[arg(long, value_name = "COMMAND")]
    master_key_command: Vec<String>,
}

impl FromArgMatches for MasterKeyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = Typed::from_arg_matches(matches)?;
        let places = |id: &str| matches.indices_of(id).into_iter().flatten();
        let env = typed.master_key_env.into_iter().map(KeySource::Env);
        let file = typed.master_key_file.into_iter().map(KeySource::File);
        let command = typed.master_key_command.into_iter().map(KeySource::Command);
        let mut all: Vec<_> = places("master_key_env")
            .zip(env)
            .chain(places("master_key_file").zip(file))
            .chain(places("master_key_command").zip(command))
            .collect();
        all.sort_by_key(|(place, _)| *place);
        Ok(Self(all.into_iter().map(|(_, source)| source).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for MasterKeyArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Typed::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Typed::augment_args_for_update(command)
    }
}

impl MasterKeyArgs {
    /// The keys themselves.
    pub(super) fn read(&self, wrong: &mut Wrong) -> Vec<MasterKey> {
        self.0.iter().filter_map(|source| wrong.take(source.read("--master-key-"))).collect()
    }
}

/// What `--from` and `--to` of `rekey` take: none is `none`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct KeyOrNone(pub(super) Option<KeySource>);

impl FromStr for KeyOrNone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let source = match text.split_once(':') {
            None if text == "none" => None,
            Some(("env", name)) => Some(KeySource::Env(name.to_owned())),
            Some(("file", path)) => Some(KeySource::File(path.into())),
            Some(("command", command)) => Some(KeySource::Command(command.to_owned())),
            _ => {
                return Err("`env:NAME`, `file:PATH`, `command:COMMAND` or `none` would be right"
                    .to_owned());
            }
        };
        Ok(Self(source))
    }
}

impl KeySource {
    /// The key. What is wrong is told with the option that it was given by.
    pub(super) fn read(&self, option: &str) -> Result<MasterKey, String> {
        let separator = if option.ends_with('-') { " " } else { ":" };
        let given = match self {
            Self::Env(name) => format!("env{separator}{name}"),
            Self::File(path) => format!("file{separator}{}", path.display()),
            // Something may stand in it that is not to be seen.
            Self::Command(_) => "command".to_owned(),
        };
        let says = |what: String| format!("{option}{given}: {what}");
        let text = self.text().map_err(says)?;
        MasterKey::from_base64(&text).map_err(|error| says(error.to_string()))
    }

    fn text(&self) -> Result<Secret, String> {
        match self {
            Self::Env(name) => std::env::var(name)
                .map(Secret::new)
                .map_err(|_| "there is no such variable, or it is no text".to_owned()),
            Self::File(path) => File::open(path).and_then(whole).map_err(|error| error.to_string()),
            Self::Command(command) => printed(command, Path::new("")),
        }
    }
}

fn whole(from: impl Read) -> io::Result<Secret> {
    let mut text = String::new();
    from.take(TEXT_BYTES_MAX).read_to_string(&mut text)?;
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::{KeyOrNone, KeySource, MasterKeyArgs};

    #[test]
    fn they_stay_in_the_order_in_which_they_were_typed() {
        let typed =
            "x --master-key-file a --master-key-env B --master-key-command c --master-key-file d";
        let matches = MasterKeyArgs::augment_args(Command::new("x"));
        let matches = matches.try_get_matches_from(typed.split(' ')).unwrap();
        let read = MasterKeyArgs::from_arg_matches(&matches).unwrap();
        let file = |name: &str| KeySource::File(name.into());
        let (env, command) = (KeySource::Env("B".to_owned()), KeySource::Command("c".to_owned()));
        assert_eq!(read.0, [file("a"), env, command, file("d")]);
    }

    #[test]
    fn what_is_no_key_is_said_and_not_shown() {
        #[track_caller]
        fn check(typed: &str, expected: &str) {
            let source = typed.parse::<KeyOrNone>().unwrap().0.unwrap();
            let told = source.read("--to ").map(|key| key.id().to_string());
            assert_eq!(told.unwrap_or_else(|says| says), expected);
        }
        let zeros = "A".repeat(43);
        check(&format!("command:echo {zeros}="), "d709e2e1d53d50f0");
        check("command:exit 3", "--to command: ended with exit status: 3");
        check(
            "command:echo c2VjcmV0",
            "--to command: a master key is 32 bytes in base64, and this has 6 bytes",
        );
        check(
            "env:FANFARE_THERE_IS_NONE",
            "--to env:FANFARE_THERE_IS_NONE: there is no such variable, or it is no text",
        );
        check("file:/nowhere", "--to file:/nowhere: No such file or directory (os error 2)");
        assert!("secret".parse::<KeyOrNone>().is_err());
    }
}

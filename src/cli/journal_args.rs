//! What a person may type about a journal's file.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{
    args::Output,
    master_key::{KeyOrNone, MasterKeyArgs},
};

#[derive(Debug, Args)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    pub(super) command: JournalCommand,
}

/// Which journal.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The journal.
    #[arg(default_value = "fanfare.db", conflicts_with = "journal")]
    file: PathBuf,
    /// The same, as `serve` calls it.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl FileArgs {
    pub(super) fn path(&self) -> &Path {
        self.journal.as_ref().unwrap_or(&self.file)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Says what stands in it.
    Stats {
        #[command(flatten)]
        file: FileArgs,
        /// What to print.
        #[arg(long, value_name = "FORM", default_value = "text")]
        output: Output,
    },
    /// Reads all of it, and says what is not as it must be. What is sealed is opened where its master key is given.
    Check {
        #[command(flatten)]
        file: FileArgs,
        #[command(flatten)]
        master_keys: MasterKeyArgs,
    },
    /// Gives a closed journal another master key, seals one that is not, or opens one that is. Where it was interrupted,
    /// the same again goes on.
    Rekey {
        #[command(flatten)]
        file: FileArgs,
        /// A master key that it was sealed with so far: `env:NAME`, `file:PATH`, `command:COMMAND`, or `none`.
        #[arg(long, value_name = "KEY", required = true)]
        from: Vec<KeyOrNone>,
        /// The one that it is to be sealed with, or `none`.
        #[arg(long, value_name = "KEY")]
        to: KeyOrNone,
    },
    /// Prints all of it, a JSON object a line: what is sealed too, where its master key is given. A daemon may have it
    /// open.
    Export {
        #[command(flatten)]
        file: FileArgs,
        /// Writes a new file that only its owner reads, instead of printing.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        master_keys: MasterKeyArgs,
    },
    /// Takes into a closed journal, or a new one, what another one has exported. What is there already is left as it is.
    Import {
        #[command(flatten)]
        file: FileArgs,
        /// What was exported; `-` reads standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        from: PathBuf,
        #[command(flatten)]
        master_keys: MasterKeyArgs,
    },
    /// Copies it as it stands at one moment, into a new file that only its owner reads. A daemon may have it open.
    Backup {
        #[command(flatten)]
        file: FileArgs,
        /// The copy.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
    /// Makes the file of a closed journal as small as it can be.
    Vacuum {
        #[command(flatten)]
        file: FileArgs,
    },
}

//! The kinds of targets that the program knows, and the configuration that names them.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use fanfare_sdk::{RegisterError, Registry};

use crate::{
    config::{self, Config, ConfigError},
    daemon::{Seen, Source},
    engine::Connecting,
    targets,
};

/// Where a configuration is looked for unless another file is named.
pub(super) const FILE: &str = "fanfare.yaml";

/// The kinds of this process: it is one program, as it has one command line.
static KINDS: OnceLock<Registry> = OnceLock::new();

/// Adds kinds to the bundled ones, before anything is read.
pub(super) fn register(
    more: impl FnOnce(&mut Registry) -> Result<(), RegisterError>,
) -> Result<(), RegisterError> {
    let mut kinds = targets::kinds();
    more(&mut kinds)?;
    // Whoever runs the program twice in one process has the kinds of the first time.
    KINDS.get_or_init(|| kinds);
    Ok(())
}

/// The bundled kinds, and those that were added.
pub(super) fn kinds() -> &'static Registry {
    KINDS.get_or_init(targets::kinds)
}

/// The configuration of the daemon, which reads it again.
pub(super) fn source(file: Option<&PathBuf>) -> Source {
    Source::new(file.map_or(Path::new(FILE), PathBuf::as_path), kinds().clone())
}

/// Reads the configuration where nothing is sent: what cannot be looked up has something that stands in for it. Everything that is
/// wrong with it, a line each, where it cannot be used.
pub(super) fn load_without_secrets(file: Option<&PathBuf>) -> Result<Config, Vec<String>> {
    let file = file.map_or(Path::new(FILE), PathBuf::as_path);
    is_there(file)?;
    config::load_without_secrets(file, kinds()).map_err(|error| lines(&error))
}

/// The same, with the files and proxies by which its targets are connected to.
pub(super) fn load_connected(file: Option<&PathBuf>) -> Result<Config, Vec<String>> {
    let file = file.map_or(Path::new(FILE), PathBuf::as_path);
    is_there(file)?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let lookup = Connecting::try_new(directory).map_err(|error| vec![error.to_string()])?;
    config::load_by(file, kinds(), &lookup).map_err(|error| lines(&error))
}

/// The same; says also what it was read from.
pub(super) fn load_seen(source: &Source) -> Result<(Config, Seen), Vec<String>> {
    is_there(source.file())?;
    let (config, seen) = source.load();
    Ok((config.map_err(|error| lines(&error))?, seen))
}

fn is_there(file: &Path) -> Result<(), Vec<String>> {
    if file.exists() {
        return Ok(());
    }
    let shown = file.display();
    Err(vec![format!("{shown}: is not there: `--config FILE` names another one")])
}

fn lines(error: &ConfigError) -> Vec<String> {
    error.to_string().lines().map(str::to_owned).collect()
}

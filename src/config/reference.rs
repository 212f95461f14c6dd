//! `${env:NAME}`, `${env:NAME:-default}`, `${file:PATH}` and `${command:COMMAND}`: values that stand elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use fanfare_sdk::Secret;

use super::{
    command::{self, TIME_MAX, within},
    document::{self, Node, Tree, child},
    problem::{self, Place, Problem},
};
use crate::policy::Connection;

/// Bytes of one file that is referred to: a secret, not a database.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Where references are looked up.
pub trait Lookup {
    /// An environment variable; none where it is not set.
    ///
    /// # Errors
    /// Where it is not text.
    fn env(&self, name: &str) -> Result<Option<String>, String>;

    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn file(&self, path: &str) -> Result<String, String>;

    /// The content of a file that is a document, and may be larger.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn document(&self, path: &str) -> Result<String, String> {
        self.file(path)
    }

    /// What a command prints.
    ///
    /// # Errors
    /// Why that is not known; where no commands are run, always.
    fn command(&self, _command: &str) -> Result<String, String> {
        Err("is not run here".to_owned())
    }

    /// What stands in for what cannot be looked up, in the value of that key; none where that is a mistake.
    fn stand_in(&self, _key: &str) -> Option<String> {
        None
    }

    /// Where a file is that is read later.
    fn path(&self, path: &str) -> PathBuf {
        path.into()
    }

    /// What is wrong with the files and the proxy by which a target is connected to, each with its key: `tls/ca`. Nothing
    /// where nobody looks: whoever starts an engine is told then.
    fn unconnected(&self, _connection: &Arc<Connection>) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// The environment and the files of this process.
#[derive(Clone, Debug)]
pub struct Surroundings {
    directory: PathBuf,
}

/// What the references of a document led to.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The pointers of values that came from elsewhere.
    pub(super) referring: BTreeSet<String>,
    /// What came from elsewhere, by the pointers of the values that it is in.
    pub(super) secrets: BTreeMap<String, Vec<Secret>>,
    /// The pointers of those that led nowhere: there is no use in saying more about them.
    pub(super) broken: BTreeSet<String>,
}

/// What a reference led to.
enum Found {
    /// A secret.
    Elsewhere(String),
    /// What stands in the document itself, or in for what cannot be looked up.
    Here(String),
}

/// Puts the values in place of all references below `node`.
pub(super) fn resolve(
    node: &mut Node,
    pointer: &str,
    lookup: &dyn Lookup,
    resolved: &mut Resolved,
    problems: &mut Vec<Problem>,
) {
    match &mut node.value {
        Tree::Text(text) if text.contains("${") => match expand(text, pointer, lookup) {
            Ok((expanded, secrets)) => {
                *text = expanded;
                resolved.referring.insert(pointer.to_owned());
                resolved.secrets.insert(pointer.to_owned(), secrets);
            }
            Err(wrong) => {
                let place = node.place;
                problems.extend(wrong.into_iter().map(|says| Problem::new(place, pointer, says)));
                resolved.broken.insert(pointer.to_owned());
            }
        },
        Tree::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                resolve(item, &format!("{pointer}/{at}"), lookup, resolved, problems);
            }
        }
        Tree::Map(entries) => {
            for (key, place, value) in entries {
                refuse_in_key(key, *place, pointer, problems);
                resolve(value, &child(pointer, key), lookup, resolved, problems);
            }
        }
        Tree::Text(_) | Tree::Null | Tree::Bool(_) | Tree::Number(_) => {}
    }
}

fn refuse_in_key(key: &str, place: Place, pointer: &str, problems: &mut Vec<Problem>) {
    if ["${env:", "${file:", "${command:"].iter().any(|reference| key.contains(reference)) {
        let says = "a reference may stand in a value, not in a key";
        problems.push(Problem::new(place, &child(pointer, key), says));
    }
}

/// One text with its references replaced, and what came in their place. `$${` stands for `${`.
fn expand(
    text: &str,
    pointer: &str,
    lookup: &dyn Lookup,
) -> Result<(String, Vec<Secret>), Vec<String>> {
    let (mut expanded, mut wrong) = (String::with_capacity(text.len()), Vec::new());
    let mut secrets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = &reference[2..];
            continue;
        }
        expanded.push_str(before);
        let Some(end) = reference.find('}') else {
            wrong.push("has a `${` without `}`: `${env:NAME}`, `${file:PATH}` or `${command:COMMAND}` would be right, and `$${` for the characters themselves".to_owned());
            rest = "";
            break;
        };
        match value(&reference[2..end], pointer, lookup) {
            Ok(Found::Elsewhere(value)) => {
                expanded.push_str(&value);
                secrets.push(Secret::new(value));
            }
            Ok(Found::Here(value)) => expanded.push_str(&value),
            Err(says) => wrong.push(says),
        }
        rest = &reference[end + 1..];
    }
    expanded.push_str(rest);
    if wrong.is_empty() { Ok((expanded, secrets)) } else { Err(wrong) }
}

fn value(reference: &str, pointer: &str, lookup: &dyn Lookup) -> Result<Found, String> {
    let missing =
        |says: String| lookup.stand_in(&problem::key(pointer)).map(Found::Here).ok_or(says);
    if let Some(named) = reference.strip_prefix("env:") {
        let (name, default) =
            named.split_once(":-").map_or((named, None), |(name, default)| (name, Some(default)));
        let right = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(right) {
            return Err(format!("`${{env:{name}}}` is not the name of a variable"));
        }
        let found = match lookup.env(name) {
            Ok(found) => found.filter(|value| default.is_none() || !value.is_empty()),
            Err(says) => return missing(says),
        };
        let default = default.map(str::to_owned).map(Found::Here);
        let found = found.map(Found::Elsewhere).or(default);
        return found.map_or_else(
            || {
                missing(format!(
                    "the environment variable `{name}` is not set: set it, or write `${{env:{name}:-default}}`"
                ))
            },
            Ok,
        );
    }
    if let Some(path) = reference.strip_prefix("file:") {
        let found = lookup.file(path).map(Found::Elsewhere);
        return found.or_else(|says| missing(format!("the file `{path}` {says}")));
    }
    if let Some(command) = reference.strip_prefix("command:") {
        // The command itself may hold what is not to be seen.
        let found = lookup.command(command).map(Found::Elsewhere);
        return found.or_else(|says| missing(format!("the command {says}")));
    }
    // Only a word is told: what looks like a reference may be a part of a password.
    let kind = reference.split_once(':').map_or("", |(kind, _)| kind);
    let is_word = kind.len() <= 16 && kind.bytes().all(|it| it.is_ascii_alphabetic());
    let kind = if is_word { kind } else { "" };
    Err(format!(
        "`${{{kind}…}}` is no reference: `${{env:NAME}}`, `${{file:PATH}}` or `${{command:COMMAND}}` would be right, and `$${{` for the characters themselves"
    ))
}

// === impl Surroundings ===

impl Surroundings {
    /// Paths that are not absolute begin in this directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }
}

impl Lookup for Surroundings {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(format!("the environment variable `{name}` is not text"))
            }
        }
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let text = self.read(path, FILE_BYTES_MAX)?;
        // The mark by which some editors say that it is UTF-8 is no part of it either.
        let mut text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        // What an editor or `echo` puts at the end is no part of a secret.
        let end = text
            .strip_suffix('\n')
            .map_or(text.len(), |text| text.strip_suffix('\r').map_or(text.len(), str::len));
        text.truncate(end);
        Ok(text)
    }

    fn document(&self, path: &str) -> Result<String, String> {
        self.read(path, document::FILE_BYTES_MAX as u64)
    }

    fn command(&self, command: &str) -> Result<String, String> {
        command::printed(command, &self.directory).map(|text| text.expose().to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }
}

impl Surroundings {
    fn read(&self, path: &str, bytes_max: u64) -> Result<String, String> {
        let path = self.directory.join(Path::new(path));
        let is_file = std::fs::metadata(&path).is_ok_and(|it| it.is_file());
        let read = move || {
            let mut text = String::new();
            let file = std::fs::File::open(path)?;
            file.take(bytes_max + 1).read_to_string(&mut text).map(|_| text)
        };
        // Whoever writes into a pipe may never come.
        let read = if is_file { Some(read()) } else { within(TIME_MAX, read) };
        let read = read.ok_or_else(|| format!("says nothing within {} s", TIME_MAX.as_secs()))?;
        let text = read.map_err(|error| cannot_read(&error))?;
        if text.len() as u64 > bytes_max {
            return Err(format!("has more than {bytes_max} bytes"));
        }
        Ok(text)
    }
}

fn cannot_read(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        io::ErrorKind::InvalidData => "is not text".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

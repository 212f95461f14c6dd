//! A configuration without what it refers to: something stands in for whatever cannot be looked up, so that all else can be
//! looked at where secrets have no place, as in CI.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use fanfare_sdk::Registry;

use super::{
    Config, ConfigError, Lookup, Surroundings,
    load::{from_text, read_text, unless_wrong},
};

/// What is tried, one after the other, until it is what is wanted there: a text, a URL, a number (and jq), a boolean, a
/// duration, 32 bytes in base64, a secret of a webhook. `%` tells one from another.
const KINDS: [&str; 7] = [
    "placeholder-%-that-stands-in-for-what-cannot-be-looked-up",
    "https://placeholder-%.invalid/",
    "1",
    "true",
    "1s",
    "cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItcGxhY2Vob2w=",
    "whsec_cGxhY2Vob2xkZXItcGxhY2Vob2xkZXItcGxhY2Vob2w=",
];

/// Reads a configuration from a file. For what cannot be looked up something stands in, and nothing that is wrong with such a
/// value counts; commands are not run.
///
/// # Errors
/// Everything else that is wrong with it.
pub fn load_without_secrets(path: &Path, kinds: &Registry) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let text = read_text(path)?;
    let here = Surroundings::new(path.parent().unwrap_or(Path::new("")));
    let lookup = StandIns { here, used: RefCell::default() };
    // Each round gives at least one value another kind.
    loop {
        let (config, mut problems) = from_text(&text, kinds, &lookup);
        let mut used = lookup.used.borrow_mut();
        let mut goes_on = false;
        for problem in &problems {
            if let Some(used) = used.get_mut(&problem.key)
                && used.kind < KINDS.len()
            {
                (used.kind, goes_on) = (used.kind + 1, true);
            }
        }
        if !goes_on {
            problems.retain(|problem| !used.contains_key(&problem.key));
            return unless_wrong(&file, config, problems);
        }
    }
}

/// Where something stands in for what is not there.
struct StandIns {
    here: Surroundings,
    /// By the keys of the values.
    used: RefCell<BTreeMap<String, Used>>,
}

struct Used {
    kind: usize,
    number: usize,
}

impl Lookup for StandIns {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        self.here.env(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.here.file(path)
    }

    fn document(&self, path: &str) -> Result<String, String> {
        self.here.document(path)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.here.path(path)
    }

    fn stand_in(&self, key: &str) -> Option<String> {
        let mut used = self.used.borrow_mut();
        let number = used.len() + 1;
        let used = used.entry(key.to_owned()).or_insert(Used { kind: 0, number });
        // Where none of them fits, it does not matter which one stands there.
        let kind = KINDS.get(used.kind).unwrap_or(&KINDS[0]);
        Some(kind.replace('%', &used.number.to_string()))
    }
}

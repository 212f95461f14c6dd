//! The file of keys: strict, readable by people, without a secret.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    time::Duration,
};

use fanfare_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    key::{Key, Scope},
    token::{HASH_DIGITS, ID_DIGITS, digits},
};
use crate::{
    config::{ConfigError, Document, Place, Problem, read_file},
    policy::gate::RateLimit,
};

/// Keys that a file may have: each that is used takes some hundred bytes of memory.
pub(super) const KEYS_MAX: usize = 10_000;

/// Requests a second, unless the file says otherwise: more than a person or a job asks, less than what hurts.
pub(super) const RATE: u32 = 50;

/// Requests at once, unless the file says otherwise: whoever waits for verdicts takes one each.
pub(super) const IN_FLIGHT: u32 = 20;

/// All keys, checked; by their ids.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Keys(pub(super) BTreeMap<String, Key>);

/// The file.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[schemars(length(max = 10_000))]
    pub(super) keys: Vec<Entry>,
}

/// A key, as it stands there.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) sha256: String,
    #[schemars(length(min = 1))]
    pub(super) scopes: Vec<Scope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(super) routes: Option<Vec<String>>,
    #[serde(default = "rate")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) rate: u32,
    #[serde(default = "in_flight")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) in_flight: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<String>,
}

const fn rate() -> u32 {
    RATE
}

const fn in_flight() -> u32 {
    IN_FLIGHT
}

impl Keys {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        read(path).map(|(keys, _)| keys)
    }

    /// Reads a text. `file` is what messages call it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        parse(file, text).map(|(keys, _)| keys)
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.values()
    }

    /// The key of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.0.get(id)
    }
}

/// The keys, and as they are written.
pub(super) fn read(path: &Path) -> Result<(Keys, Written), ConfigError> {
    let file = path.display().to_string();
    let found = guarded(path).and_then(|()| read_file(path));
    let text = found.map_err(|says| {
        let problem = Problem { place: Place::default(), key: String::new(), message: says };
        ConfigError { file: file.clone(), problems: vec![problem] }
    })?;
    parse(&file, &text)
}

/// Whoever can write the file can call: nobody but its owner may.
fn guarded(path: &Path) -> Result<(), String> {
    #[cfg(unix)]
    if let Ok(found) = std::fs::metadata(path) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = found.permissions().mode() & 0o777;
        if mode & 0o022 != 0 {
            return Err(format!(
                "can be written by others (mode {mode:04o}): whoever writes it makes keys; `chmod 600` would be right"
            ));
        }
    }
    Ok(())
}

fn parse(file: &str, text: &str) -> Result<(Keys, Written), ConfigError> {
    let (mut document, written) = Document::read::<Written>(file, text);
    let Some(written) = written else { return document.end(None) };
    let mut keys = BTreeMap::new();
    let mut hashes = HashSet::new();
    for (place, entry) in written.keys.iter().enumerate() {
        let mut wrong = |key: &str, says: &str| document.say(&format!("/keys/{place}/{key}"), says);
        if !hashes.insert(&entry.sha256) {
            wrong("sha256", "stands at two keys");
        }
        if let Some(key) = checked(entry, &mut wrong)
            && keys.insert(entry.id.clone(), key).is_some()
        {
            wrong("id", "stands at two keys");
        }
    }
    document.end(Some((Keys(keys), written)))
}

fn checked(entry: &Entry, wrong: &mut dyn FnMut(&str, &str)) -> Option<Key> {
    if !digits(&entry.id, ID_DIGITS) {
        wrong(
            "id",
            "is no id: 16 hexadecimal digits would be right, as `fanfare key create` makes them",
        );
    }
    if !is_name(&entry.name) {
        wrong("name", NAME);
    }
    if !digits(&entry.sha256, HASH_DIGITS) {
        wrong("sha256", "is no SHA-256: 64 hexadecimal digits would be right");
    }
    let mut time = |key: &str, text: &Option<String>| {
        let found = text.as_ref()?.parse::<jiff::Timestamp>();
        if found.is_err() {
            wrong(key, "is no time: `2026-01-31T12:00:00Z` would be right");
        }
        found.ok().map(|at| Timestamp::from_micros(at.as_microsecond()))
    };
    let created = time("created", &entry.created);
    let expires = time("expires", &entry.expires);
    let revoked = time("revoked", &entry.revoked);
    // Its schema allows no other.
    let rate_limit = RateLimit::try_new(entry.rate, Duration::from_secs(1), entry.rate).ok()?;
    Some(Key {
        id: entry.id.clone(),
        name: entry.name.clone(),
        sha256: entry.sha256.clone(),
        scopes: entry.scopes.iter().copied().collect(),
        routes: entry.routes.as_ref().map(|routes| routes.iter().cloned().collect()),
        rate: entry.rate,
        rate_limit,
        in_flight: entry.in_flight,
        created,
        expires,
        revoked,
    })
}

/// What a caller may be called.
pub(super) const NAME: &str =
    "is no name: letters, digits, `_`, `.` and `-` would be right, 64 at the most";

pub(super) fn is_name(text: &str) -> bool {
    let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    first && text.len() <= 64 && text.chars().all(right)
}

#[cfg(test)]
mod tests {
    use super::Keys;

    const HASH: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let told = match Keys::parse("keys.json", &text.replace("HASH", HASH)) {
            Ok(keys) => keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn a_file_is_read() {
        check(r#"{"keys": []}"#, "");
        check(
            "{\n\t\"keys\": [\n\t\t{\"id\": \"0123456789abcdef\", \"name\": \"shop\", \"sha256\": \"HASH\", \"scopes\": [\"send\"],\
             \"routes\": [\"signup\"], \"rate\": 5, \"in_flight\": 1, \"created\": \"2026-01-01T00:00:00Z\",\
             \"expires\": \"2027-01-01T00:00:00Z\"}]}",
            "shop",
        );
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once_and_where() {
        check("{\"keys\": [}", "keys.json:1:11: is not JSON: expected value");
        check("keys: []", "keys.json:1:1: is not JSON: expected value");
        check("{}", "keys.json:1:1: keys: is missing");
        check(
            "{\"keys\": [\n\
             {\"id\": \"12\", \"name\": \"a b\", \"sha256\": \"x\", \"scopes\": [\"send\"]},\n\
             {\"id\": \"0123456789abcdef\", \"name\": \"a\", \"sha256\": \"HASH\", \"scopes\": [\"read\"], \"expires\": \"soon\"},\n\
             {\"id\": \"0123456789abcdef\", \"name\": \"b\", \"sha256\": \"HASH\", \"scopes\": [\"read\"]}\n]}",
            "keys.json:2:8: keys.0.id: is no id: 16 hexadecimal digits would be right, as `fanfare key create` makes them\n\
             keys.json:2:22: keys.0.name: is no name: letters, digits, `_`, `.` and `-` would be right, 64 at the most\n\
             keys.json:2:39: keys.0.sha256: is no SHA-256: 64 hexadecimal digits would be right\n\
             keys.json:3:150: keys.1.expires: is no time: `2026-01-31T12:00:00Z` would be right\n\
             keys.json:4:8: keys.2.id: stands at two keys\n\
             keys.json:4:51: keys.2.sha256: stands at two keys",
        );
        let text = "{\"keys\": [{\"id\": \"0123456789abcdef\", \"name\": \"a\", \"sha256\": \"HASH\",\n\
                    \"scopes\": [\"sned\"],\n\"routes\": [],\n\"rate\": 0,\n\"in_flight\": \"x\",\n\"secret\": 1}]}";
        let told = Keys::parse("k", &text.replace("HASH", HASH)).unwrap_err().to_string();
        for says in [
            "k:2:12: keys.0.scopes.0: ",
            "k:3:11: keys.0.routes: has less than 1 item",
            "k:4:9: keys.0.rate: is less than 1",
            "k:5:14: keys.0.in_flight: is text: a whole number would be right",
            "k:6:1: keys.0.secret: is not a known key: ",
        ] {
            assert!(told.contains(says), "{says}\n{told}");
        }
        assert_eq!(told.lines().count(), 5, "{told}");
    }
}

//! Changes the file of keys: one change at a time, each of them whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use fanfare_sdk::Timestamp;
use tempfile::NamedTempFile;

use super::{
    file::{Entry, IN_FLIGHT, KEYS_MAX, Keys, NAME, RATE, Written, is_name, read},
    key::Scope,
    token::{NoChance, Token},
};
use crate::config::ConfigError;

/// A file of keys that nobody else changes meanwhile.
#[derive(Debug)]
pub struct Editing {
    path: PathBuf,
    keys: Keys,
    written: Written,
    _lock: File,
}

/// A key that is to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NewKey {
    /// Whose it is.
    pub name: String,
    /// What it allows; all where it is empty.
    pub scopes: Vec<Scope>,
    /// The routes that it is bound to; none is all.
    pub routes: Vec<String>,
    /// Requests a second.
    pub rate: u32,
    /// Requests at once.
    pub in_flight: u32,
    /// How long it is good.
    pub expires: Option<Duration>,
}

/// A file of keys was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// It is not right.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
    /// It cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// There is no randomness.
    #[error(transparent)]
    NoChance(#[from] NoChance),
    /// That is not what it may be called.
    #[error("--name: {NAME}")]
    Name,
    /// It has as many as it may.
    #[error("it has {KEYS_MAX} keys: take out some that were revoked")]
    Full,
    /// There is no such key that is good.
    #[error("there is no key `{0}` that was not revoked")]
    Unknown(String),
    /// Several keys have that name.
    #[error("there are several keys of that name: one of {} would be right", .0.join(", "))]
    Ambiguous(Vec<String>),
}

impl NewKey {
    /// With what others have.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let (scopes, routes) = (Scope::ALL.to_vec(), Vec::new());
        Self { name: name.into(), scopes, routes, rate: RATE, in_flight: IN_FLIGHT, expires: None }
    }
}

impl Editing {
    /// Waits until nobody else changes it. A file that is not there has no keys.
    ///
    /// # Errors
    /// When it cannot be read, or is not right.
    pub fn begin(path: &Path) -> Result<Self, EditError> {
        let cannot = |error| EditError::Io { path: path.display().to_string(), error };
        // What a link leads to is changed, and not the link.
        let path = match fs::canonicalize(path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
            Err(error) => return Err(cannot(error)),
        };
        let lock = lock(&path).map_err(cannot)?;
        let (keys, written) = match path.try_exists() {
            Ok(false) => (Keys::default(), Written::default()),
            Ok(true) => read(&path)?,
            Err(error) => return Err(cannot(error)),
        };
        Ok(Self { path, keys, written, _lock: lock })
    }

    /// The keys as they stand.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Adds a key. It is known to nobody but the caller of this.
    ///
    /// # Errors
    /// When it cannot be written; or is not right.
    pub fn create(mut self, new: NewKey, now: Timestamp) -> Result<Token, EditError> {
        if !is_name(&new.name) {
            return Err(EditError::Name);
        }
        if self.written.keys.len() >= KEYS_MAX {
            return Err(EditError::Full);
        }
        let token = Token::random()?;
        let NewKey { name, mut scopes, routes, rate, in_flight, expires } = new;
        scopes.sort();
        scopes.dedup();
        self.written.keys.push(Entry {
            id: token.id().to_owned(),
            name,
            sha256: token.sha256(),
            scopes,
            routes: (!routes.is_empty()).then_some(routes),
            rate,
            in_flight,
            created: Some(time(now)),
            expires: expires.map(|after| time(now.after(after))),
            revoked: None,
        });
        self.write()?;
        Ok(token)
    }

    /// Takes a key back, by its id or, where only one of them is left, by its name. Gives its id.
    ///
    /// # Errors
    /// When there is none, or several, or it cannot be written.
    pub fn revoke(mut self, which: &str, now: Timestamp) -> Result<String, EditError> {
        let meant = |entry: &&mut Entry| {
            entry.revoked.is_none() && (entry.id == which || entry.name == which)
        };
        let mut found: Vec<_> = self.written.keys.iter_mut().filter(meant).collect();
        let id = match found.as_mut_slice() {
            [] => return Err(EditError::Unknown(which.to_owned())),
            [one] => {
                one.revoked = Some(time(now));
                one.id.clone()
            }
            several => {
                return Err(EditError::Ambiguous(several.iter().map(|it| it.id.clone()).collect()));
            }
        };
        self.write()?;
        Ok(id)
    }

    /// Whoever reads it finds it as it was, or as it is then.
    fn write(&self) -> Result<(), EditError> {
        let mut text = serde_json::to_string_pretty(&self.written).unwrap_or_default();
        text.push('\n');
        // What is written can be read again.
        Keys::parse(&self.path.display().to_string(), &text)?;
        replace(&self.path, &text)
            .map_err(|error| EditError::Io { path: self.path.display().to_string(), error })
    }
}

/// A file beside it: its own place is taken by another file with every change.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path.with_file_name(name))?;
    file.lock()?;
    Ok(file)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Readable by its owner alone.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    // Whoever owned it goes on owning it: an operator may change the file of a daemon that runs as somebody else.
    #[cfg(unix)]
    if let Ok(before) = fs::metadata(path) {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        fchown(file.as_file(), Some(before.uid()), Some(before.gid()))?;
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use fanfare_sdk::Timestamp;
    use tempfile::TempDir;

    use super::{Editing, NewKey, Scope};
    use crate::daemon::callers::{Keys, Standing};

    const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

    #[test]
    fn a_key_is_made_found_and_taken_back() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keys.json");
        let mut new = NewKey::new("shop");
        (new.scopes, new.routes) = (vec![Scope::Send], vec!["signup".to_owned()]);
        new.expires = Some(Duration::from_secs(60));
        let token = Editing::begin(&path).unwrap().create(new, NOW).unwrap();
        let other = Editing::begin(&path).unwrap().create(NewKey::new("shop"), NOW).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&token.expose()[21..]), "no secret is kept: {text}");
        let keys = Keys::load(&path).unwrap();
        let key = keys.get(token.id()).unwrap();
        assert!(token.is(&key.sha256) && !other.is(&key.sha256));
        assert!(key.reaches(Some("signup")) && !key.reaches(Some("x")) && !key.reaches(None));
        assert_eq!(key.standing(NOW), Standing::Active);
        assert_eq!(key.standing(NOW.after(Duration::from_secs(60))), Standing::Expired);

        let revoke = |which: &str| {
            let done = Editing::begin(&path).unwrap().revoke(which, NOW);
            done.unwrap_or_else(|error| error.to_string())
        };
        assert!(revoke("shop").starts_with("there are several keys of that name: one of "));
        assert_eq!(revoke(token.id()), token.id());
        assert_eq!(revoke("shop"), other.id());
        assert_eq!(revoke("shop"), "there is no key `shop` that was not revoked");
        let standings = Keys::load(&path).unwrap();
        assert!(standings.iter().all(|key| key.standing(NOW) == Standing::Revoked));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keys.json");
        let create = || Editing::begin(&path).unwrap().create(NewKey::new("a"), NOW).unwrap();
        create();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        create();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
        let says = Keys::load(&path).unwrap_err().to_string();
        assert!(says.contains("can be written by others (mode 0664)"), "{says}");
    }

    #[test]
    fn two_who_change_it_at_once_do_not_lose_a_key() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("keys.json");
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..5 {
                        Editing::begin(path).unwrap().create(NewKey::new(name), NOW).unwrap();
                    }
                });
            }
        });
        assert_eq!(Keys::load(&path).unwrap().iter().count(), 20);
    }
}

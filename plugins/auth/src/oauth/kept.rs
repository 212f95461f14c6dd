//! The newest refresh token, in a file of ours: whoever loses it has to sign in again.
//!
//! Invariant: the file is replaced as a whole, by a name beside it, and can be written before a token is spent. A lock
//! beside it lets one process at a time spend one, so that no token is used twice.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use fanfare_sdk::{AuthError, Secret, SettingErrors};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::RefreshTokenSettings;
use crate::AuthSettingError;

/// Bytes of the file: a token has some kilobytes at most.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Where refresh tokens are kept.
#[derive(Debug)]
pub(super) struct Kept {
    first: Secret,
    // Invariant: absolute.
    path: PathBuf,
    /// The newest one, where it could not be written.
    unwritten: Mutex<Option<Secret>>,
}

/// The right to spend the newest refresh token. Dropped without having it spent, nothing has changed.
#[derive(Debug)]
pub(super) struct Lease {
    kept: Arc<Kept>,
    token: Secret,
    next: NamedTempFile,
    /// Is held until this is dropped.
    _lock: File,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Written {
    refresh_token: String,
    /// SHA-256 of the token in the configuration that it descends from.
    descends_from: String,
}

// === impl Kept ===

impl Kept {
    pub(super) fn of(settings: &RefreshTokenSettings, wrong: &mut SettingErrors) -> Option<Self> {
        let at = |key| ["grant", "refresh_token", key];
        let path = PathBuf::from(&settings.file);
        let token = AuthSettingError::unless_secret("token", settings.token.expose());
        let token = wrong.take(&at("token"), token.map_err(|error| error.message));
        let is_path = path.is_absolute() && path.file_name().is_some();
        // Looked at here, since it does not pass by itself: what goes wrong with the file later may.
        let has_folder = path.parent().is_some_and(Path::is_dir);
        let is_folder = path.is_dir();
        if !is_path {
            wrong.push(&at("file"), "is not an absolute path to a file");
        } else if is_folder {
            wrong.push(&at("file"), "is a folder: a file in it would be right");
        } else if !has_folder {
            wrong.push(&at("file"), "is in a folder that is not there");
        }
        let first = settings.token.clone();
        let is_right = token.is_some() && is_path && has_folder && !is_folder;
        is_right.then(|| Self { first, path, unwritten: Mutex::default() })
    }

    /// Looks which token is the newest, and makes sure that the next one can be written. Blocks.
    pub(super) fn lease(self: &Arc<Self>) -> Result<Lease, AuthError> {
        let lock = self.lock()?;
        let unwritable = |error: io::Error| {
            let says = format!("the file of the refresh token cannot be written: {error}");
            AuthError::temporary("refresh_token_file").because(says)
        };
        if let Some(token) = self.unwritten() {
            self.replace(self.temporary().map_err(unwritable)?, &token).map_err(unwritable)?;
            *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let token = self.newest()?;
        let next = self.temporary().map_err(unwritable)?;
        Ok(Lease { kept: self.clone(), token, next, _lock: lock })
    }

    fn unwritten(&self) -> Option<Secret> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> Result<File, AuthError> {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        let file =
            File::options().create(true).truncate(false).write(true).open(PathBuf::from(path));
        let file = file.map_err(|error| {
            let says = format!("the lock beside the file of the refresh token: {error}");
            AuthError::temporary("refresh_token_file").because(says)
        })?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(AuthError::temporary("refresh_token_busy")
                .because("somebody else is using the refresh token")),
            Err(TryLockError::Error(error)) => {
                let says = format!("the lock beside the file of the refresh token: {error}");
                Err(AuthError::temporary("refresh_token_file").because(says))
            }
        }
    }

    /// What is in the file, where it descends from the token in the configuration.
    fn newest(&self) -> Result<Secret, AuthError> {
        let unreadable = |says: String| {
            let says = format!("the file of the refresh token {says}");
            AuthError::temporary("refresh_token_file").because(says)
        };
        // A pipe would be waited for.
        if self.path.metadata().is_ok_and(|it| !it.is_file()) {
            return Err(unreadable("is no file".to_owned()));
        }
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.first.clone()),
            Err(error) => return Err(unreadable(format!("cannot be read: {error}"))),
        };
        let mut text = Vec::new();
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut text)
            .map_err(|error| unreadable(format!("cannot be read: {error}")))?;
        let written: Written = serde_json::from_slice(&text)
            .map_err(|_| unreadable("is not what we have written: remove it".to_owned()))?;
        let token = Secret::new(written.refresh_token);
        Ok(if written.descends_from == self.descent() { token } else { self.first.clone() })
    }

    fn descent(&self) -> String {
        hex::encode(Sha256::digest(self.first.expose()))
    }

    /// A file beside it, for its owner only.
    fn temporary(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new("/")))
    }

    fn replace(&self, mut next: NamedTempFile, token: &Secret) -> io::Result<()> {
        let (refresh_token, descends_from) = (token.expose().to_owned(), self.descent());
        serde_json::to_writer(&mut next, &Written { refresh_token, descends_from })?;
        next.flush()?;
        next.as_file().sync_all()?;
        next.persist(&self.path)?;
        // The name, too, has to survive.
        File::open(self.path.parent().unwrap_or(Path::new("/")))?.sync_all()
    }
}

// === impl Lease ===

impl Lease {
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// It was spent; the token endpoint may have given another one. Where that cannot be written, it is kept in memory,
    /// and written before it is spent: until then, whoever ends loses it. Blocks.
    pub(super) fn spent(self, next: Option<Secret>) -> Result<(), AuthError> {
        let next = next.filter(|next| next.expose() != self.token.expose());
        let Some(token) = next else { return Ok(()) };
        self.kept.replace(self.next, &token).map_err(|error| {
            let mut unwritten = self.kept.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
            *unwritten = Some(token);
            let says = format!(
                "the new refresh token could not be written, and is in memory only: {error}"
            );
            AuthError::temporary("refresh_token_file").because(says)
        })
    }
}

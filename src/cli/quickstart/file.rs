//! The file that `fanfare quickstart` leaves behind.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Three targets and a route to all of them.
pub(super) const TEXT: &str = include_str!("fanfare.yaml");

/// What became of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Written {
    /// It is new.
    New(PathBuf),
    /// There was one, and it is as it was.
    LeftAsItWas(PathBuf),
}

/// Writes it into that folder, unless there is one.
pub(super) fn write(dir: &Path) -> io::Result<Written> {
    // What is here is named without the folder.
    let path =
        if dir == Path::new(".") { PathBuf::new() } else { dir.to_owned() }.join("fanfare.yaml");
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(TEXT.as_bytes())?;
            Ok(Written::New(path))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(Written::LeftAsItWas(path))
        }
        Err(error) => Err(error),
    }
}

// === impl Written ===

impl Written {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::New(path) | Self::LeftAsItWas(path) => path,
        }
    }
}

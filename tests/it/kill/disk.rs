//! A disk that loses what was not synced: a library in C between SQLite and the system, which keeps a shadow of each file.

use std::{fs, path::Path, process::Command, sync::OnceLock};

use tempfile::TempDir;

use super::oracle::Loses;

/// The library, built once.
fn library() -> String {
    static BUILT: OnceLock<(TempDir, String)> = OnceLock::new();
    let build = || {
        let folder = TempDir::new().unwrap();
        let library = folder.path().join("unsynced.so").display().to_string();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/kill/unsynced.c");
        let built = Command::new("cc")
            .args([
                "-shared",
                "-fPIC",
                "-O1",
                "-Wall",
                "-Werror",
                "-o",
                &library,
                source,
                "-ldl",
                "-lpthread",
            ])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        (folder, library)
    };
    BUILT.get_or_init(build).1.clone()
}

pub(super) struct Unsynced {
    folder: String,
    shadow: TempDir,
    /// Every so many syncs, one does nothing.
    lies: u32,
}

impl Unsynced {
    pub(super) fn new(folder: &Path, lies: u32) -> Self {
        // As the system names it.
        let folder = folder.canonicalize().unwrap().display().to_string();
        Self { folder, shadow: TempDir::new().unwrap(), lies }
    }
}

impl Loses for Unsynced {
    fn variables(&self) -> Vec<(String, String)> {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            set("LD_PRELOAD", &library()),
            set("FANFARE_DISK", &self.folder),
            set("FANFARE_SHADOW", &self.shadow.path().display().to_string()),
            set("FANFARE_LIES", &self.lies.to_string()),
        ]
    }

    fn lose(&self) {
        for entry in fs::read_dir(&self.folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("fanfare.db") && name != "fanfare.db-lock" {
                fs::remove_file(path).unwrap();
            }
        }
        for entry in fs::read_dir(self.shadow.path()).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            fs::copy(&path, Path::new(&self.folder).join(name)).unwrap();
        }
    }
}

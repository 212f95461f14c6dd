//! The kinds of targets that the program knows, and the configuration that names them.

use std::path::{Path, PathBuf};

use fanfare_http::HttpKind;
use fanfare_sdk::Registry;
use fanfare_webhook::WebhookKind;

use crate::config::{self, Config};

/// Where a configuration is looked for unless another file is named.
pub(super) const FILE: &str = "fanfare.yaml";

/// The bundled kinds.
pub(super) fn kinds() -> Registry {
    let mut kinds = Registry::default();
    // Their names differ, and none takes a key of the engine: a test would fail.
    drop(kinds.register(HttpKind));
    drop(kinds.register(WebhookKind));
    kinds
}

/// Reads the configuration; everything that is wrong with it, a line each, where it cannot be used.
pub(super) fn load(file: Option<&PathBuf>) -> Result<Config, Vec<String>> {
    let file = file.map_or(Path::new(FILE), PathBuf::as_path);
    if !file.exists() {
        let shown = file.display();
        return Err(vec![format!("{shown}: is not there: `--config FILE` names another one")]);
    }
    config::load(file, &kinds())
        .map_err(|error| error.to_string().lines().map(str::to_owned).collect())
}

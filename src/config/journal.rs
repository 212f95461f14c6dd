//! `journal`: what a journal on disk keeps, and how long.

use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::JournalConfig;

/// What a journal on disk keeps, and how long. What is open is never forgotten.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct JournalSettings {
    /// How long a broadcast is kept after it has settled; so long its report is there, and its idempotency key is known.
    #[schemars(extend("x-reason" = "whoever asks what became of it asks within a month"))]
    pub(super) keep: Span,
    /// The same for a broadcast with dead letters that were neither replayed nor discarded.
    #[schemars(extend("x-reason" = "what failed waits for somebody to look at it"))]
    pub(super) keep_dead_letters: Span,
    /// Bytes in use beyond which broadcasts that have settled are forgotten earlier, the oldest first; no limit unless
    /// set. Dead letters stay.
    #[schemars(range(min = 1_048_576))]
    pub(super) bytes_max: Option<u64>,
    /// Deliveries that have not settled; beyond them, broadcasts are refused.
    #[schemars(range(min = 1), extend("x-reason" = "a matter of disk: about a kilobyte each, with a small payload"))]
    pub(super) deliveries_open_max: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        let JournalConfig { keep, keep_dead_letters, bytes_max, deliveries_open_max } =
            JournalConfig::default();
        let (keep, keep_dead_letters) = (Span(keep), Span(keep_dead_letters));
        Self { keep, keep_dead_letters, bytes_max, deliveries_open_max }
    }
}

impl From<JournalSettings> for JournalConfig {
    fn from(settings: JournalSettings) -> Self {
        let JournalSettings { keep, keep_dead_letters, bytes_max, deliveries_open_max } = settings;
        let (Span(keep), Span(keep_dead_letters)) = (keep, keep_dead_letters);
        Self { keep, keep_dead_letters, bytes_max, deliveries_open_max }
    }
}

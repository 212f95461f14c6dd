//! The journal on disk: SQLite, one file, one process.
//!
//! A writer on a thread of its own commits in groups whatever waits; readers see what is committed. What a commit
//! changes is decided by the ledger, as in memory: here it is only written down.

mod broadcasts;
mod cache;
mod driver;
mod error;
mod inspect;
mod journal;
mod open;
mod place;
mod queries;
mod retention;
mod rows;
mod settings;
mod store;
mod targets;
#[cfg(test)]
mod tests;

pub use self::{
    error::OpenError,
    inspect::{JournalStats, TargetStats},
    journal::SqliteJournal,
    settings::SqliteSettings,
};

//! The journal on disk: SQLite, one file, one process.
//!
//! A writer on a thread of its own commits in groups whatever waits; readers see what is committed. What a commit
//! changes is decided by the ledger, as in memory: here it is only written down. What callers and APIs have said may
//! be sealed: see `crypto` and `seals`.

mod broadcasts;
mod cache;
mod crypto;
mod driver;
mod error;
mod export;
mod import;
mod inspect;
mod journal;
mod letters;
mod line;
mod notices;
mod open;
mod place;
mod queries;
mod rekey;
mod retention;
mod rows;
mod seals;
mod settings;
mod store;
mod targets;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_import;
#[cfg(test)]
mod tests_sealed;
#[cfg(test)]
mod tests_transfer;
mod upkeep;
mod whole;
mod writing;

pub use self::{
    crypto::{KeyId, MasterKey, MasterKeyError},
    error::OpenError,
    export::{Exported, TransferError},
    import::Imported,
    inspect::{Checked, JournalStats, TargetStats},
    journal::SqliteJournal,
    rekey::Rekeyed,
    settings::SqliteSettings,
    upkeep::Vacuumed,
};

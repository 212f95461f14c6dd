//! Who owns what happened: broadcasts, the histories of their deliveries, and their verdicts.
//!
//! Actors hold copies and messages are hints; a [`Journal`] has the truth. A panic, a kill, a take-over and a
//! restart are therefore one path: claim a target, load what is open, ask what comes next.
//!
//! *Facts* (an attempt has ended) may be written by whoever knows them, at any time: the first one per attempt
//! wins. *Decisions* (started, moved, settled) need a [`Claim`], and a newer claim fences an older one. The
//! verdict of a broadcast is folded in the commit that makes it certain, so outcome and verdict never part.

mod broadcast;
pub mod conformance;
mod entry;
mod error;
pub mod faulty;
#[expect(clippy::module_inception, reason = "the journal is one of the words of this layer")]
mod journal;
mod ledger;
mod listing;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "sqlite")]
pub use self::sqlite::{SqliteJournal, SqliteSettings};
pub use self::{
    broadcast::{Accepted, CallerKey, CarriedKeys, NewBroadcast, NewDelivery, Open},
    entry::{Claim, Committed, DeadLetter, Entry, Page},
    error::JournalError,
    faulty::FaultyJournal,
    journal::Journal,
    listing::{BroadcastFilter, DeadLetterFilter, Letters, Mark, NoMark, Parked, Summary},
    memory::{MemoryJournal, MemoryLimits},
};

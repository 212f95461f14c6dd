//! Why the journal did not do as it was asked.

use thiserror::Error;

/// Why the journal did not do as it was asked, or does not know whether it did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A newer claim on the same target was made; whoever holds the older one has to stop.
    #[error("another owner has taken over")]
    Fenced,
    /// The caller's key belongs to a broadcast with another fingerprint.
    #[error("the idempotency key was used for another payload")]
    KeyReused,
    /// What is to be replayed is no dead letter, or is none any more.
    #[error("what is to be replayed is no dead letter (any more)")]
    NoDeadLetter,
    /// The notice is not owed: its occasion has not come, or another one was accepted for it.
    #[error("the notice is not owed (any more)")]
    NotOwed,
    /// A limit is reached. Once something has settled, there is room again.
    #[error("the journal is full")]
    Full,
    /// What was asked does not fit to what is written: a fault of ours, not of the store.
    #[error("the journal refuses what does not fit: {0}")]
    Invalid(&'static str),
    /// It may have been written, all of it, or nothing of it. Asking again does no harm.
    #[error("whether it was written is not known")]
    Unknown,
    /// What is written of it does not open: it was changed since it was sealed. Nothing else is concerned.
    #[error("what is written of it cannot be read: it was changed since")]
    Unreadable,
    /// Nothing was written.
    #[error("the journal is unavailable")]
    Unavailable,
}

impl JournalError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::Full | Self::Unknown | Self::Unavailable => true,
            Self::Fenced
            | Self::KeyReused
            | Self::NoDeadLetter
            | Self::NotOwed
            | Self::Invalid(_)
            | Self::Unreadable => false,
        }
    }

    /// Whether something may have been written all the same.
    #[must_use]
    pub const fn may_be_written(self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Fenced
            | Self::KeyReused
            | Self::NoDeadLetter
            | Self::NotOwed
            | Self::Full
            | Self::Invalid(_)
            | Self::Unreadable
            | Self::Unavailable => false,
        }
    }
}

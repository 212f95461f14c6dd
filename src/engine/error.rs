//! Why an engine does not start, and why a broadcast is not accepted.

use std::fmt;

use fanfare_sdk::TargetName;

use crate::{journal::JournalError, report::Limit, transport::TransportError};

/// The engine does not start. Names everything that is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The targets are not right.
    #[error("{}", Lines(problems))]
    Invalid {
        /// Everything that is wrong with them.
        problems: Vec<StartProblem>,
    },
    /// The transport cannot be built.
    #[error("the transport cannot be built")]
    Transport(#[from] TransportError),
    /// The journal does not answer.
    #[error("the journal does not answer: {0}")]
    Journal(#[from] JournalError),
    /// The runtime does not run actors.
    #[error("the actors cannot be started: {0}")]
    Actors(String),
}

/// Something that is wrong with the targets of an engine.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartProblem {
    /// There is nothing to send to.
    #[error("an engine needs at least one target")]
    NoTarget,
    /// Two targets have one name.
    #[error("target `{0}` is given twice")]
    Twice(TargetName),
    /// A plugin panicked when it was asked for its profile.
    #[error("target `{0}`: its plugin panicked when it was asked for its profile")]
    Panicked(TargetName),
    /// Its settings have jq expressions, and nothing works them out.
    #[error("target `{0}`: its settings have expressions, and it has no mapper to work them out")]
    NoMapper(TargetName),
    /// A stand-in is not there.
    #[error("target `{target}`: its stand-in `{stand_in}` is not a target")]
    UnknownStandIn {
        /// The target.
        target: TargetName,
        /// Its stand-in.
        stand_in: TargetName,
    },
    /// A target stands in for itself, perhaps by way of others.
    #[error("target `{0}` stands in for itself")]
    Cycle(TargetName),
    /// It is gone, and deliveries are open for it.
    #[error("target `{target}` is gone, and {open} deliveries in the journal are open for it")]
    Unserved {
        /// The target.
        target: TargetName,
        /// How many deliveries.
        open: u64,
    },
    /// Its client cannot be made.
    #[error("target `{target}` cannot be connected to: {says}")]
    Connection {
        /// The target.
        target: TargetName,
        /// What is wrong with its files or its proxy.
        says: String,
    },
    /// There is nothing to replace.
    #[error("there is no target `{0}`")]
    Unknown(TargetName),
    /// More targets than are allowed.
    #[error("there may be at most {max} targets, not {count}")]
    TooManyTargets {
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// A number that is too great.
    #[error("target `{target}`: `{key}` must be at most {max}")]
    TooMany {
        /// The target.
        target: TargetName,
        /// The policy's name.
        key: &'static str,
        /// The most that it may be.
        max: u32,
    },
    /// A number that makes no sense.
    #[error("target `{target}`: `{key}` must be at least 1")]
    Zero {
        /// The target.
        target: TargetName,
        /// The policy's name.
        key: &'static str,
    },
}

/// The target is not removed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError {
    /// There is none of that name.
    #[error("there is no such target")]
    Unknown,
    /// Deliveries are open for it.
    #[error("{0} deliveries are open for it: say whether they are to finish or to fail")]
    Open(usize),
    /// It stands in for another one.
    #[error("it stands in for `{0}`")]
    StandsIn(TargetName),
}

/// The broadcast was not accepted: nothing of it will be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The broadcast is not right.
    #[error("{}", Lines(problems))]
    Invalid {
        /// Everything that is wrong with it.
        problems: Vec<AcceptProblem>,
    },
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Closing,
    /// The journal did not take it.
    #[error("the journal did not take it: {0}")]
    Journal(#[from] JournalError),
}

/// Something that is wrong with a broadcast.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptProblem {
    /// Nobody to send to.
    #[error("a broadcast needs at least one recipient")]
    NoRecipient,
    /// More recipients than are allowed.
    #[error("a broadcast may have at most {max} recipients, not {count}")]
    TooManyRecipients {
        /// How many it has.
        count: usize,
        /// How many it may have.
        max: usize,
    },
    /// More payload than is allowed.
    #[error("a payload may have at most {max} bytes, not {bytes}")]
    PayloadTooLarge {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// A recipient that is not a target.
    #[error("`{0}` is not a target")]
    UnknownTarget(TargetName),
    /// A recipient that is named twice.
    #[error("recipient `{0}` is given twice")]
    Twice(TargetName),
    /// A recipient, or its stand-in, that is to be notified too.
    #[error("`{0}` gets the payload, and cannot be notified of it too")]
    NotifiesRecipient(TargetName),
    /// By what a recipient's deliveries are ordered cannot be worked out.
    #[error("`{target}`: {says}")]
    OrderKey {
        /// The recipient.
        target: TargetName,
        /// Why.
        says: String,
    },
    /// A quorum that cannot be reached, or need not be.
    #[error("a quorum of {needed} does not fit {count} recipients")]
    Quorum {
        /// How many are needed.
        needed: u32,
        /// How many there are.
        count: usize,
    },
}

impl AcceptProblem {
    /// The limit that was gone over, where it is one.
    pub(super) fn limit(&self) -> Option<Limit> {
        match self {
            Self::TooManyRecipients { .. } => Some(Limit::Recipients),
            Self::PayloadTooLarge { .. } => Some(Limit::PayloadBytes),
            _ => None,
        }
    }
}

/// The engine is gone, or has forgotten the broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the engine is gone, or has forgotten the broadcast")]
pub struct Gone;

/// Problems, one a line.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

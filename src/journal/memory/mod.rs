//! The journal of a process that may forget when it ends.
//!
//! A store without lock, clock or runtime does the work; [`MemoryJournal`] puts a lock around it.
//! Its methods never wait.

mod journal;
mod keyed;
mod limits;
mod notices;
mod servings;
mod store;
#[cfg(test)]
mod tests;

pub use self::{
    journal::MemoryJournal,
    limits::{MemoryLimits, Occupancy},
};

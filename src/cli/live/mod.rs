//! What a person sees while a broadcast is open.
//!
//! Texts are pure functions of a report and a time; only `watch` reads a clock and writes.

mod frame;
mod happened;
mod look;
#[cfg(test)]
pub(super) mod story;
#[cfg(test)]
mod tests;
mod waits;
mod watch;
mod words;

pub(super) use self::{waits::waits, watch::Live};

//! The promises, proved in small: real actors, a scripted world, a paused clock, and a seed for everything.
//!
//! `FANFARE_SEEDS=1000` plays more seeds; `FANFARE_SEED=42` plays one of them again; `FANFARE_BROADCASTS=100` sends
//! about as many in each. `cargo run --release --example simulate` plays them for a night.

mod api;
mod journal;
mod limits;
mod notices;
mod promises;
#[cfg(test)]
mod rehearsal;
mod replies;
mod run;
#[cfg(all(test, feature = "sabotage"))]
mod sabotage;
mod scenario;
pub(crate) mod seeds;
#[cfg(test)]
mod tests;
mod verdict;
mod world;

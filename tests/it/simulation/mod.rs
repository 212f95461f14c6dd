//! The promises, proved in small: real actors, a scripted world, a paused clock, and a seed for everything.
//!
//! `FANFARE_SEEDS=1000` plays more seeds; `FANFARE_SEED=42` plays one of them again.

mod api;
mod journal;
mod promises;
mod run;
mod tests;
mod world;

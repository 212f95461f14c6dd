//! What every journal has to do, as checks that any store can be put through.
//!
//! ```
//! use fanfare::journal::{MemoryJournal, conformance};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let broken = conformance::run(async || MemoryJournal::default()).await;
//! assert!(broken.is_empty(), "{broken:#?}");
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Every check gets a journal that holds nothing yet.

mod accepting;
mod cancelling;
mod claiming;
mod deciding;
mod doubting;
mod judging;
mod listing;
mod notifying;
mod paging;
mod script;
mod stage;
mod suite;
mod telling;
#[cfg(test)]
mod tests;

pub use self::suite::{Broken, run};

//! What a store keeps beside the records: names of targets, and who stands where.

use std::sync::Arc;

use fanfare_sdk::{TargetName, Timestamp};

use crate::{journal::NewBroadcast, report::Boot};

/// The order in which deliveries are served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::journal) struct Rank {
    pub(in crate::journal) due: Timestamp,
    /// Its place among all deliveries, in the order of acceptance.
    pub(in crate::journal) order: u64,
}

/// Told of every change that a store has to follow.
pub(in crate::journal) trait Books {
    /// The number of a target; a new one for a new name.
    fn number(&mut self, name: &TargetName) -> u32;

    /// The name of that number.
    fn name(&self, number: u32) -> TargetName;

    /// An attempt has begun in that life of the process, or a delivery with such an attempt has come.
    fn note_boot(&mut self, serving: u32, boot: Boot);

    /// A delivery is due for that target from now on.
    fn join(&mut self, serving: u32, rank: Rank, broadcast: &Arc<NewBroadcast>);

    /// It is not due there any more.
    fn leave(&mut self, serving: u32, rank: Rank);

    /// Something of a delivery has changed.
    fn touch(&mut self, order: u64);
}

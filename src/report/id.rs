//! Who is who: broadcasts and deliveries.

use std::{collections::HashMap, fmt};

use fanfare_sdk::TargetName;
use uuid::Uuid;

/// A broadcast. UUID version 7: sorts by the time of its acceptance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BroadcastId(pub Uuid);

/// A map whose keys are ours: ids and configured names, which nobody can choose so that they collide.
pub(crate) type IdMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// One broadcast to one recipient. Stays the same when a stand-in serves.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeliveryId {
    /// The broadcast.
    pub broadcast: BroadcastId,
    /// The recipient that the broadcast names.
    pub recipient: TargetName,
}

impl fmt::Display for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for BroadcastId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.broadcast, self.recipient)
    }
}

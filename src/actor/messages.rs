//! What actors are told.

use std::sync::Arc;

use fanfare_sdk::{AuthError, Stamp, TargetName, Timestamp};
use ractor::RpcReplyPort;
use smallvec::SmallVec;

use super::{Slot, attempt::Order, slot::Permit};
use crate::{
    journal::{JournalError, Open},
    report::{BroadcastId, CancelledBy, DeliveryId, Ended},
};

/// What authorizers were ready with, one for each.
pub(crate) type Stamps = SmallVec<[Stamp; 2]>;

/// Attempts that are to be made, each with its leave.
#[derive(Debug)]
pub(crate) struct Begun(pub(super) Vec<(Box<Order>, Permit)>);

/// To the actor of a target.
#[derive(Debug)]
pub(crate) enum TargetMsg {
    /// Claim the target, and load what is open for it.
    Load,
    /// A delivery was accepted, or handed over.
    Deliver(Open),
    /// The authorizers are ready, or not.
    Prepared(DeliveryId, Result<Stamps, AuthError>),
    /// An attempt has ended, and that is recorded.
    Attempted(DeliveryId, Ended),
    /// Somebody wants a delivery to end, and that is recorded.
    CancelAsked(DeliveryId, CancelledBy, Timestamp),
    /// What was decided by the owner of that claim is written, or not; with what is to be begun now.
    Appended(u64, Result<Begun, JournalError>),
    /// Something may be due.
    Wake,
    /// How does it stand?
    Inspect(RpcReplyPort<Inspection>),
}

/// To a coordinator.
#[derive(Debug)]
pub(crate) enum CoordinatorMsg {
    /// A verdict has fallen, or everything has settled.
    Changed(BroadcastId),
    /// Somebody waits for a broadcast.
    Watch(BroadcastId),
    /// A broadcast has a deadline.
    Deadline(BroadcastId, Timestamp),
    /// Something may be due.
    Wake,
    /// Hints may have been lost: look at everything that somebody waits for.
    Recheck,
}

/// To the supervisor.
#[derive(Debug)]
pub(crate) enum SupervisorMsg {
    /// A target has come.
    StartTarget(TargetName),
    /// A target has gone.
    StopTarget(TargetName, Arc<Slot>),
    /// Start the actor of a target again.
    RestartTarget(TargetName),
    /// Start a coordinator again.
    RestartCoordinator(usize),
}

/// How the actor of a target stands.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Inspection {
    /// Deliveries that are open.
    pub(crate) open: usize,
    /// Deliveries that stand before the gate.
    pub(crate) at_gate: usize,
    /// Attempts in flight.
    pub(crate) in_flight: usize,
}

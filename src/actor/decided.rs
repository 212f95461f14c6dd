//! What an actor of a target has decided, and not written down yet.

use fanfare_sdk::Timestamp;

use super::{attempt::Order, slot::Permit};
use crate::{
    journal::{Entry, Open},
    report::{DeliveryId, Outcome},
};

/// What was decided and is not written down yet.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) entries: Vec<Entry>,
    pub(super) orders: Vec<(Order, Permit)>,
    pub(super) moved: Vec<Open>,
    /// With when they were accepted, where that is known here.
    pub(super) settled: Vec<(DeliveryId, Outcome, Option<Timestamp>)>,
}

//! The only place that knows actors: a supervisor, one actor per target, and coordinators.
//!
//! An actor owns; it does not think and it does not wait. What a delivery does next is decided by
//! [`policy::next()`](crate::policy::next()), what a target lets through by its gate; an actor asks, writes the
//! answer into the journal, and acts. Messages are hints: every one of them may be lost with the actor that had
//! it in its mailbox, and a new actor finds everything in the journal and in its target's [`Slot`].

mod address;
mod alarm;
mod ambient;
mod announced;
mod append;
mod attempt;
mod background;
mod beyond;
mod cancel;
mod coordinator;
mod decided;
mod early;
mod keeping;
mod keys;
mod last;
mod load;
mod mapping;
mod messages;
mod observed;
mod order;
mod proof;
mod pulse;
mod queue;
mod replied;
mod shared;
mod slot;
mod slots;
mod starts;
mod supervisor;
mod target;
mod task;

pub use self::ambient::{Clock, Entropy};
pub(crate) use self::{
    attempt::probe,
    background::Detached,
    coordinator::{Desk, Until, Waiter},
    keys::delivery_key,
    messages::{CoordinatorMsg, Inspection, SupervisorMsg, TargetMsg},
    observed::Observed,
    pulse::Pulse,
    shared::Shared,
    slot::{Slot, SlotParts},
    slots::{ByName, Slots},
    supervisor::Supervision,
    task::{ToTheEnd, spawn},
};

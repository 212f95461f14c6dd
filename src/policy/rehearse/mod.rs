//! Policies in virtual time: what would become of deliveries, without an engine, a clock or an API.
//!
//! [`rehearse`] plays one delivery against answers from a script, and says what was decided and why.
//! [`RouteRehearsal`] plays many of them, to several targets, through outages that begin and end. Both ask the very
//! functions that the engine asks, [`next()`](super::next()), [`Gate`](super::gate::Gate) and
//! [`tally()`](super::tally()), and let deliveries stand before the gate in the same order.

mod delivery;
mod load;
mod outage;
mod queue;
mod rounds;
mod route;
mod scripted;
mod serving;
mod stage;
mod summary;
#[cfg(test)]
mod tests;

pub use self::{
    delivery::{Moment, Rehearsal, Rehearsed, rehearse},
    load::{Load, LoadError},
    outage::Outage,
    route::{RouteRehearsal, SettledDelivery},
    scripted::{Answer, Scripted},
    summary::{
        ApiSummary, Change, Count, Peak, RecipientSummary, RouteRehearsed, Spread, VerdictCount,
        WaitSummary,
    },
};

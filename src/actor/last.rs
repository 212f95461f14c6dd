//! Whether an attempt was the last one: of the replies after which another attempt may follow, only the last is kept.
//! Deliveries may wait for days, a hundred thousand of them at once, and none of them with such a reply.

use super::{Slot, SlotParts, attempt::Order};
use crate::{
    policy::{Step, next},
    report::{Ended, Event, Outcome},
};

/// Whether its delivery ends with it: `next` says so, where others that are in flight end in the same way.
///
/// Where a canned reply would stand in, that is the reply of the report, and this one is not kept: it stands in for as long as
/// the gate is shut, which may open before that is decided.
pub(super) fn is_last((slot, parts): (&Slot, &SlotParts), order: &Order, ended: &Ended) -> bool {
    let mut history = order.before.clone();
    history.push(Event::Started(order.started.clone()));
    let in_flight: Vec<u32> = history.in_flight().map(|started| started.attempt).collect();
    for attempt in in_flight {
        history.push(Event::Ended(Ended { attempt, ..ended.clone() }));
    }
    let sight = slot.sight(&parts.policy, ended.at);
    settles(&next(&order.plan, &history, &sight, ended.at))
}

fn settles(step: &Step) -> bool {
    match step {
        Step::Settle(outcome) => *outcome != Outcome::Substituted,
        Step::FallBack(_, step) => settles(step),
        Step::Attempt { .. }
        | Step::Listen { .. }
        | Step::Abort { .. }
        | Step::Wait { .. }
        | Step::HandOver { .. } => false,
    }
}

//! Who stands before the gate of a target that is rehearsed: the discipline of the engine's queue, by numbers.

use crate::{
    policy::Line,
    report::{Priority, Why},
};

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Waits for a time, or for its attempt to end.
    Waiting,
    /// Before the gate, which has refused it.
    AtGate,
    /// A repeat for which the retry budget has nothing left.
    ForBudget,
}

/// The lines of one target.
#[derive(Debug, Default)]
pub(super) struct Queue {
    // Invariant: holds every delivery that is `AtGate`, once; others are stale.
    at_gate: Line<u32>,
    // Invariant: the same for those that are `ForBudget`.
    for_budget: Line<u32>,
    /// The one that has come from there to stand before the gate: one at a time.
    from_budget: Option<u32>,
    /// What the first one before the gate was refused for: those behind it wait for the same.
    refused: Option<Why>,
}

impl Queue {
    /// Puts one that stood at `before` behind the others.
    pub(super) fn push(&mut self, id: u32, (before, place): (Place, Place), priority: Priority) {
        if before == Place::ForBudget {
            self.from_budget = Some(id);
        }
        if let Some(line) = self.line(place) {
            line.push(id, priority);
        }
    }

    /// The one that stands first; `place_of` says where a delivery stands, where it is open.
    pub(super) fn first(
        &mut self,
        place: Place,
        place_of: impl Fn(u32) -> Option<Place>,
    ) -> Option<u32> {
        loop {
            let id = *self.line(place)?.first()?;
            if place_of(id) == Some(place) {
                return Some(id);
            }
            self.line(place)?.drop_first();
        }
    }

    /// The first one has left.
    pub(super) fn pop(&mut self, place: Place) {
        if let Some(line) = self.line(place) {
            line.pop();
        }
    }

    /// Whether one that waited for the budget stands before the gate now.
    pub(super) fn is_from_budget_at_gate(&self, place_of: impl Fn(u32) -> Option<Place>) -> bool {
        self.from_budget.and_then(place_of) == Some(Place::AtGate)
    }

    /// Whether anybody may stand in one of them.
    pub(super) fn is_empty(&self) -> bool {
        self.at_gate.len() + self.for_budget.len() == 0
    }

    /// The first one before the gate was refused for that.
    pub(super) fn refuse(&mut self, why: Why) {
        self.refused = Some(why);
    }

    /// What those before the gate wait for.
    pub(super) fn held_for(&self) -> Why {
        self.refused.unwrap_or(Why::Concurrency)
    }

    fn line(&mut self, place: Place) -> Option<&mut Line<u32>> {
        match place {
            Place::AtGate => Some(&mut self.at_gate),
            Place::ForBudget => Some(&mut self.for_budget),
            Place::Waiting => None,
        }
    }
}

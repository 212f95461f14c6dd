//! How a target stands.

use std::{sync::atomic::Ordering, time::Duration};

use fanfare_sdk::TargetName;

use super::Engine;
use crate::{
    actor::{Inspection, Pulse},
    policy::{Door, VersionStatus, gate::BreakerState, versions},
    report::{Warning, Why},
};

/// How a target stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct TargetStatus {
    /// Deliveries that are open.
    pub open: usize,
    /// Those of them that stand before the gate.
    pub at_gate: usize,
    /// Attempts in flight.
    pub in_flight: usize,
    /// Permits of the gate that are out.
    pub permits: u32,
    /// An operator holds its attempts back.
    pub paused: bool,
    /// It asked not to be called again.
    pub disabled: bool,
    /// Its actor has ended too often.
    pub failed: bool,
    /// It is going: no new broadcast may name it.
    pub leaving: bool,
    /// Its breaker; of those of several endpoints, the one that lets least through.
    pub breaker: BreakerState,
    /// What the gate holds attempts back for now.
    pub held_by: Option<Why>,
    /// Attempts that have ended in this life of the process, and those of them that did not succeed; counted where
    /// [others may look on](super::EngineBuilder::live).
    pub attempts: (u64, u64),
    /// The median and the 99th percentile of what the latest answered attempts took; likewise.
    pub took: Option<(Duration, Duration)>,
    /// What was announced of its versions.
    pub warnings: Vec<Warning>,
    /// How its versions stand, preferred first.
    pub versions: Vec<VersionStatus>,
}

impl Engine {
    /// How a target stands; none where there is no such target.
    pub async fn target_status(&self, name: &str) -> Option<TargetStatus> {
        let slot = self.0.shared.slots.get(&TargetName::from(name))?;
        let inspection = slot.inspect().await.unwrap_or_default();
        let Inspection { open, at_gate, in_flight } = inspection;
        let now = self.0.shared.clock.now();
        // What its authorizers wait for is seen from the slot only.
        let sight = slot.sight(&slot.parts().policy, now);
        let gate = slot.gate();
        let doors = sight.endpoints.iter().map(|(_, door)| *door);
        Some(TargetStatus {
            open,
            at_gate,
            in_flight,
            permits: gate.in_flight(),
            paused: gate.is_paused(),
            disabled: gate.is_disabled(),
            failed: slot.failed.load(Ordering::Acquire),
            leaving: slot.leaving.load(Ordering::Acquire),
            breaker: gate.breaker_state(now),
            held_by: doors.fold(sight.target, Door::stricter).why(),
            attempts: slot.pulse().map(Pulse::attempts).unwrap_or_default(),
            took: slot.pulse().and_then(Pulse::percentiles),
            warnings: slot.warnings(),
            versions: versions(&slot.parts().policy, &gate, now),
        })
    }
}

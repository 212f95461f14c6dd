//! Who serves what, who may decide for it, and what is due.

use std::{collections::BTreeMap, sync::Arc};

use fanfare_sdk::{TargetName, Timestamp};

use super::record::small;
use crate::{
    journal::{Claim, JournalError, NewBroadcast},
    report::{Boot, IdMap},
};

/// The order in which deliveries are served.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Rank {
    pub(super) due: Timestamp,
    /// Its place among all deliveries, in the order of acceptance.
    pub(super) order: u64,
}

/// All targets that ever served, numbered.
#[derive(Debug, Default)]
pub(super) struct Servings {
    numbers: IdMap<TargetName, u32>,
    all: Vec<Serving>,
}

/// One target that serves.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) name: TargetName,
    /// Of the newest claim; 0 before the first one.
    epoch: u64,
    /// No start without an end is of an older boot than this one; none where there is no such start.
    pub(super) boot_min: Option<Boot>,
    /// Its open deliveries.
    pub(super) queue: BTreeMap<Rank, Arc<NewBroadcast>>,
}

// === impl Servings ===

impl Servings {
    pub(super) fn number(&mut self, name: &TargetName) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = small(self.all.len());
        self.numbers.insert(name.clone(), number);
        self.all.push(Serving {
            name: name.clone(),
            epoch: 0,
            boot_min: None,
            queue: BTreeMap::new(),
        });
        number
    }

    pub(super) fn get(&self, number: u32) -> &Serving {
        &self.all[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Serving {
        &mut self.all[number as usize]
    }

    /// Gives a claim that fences all before it.
    pub(super) fn claim(&mut self, number: u32, boot: Boot) -> Claim {
        let serving = self.get_mut(number);
        serving.epoch += 1;
        Claim { serving: serving.name.clone(), epoch: serving.epoch, boot }
    }

    /// The number of the claimed target.
    pub(super) fn check(&self, claim: &Claim) -> Result<u32, JournalError> {
        let number = *self.numbers.get(&claim.serving).ok_or(JournalError::Fenced)?;
        if self.get(number).epoch == claim.epoch { Ok(number) } else { Err(JournalError::Fenced) }
    }
}

// === impl Serving ===

impl Serving {
    /// Takes note of a start, or of a delivery that may have one.
    pub(super) fn note_boot(&mut self, boot: Boot) {
        self.boot_min = Some(self.boot_min.map_or(boot, |least| least.min(boot)));
    }
}

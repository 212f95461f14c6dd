//! Who serves what, who may decide for it, and what is due.

use std::{collections::BTreeMap, sync::Arc};

use fanfare_sdk::TargetName;

use crate::{
    journal::{
        Claim, JournalError, NewBroadcast,
        ledger::{Books, Rank, small},
    },
    report::{Boot, IdMap},
};

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
    pub(super) fn all(&self) -> impl Iterator<Item = &Serving> {
        self.all.iter()
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

// === impl Books for Servings ===

impl Books for Servings {
    fn number(&mut self, name: &TargetName) -> u32 {
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

    fn name(&self, number: u32) -> TargetName {
        self.get(number).name.clone()
    }

    fn note_boot(&mut self, serving: u32, boot: Boot) {
        let least = &mut self.get_mut(serving).boot_min;
        *least = Some(least.map_or(boot, |least| least.min(boot)));
    }

    fn join(&mut self, serving: u32, rank: Rank, broadcast: &Arc<NewBroadcast>) {
        self.get_mut(serving).queue.insert(rank, Arc::clone(broadcast));
    }

    fn leave(&mut self, serving: u32, rank: Rank) {
        self.get_mut(serving).queue.remove(&rank);
    }

    /// The records are all there is.
    fn touch(&mut self, _: u64) {}
}

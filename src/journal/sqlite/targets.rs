//! The targets, numbered: as the table has them, and in memory.

use std::sync::Arc;

use fanfare_sdk::TargetName;
use rusqlite::{Connection, params};

use super::error::Failure;
use crate::{
    journal::{
        NewBroadcast,
        ledger::{Books, Rank, small},
    },
    report::{Boot, IdMap},
};

/// All targets that were ever named, and what of their deliveries is still to be written.
#[derive(Debug, Default)]
pub(super) struct Targets {
    numbers: IdMap<TargetName, u32>,
    all: Vec<Named>,
    /// How many of them stand in the table.
    written: usize,
    /// Deliveries that have changed.
    touched: Vec<u64>,
}

#[derive(Debug)]
struct Named {
    name: TargetName,
    epoch: u64,
}

impl Targets {
    pub(super) fn read(connection: &Connection) -> Result<Self, Failure> {
        let mut targets = Self::default();
        let mut rows = connection.prepare("SELECT name, epoch FROM target ORDER BY number")?;
        let mut rows = rows.query([])?;
        while let Some(row) = rows.next()? {
            let name = TargetName::from(row.get::<_, String>(0)?);
            targets.numbers.insert(name.clone(), small(targets.all.len()));
            targets.all.push(Named { name, epoch: row.get::<_, i64>(1)?.cast_unsigned() });
        }
        targets.written = targets.all.len();
        Ok(targets)
    }

    /// The number of a target that was named before.
    pub(super) fn known(&self, name: &TargetName) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        small(self.all.len())
    }

    /// Of the newest claim.
    pub(super) fn epoch(&self, number: u32) -> u64 {
        self.all[number as usize].epoch
    }

    /// Another claim; gives its epoch.
    pub(super) fn claim(&mut self, connection: &Connection, number: u32) -> Result<u64, Failure> {
        self.write_names(connection)?;
        let named = &mut self.all[number as usize];
        named.epoch += 1;
        connection
            .prepare_cached("UPDATE target SET epoch = $1 WHERE number = $2")?
            .execute(params![named.epoch.cast_signed(), number])?;
        Ok(named.epoch)
    }

    /// Writes names that are new.
    pub(super) fn write_names(&mut self, connection: &Connection) -> Result<(), Failure> {
        for (number, named) in self.all.iter().enumerate().skip(self.written) {
            connection
                .prepare_cached("INSERT INTO target (number, name) VALUES ($1, $2)")?
                .execute(params![small(number), named.name.as_str()])?;
        }
        self.written = self.all.len();
        Ok(())
    }

    /// The deliveries that have changed since it was asked last.
    pub(super) fn take_touched(&mut self) -> Vec<u64> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        touched
    }
}

impl Books for Targets {
    fn number(&mut self, name: &TargetName) -> u32 {
        if let Some(number) = self.known(name) {
            return number;
        }
        let number = small(self.all.len());
        self.numbers.insert(name.clone(), number);
        self.all.push(Named { name: name.clone(), epoch: 0 });
        number
    }

    fn name(&self, number: u32) -> TargetName {
        self.all[number as usize].name.clone()
    }

    // What is due where, and which lives have starts without an end, is an index of the table.
    fn note_boot(&mut self, _: u32, _: Boot) {}

    fn join(&mut self, _: u32, _: Rank, _: &Arc<NewBroadcast>) {}

    fn leave(&mut self, _: u32, _: Rank) {}

    fn touch(&mut self, order: u64) {
        self.touched.push(order);
    }
}

//! The simulation finds what is wrong: each fault that is made on purpose breaks a promise.

use fanfare::sabotage::{ALL, Sabotage, commit};

use super::{promises::broken, scenario::Scenario};

/// Seeds in which a fault must have shown.
const SEEDS_MAX: u64 = 400;

/// About so many broadcasts in each.
const BROADCASTS: usize = 80;

/// The promises that break first under that fault, and on which seed.
fn caught(sabotage: Sabotage) -> Option<(u64, Vec<&'static str>)> {
    commit(Some(sabotage));
    let caught = (0..SEEDS_MAX).find_map(|seed| {
        let scenario = Scenario::draw(seed, BROADCASTS);
        let mut promises: Vec<_> =
            broken(&scenario, &scenario.play()).into_iter().map(|it| it.promise).collect();
        promises.sort_unstable();
        promises.dedup();
        (!promises.is_empty()).then_some((seed, promises))
    });
    commit(None);
    caught
}

/// The control is `the_promises_hold_on_every_seed`: without a fault, the same seeds break nothing.
#[test]
fn every_fault_that_is_made_on_purpose_is_caught() {
    let mut missed = Vec::new();
    for sabotage in ALL {
        match caught(sabotage) {
            Some((seed, promises)) => {
                println!("{sabotage:?}: seed {seed}: {}", promises.join("; "));
            }
            None => missed.push(sabotage),
        }
    }
    assert!(missed.is_empty(), "not caught within {SEEDS_MAX} seeds: {missed:?}");
}

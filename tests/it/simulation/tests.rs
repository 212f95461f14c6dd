//! Seeds, kills at every event, and proof that the promises can be broken.

use std::{
    env,
    ops::Range,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use fanfare::report::{Delivery, Outcome, Report};
use fanfare_sdk::Repeat;

use super::{
    api::{VICES, Vice},
    promises::broken,
    run::Played,
    scenario::{Deed, Scenario, SimBroadcast, SimTarget},
    seeds::{Count, play_all, told, trace},
};

/// Seeds that are played unless the environment says otherwise, and about how many broadcasts are sent in each.
const SEEDS: (u64, usize) = (100, 16);

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The seeds that are wanted, and about how many broadcasts in each.
fn wanted() -> (Range<u64>, usize) {
    let broadcasts = number("FANFARE_BROADCASTS").map(|count| usize::try_from(count).unwrap());
    let seeds = match number("FANFARE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("FANFARE_SEEDS").unwrap_or(SEEDS.0),
    };
    (seeds, broadcasts.unwrap_or(SEEDS.1))
}

#[track_caller]
fn holds(scenario: &Scenario, played: &Played, what: &str) {
    let told = told(scenario, played);
    let seed = scenario.seed;
    assert!(
        told.is_none(),
        "seed {seed}{what} breaks promises:\n{}\n{scenario:#?}\n{:#?}",
        told.unwrap_or_default(),
        played.reports,
    );
}

#[test]
fn the_promises_hold_on_every_seed() {
    let (seeds, broadcasts) = wanted();
    let (mut failed, mut count) = (Vec::new(), Count::default());
    play_all(seeds.clone(), broadcasts, |played| match played {
        Ok(played) => count.add(played),
        Err(told) => failed.push(told),
    });
    assert!(failed.is_empty(), "{} seeds fail\n{}", failed.len(), failed.concat());
    assert_eq!(count.seeds, seeds.end - seeds.start, "each seed was played");
    println!("{count:?}");
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    let (seeds, broadcasts) = wanted();
    for seed in seeds.take(40) {
        let [first, second] = [seed, seed].map(|seed| trace(seed, broadcasts));
        let differ = first.lines().zip(second.lines()).find(|(one, other)| one != other);
        assert!(first == second, "seed {seed} was played differently: {differ:#?}");
    }
}

/// A small broadcast with a doubt, a repeat, a fallback and a success in it.
fn small(seed: u64) -> Scenario {
    let mut targets: Vec<_> = (0..3).map(SimTarget::plain).collect();
    targets[0].api.repeat = Repeat::Never;
    targets[1].api.repeat = Repeat::Anywhere;
    targets[1].stand_ins = vec!["t2".into()];
    targets[2].api.versions = vec!["2", "1"];
    targets[2].auth = true;
    Scenario {
        seed,
        targets,
        broadcasts: vec![SimBroadcast::to_all(3)],
        world_faults: 60,
        ..Scenario::default()
    }
}

/// Does it at the given moment of the journal. Says whether that moment came.
fn play_and_do(scenario: &Scenario, deed: Deed, moment: u64) -> (Played, bool) {
    let done = Arc::new(AtomicBool::new(false));
    let (seen, targets) = (done.clone(), scenario.targets.clone());
    let played = scenario.play_with(move |engine, journal| {
        let engine = engine.clone();
        journal.set_hook(move |at| {
            if at != moment {
                return;
            }
            seen.store(true, Ordering::Relaxed);
            match deed {
                Deed::KillTarget(target) => assert!(engine.restart_target(&targets[target].name)),
                Deed::Replace(target) => engine.replace_target(targets[target].build()).unwrap(),
                Deed::Shutdown => {
                    let engine = engine.clone();
                    let shutdown = async move { assert_eq!(engine.shutdown().await.unsettled, 0) };
                    drop(tokio::runtime::Handle::current().spawn(shutdown));
                }
                _ => engine.restart_coordinators(),
            }
        });
    });
    let done = done.load(Ordering::Relaxed);
    (played, done)
}

#[test]
fn every_actor_may_be_killed_or_told_to_load_at_every_event() {
    for seed in 0..8 {
        let scenario = small(seed);
        let moments = scenario.play().journal.moments();
        assert!(moments > 20, "a run has moments to kill at");
        let places = 0..scenario.targets.len();
        let deeds = places.clone().map(Deed::KillTarget).chain(places.map(Deed::Replace));
        for deed in deeds.chain([Deed::KillCoordinators, Deed::Shutdown]) {
            for moment in 0..moments {
                let (played, done) = play_and_do(&scenario, deed, moment);
                assert!(done || moment > 20, "moment {moment} of {moments} came");
                assert_eq!(played.reports.len(), 1);
                holds(&scenario, &played, &format!(", {deed:?} at moment {moment},"));
            }
        }
    }
}

#[test]
fn an_actor_that_is_killed_again_and_again_fails_its_own_deliveries_only() {
    let mut scenario = small(3);
    scenario.world_faults = 0;
    scenario.deeds = (0..40).map(|n| (Duration::from_millis(n / 4), Deed::KillTarget(0))).collect();
    let played = scenario.play();
    holds(&scenario, &played, "");
    let healthy = &played.reports[0].deliveries[1..];
    assert!(
        healthy.iter().all(|d| matches!(d.outcome, Some(Outcome::Delivered { .. }))),
        "{healthy:#?}"
    );
}

/// A broadcast to a target with that vice and to a healthy one, without any other fault.
fn beside(vice: Vice, repeat: Repeat) -> Scenario {
    let mut scenario = small(1);
    scenario.world_faults = 0;
    scenario.targets.truncate(2);
    scenario.targets[1] = SimTarget::plain(1);
    scenario.targets[0].api.vice = vice;
    scenario.targets[0].api.repeat = repeat;
    scenario.targets[0].auth = !matches!(vice, Vice::None);
    scenario.broadcasts = (0..40).map(|_| SimBroadcast::to_all(2)).collect();
    scenario
}

#[test]
fn what_a_plugin_does_wrong_ends_as_an_outcome_and_is_not_felt_by_others() {
    let healthy = |played: &Played| {
        let delivery = |report: &Report| format!("{:#?}", normal(&report.deliveries[1]));
        played.reports.iter().map(delivery).collect::<Vec<_>>()
    };
    for repeat in [Repeat::Never, Repeat::SameEndpoint] {
        let alone = healthy(&beside(Vice::None, repeat).play());
        for vice in VICES {
            let scenario = beside(vice, repeat);
            let played = scenario.play();
            holds(&scenario, &played, &format!(", {vice:?},"));
            assert_eq!(healthy(&played), alone, "beside {vice:?}");
        }
    }
}

/// What happened when, without ids that are drawn.
fn normal(delivery: &Delivery) -> Vec<String> {
    let attempt = |a: &fanfare::report::AttemptRecord| {
        let ended = a.ended.as_ref().map(|e| (e.meaning, e.status, e.at));
        format!("{} {:?} {:?} {ended:?}", a.started.attempt, a.started.at, a.started.way)
    };
    let mut lines: Vec<_> = delivery.attempts.iter().map(attempt).collect();
    lines.push(format!("{:?} {:?}", delivery.outcome, delivery.settled_at));
    lines
}

#[test]
fn each_vice_ends_as_it_must() {
    let outcomes = |vice, repeat| {
        let played = beside(vice, repeat).play();
        let code = |report: &Report| report.deliveries[0].outcome.map_or("none", Outcome::code);
        let mut codes: Vec<_> = played.reports.iter().map(code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(" ")
    };
    let never = |vice| outcomes(vice, Repeat::Never);
    assert_eq!(never(Vice::None), "delivered");
    assert_eq!(never(Vice::PanicsBeforeSending), "delivered failed");
    assert_eq!(never(Vice::PanicsAfterSending), "delivered indeterminate");
    assert_eq!(never(Vice::PanicsInClassify), "delivered indeterminate");
    assert_eq!(never(Vice::HangsBeforeSending), "delivered failed");
    assert_eq!(never(Vice::HangsAfterSending), "delivered");
    assert_eq!(never(Vice::SaysNonsense), "delivered");
    assert_eq!(never(Vice::AuthPanicsInAuthorize), "delivered failed");
    assert_eq!(never(Vice::AuthIsLate), "delivered");
}

#[test]
fn the_promises_can_be_broken() {
    let scenario = small(2);
    let mut played = scenario.play();
    assert!(broken(&scenario, &played).is_empty());
    let delivered = |d: &&mut Delivery| matches!(d.outcome, Some(Outcome::Delivered { .. }));
    let delivery = played.reports[0].deliveries.iter_mut().find(delivered).unwrap();
    delivery.outcome = Some(Outcome::Expired);
    assert!(!broken(&scenario, &played).is_empty(), "an outcome that is not true is found");
    let mut played = scenario.play();
    played.reports[0].deliveries[0].outcome = None;
    assert!(!broken(&scenario, &played).is_empty(), "a delivery without an outcome is found");
    let mut played = scenario.play();
    played.permits = 1;
    assert!(!broken(&scenario, &played).is_empty(), "a lost permit is found");
    let played = scenario.play();
    for seen in played.world.diary().seen.values_mut() {
        seen.applied += 2;
    }
    assert!(!broken(&scenario, &played).is_empty(), "a repeat that must not be is found");
}

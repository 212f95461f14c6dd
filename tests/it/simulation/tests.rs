//! Seeds, kills at every event, and proof that the promises can be broken.

use std::{
    env,
    sync::{Arc, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use fanfare::report::{Outcome, Report};
use fanfare_sdk::Repeat;

use super::{
    api::{VICES, Vice},
    promises::broken,
    run::{Played, Scenario, SimBroadcast, SimTarget},
};

/// Seeds that are played unless the environment says otherwise.
const SEEDS: u64 = 100;

fn seeds() -> Vec<u64> {
    let number =
        |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a seed is a number"));
    match number("FANFARE_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("FANFARE_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

#[track_caller]
fn holds(scenario: &Scenario, played: &Played, what: &str) {
    let broken = broken(scenario, played);
    let seed = scenario.seed;
    assert!(
        broken.is_empty(),
        "seed {seed}{what} breaks promises:\n  {}\nplay it again: FANFARE_SEED={seed} cargo test --test it simulation\n{scenario:#?}\n{:#?}",
        broken.join("\n  "),
        played.reports,
    );
}

/// All that happened, as text without what differs between runs by design.
fn text(reports: &[Report]) -> String {
    reports.iter().map(|report| format!("{report:#?}\n")).collect()
}

#[test]
fn the_promises_hold_on_every_seed() {
    for seed in seeds() {
        let scenario = Scenario::draw(seed);
        holds(&scenario, &scenario.play(), "");
    }
}

#[test]
fn the_same_seed_gives_the_same_events() {
    for seed in seeds().into_iter().take(25) {
        let scenario = Scenario::draw(seed);
        let [first, second] =
            [scenario.play(), scenario.play()].map(|played| text(&played.reports));
        assert!(
            first == second,
            "seed {seed} was played differently:\n{first}\n=== and then ===\n{second}"
        );
    }
}

/// A small broadcast with a doubt, a repeat, a fallback and a success in it.
fn small(seed: u64) -> Scenario {
    let mut targets: Vec<_> = (0..3).map(SimTarget::plain).collect();
    targets[0].api.repeat = Repeat::Never;
    targets[1].api.repeat = Repeat::Anywhere;
    targets[1].stand_in = Some("t2".into());
    targets[2].api.versions = vec!["2", "1"];
    targets[2].auth = true;
    Scenario {
        seed,
        targets,
        broadcasts: vec![SimBroadcast::to_all(3)],
        world_faults: 60,
        journal_faults: 0,
        kills: vec![],
        replacements: vec![],
        shutdown: None,
    }
}

/// Kills whoever `victim` names at the given moment of the journal.
fn play_and_kill(scenario: &Scenario, victim: usize, moment: u64) -> (Played, bool) {
    let killed = Arc::new(AtomicBool::new(false));
    let (seen, targets) = (killed.clone(), scenario.targets.clone());
    let played = scenario.play_with(move |engine, journal| {
        let engine = engine.clone();
        journal.set_hook(move |at| {
            if at == moment {
                seen.store(true, Ordering::Relaxed);
                match targets.get(victim) {
                    Some(target) => assert!(engine.restart_target(&target.name)),
                    None => engine.restart_coordinators(),
                }
            }
        });
    });
    let killed = killed.load(Ordering::Relaxed);
    (played, killed)
}

#[test]
fn every_actor_may_be_killed_at_every_event() {
    for seed in 0..8 {
        let scenario = small(seed);
        let moments = scenario.play().journal.moments();
        assert!(moments > 20, "a run has moments to kill at");
        for victim in 0..=scenario.targets.len() {
            for moment in 0..moments {
                let (played, killed) = play_and_kill(&scenario, victim, moment);
                assert!(killed || moment > 20, "moment {moment} of {moments} came");
                assert_eq!(played.reports.len(), 1);
                holds(&scenario, &played, &format!(", victim {victim} killed at moment {moment},"));
            }
        }
    }
}

#[test]
fn an_actor_that_is_killed_again_and_again_fails_its_own_deliveries_only() {
    let mut scenario = small(3);
    scenario.world_faults = 0;
    scenario.kills = (0..40).map(|n| (Duration::from_millis(n / 4), 0)).collect();
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
fn normal(delivery: &fanfare::report::Delivery) -> Vec<String> {
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
    let delivered =
        |d: &&mut fanfare::report::Delivery| matches!(d.outcome, Some(Outcome::Delivered { .. }));
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
    for seen in played.world.seen.lock().unwrap().values_mut() {
        seen.applied += 2;
    }
    assert!(!broken(&scenario, &played).is_empty(), "a repeat that must not be is found");
}

//! Hedges: a second attempt beside one that is slow.

use std::time::Duration;

use fanfare_sdk::{Fallback, Repeat};

use super::harness::{HANG, api, check_script, named, play, scripted, secs, with};
use crate::policy::{Hedge, Retry, TargetPolicy, gate::GatePolicy, rehearse::Scripted};

fn hedged() -> TargetPolicy {
    TargetPolicy { hedge: Some(Hedge::After(secs(1))), ..api() }
}

fn after(seconds: u64, code: i32) -> Scripted {
    Scripted { after: secs(seconds), ..scripted(code) }
}

#[track_caller]
fn check(policy: TargetPolicy, script: &[Scripted], expected: &str) {
    check_script(vec![policy], script.to_vec(), expected);
}

#[test]
fn what_is_quick_needs_no_hedge() {
    check(hedged(), &[scripted(200)], "delivered after 1 attempt, 0ns");
    check(hedged(), &[scripted(503), scripted(200)], "delivered after 2 attempts, 200ms");
}

#[test]
fn the_first_answer_counts_and_the_slower_one_is_ended() {
    check(hedged(), &[after(4, 200), scripted(200)], "delivered after 2 attempts, 1s");
    check(hedged(), &[after(2, 200), after(3, 200)], "delivered after 2 attempts, 2s");
    check(hedged(), &[scripted(HANG), after(2, 200)], "delivered after 2 attempts, 3s");
}

#[test]
fn one_that_fails_leaves_it_to_the_other() {
    check(hedged(), &[after(2, 200), scripted(503)], "delivered after 2 attempts, 2s");
    check(hedged(), &[after(2, 503), after(2, 200)], "delivered after 2 attempts, 3s");
    // Both failed: it is tried again, and hedges do not count.
    let script = [after(2, 503), scripted(503), scripted(503), scripted(503)];
    check(hedged(), &script, "failed (all attempts used up) after 4 attempts, 2.6s");
}

#[test]
fn an_attempt_has_one_hedge_at_the_most() {
    let hang = [scripted(HANG)];
    check(hedged(), &hang, "indeterminate (all attempts used up) after 6 attempts, 18.6s");
}

#[test]
fn a_hedge_that_is_throttled_grants_no_attempt_more() {
    let policy = hedged();
    let once = TargetPolicy { retry: Retry { attempts_max: 1, ..policy.retry.clone() }, ..policy };
    let script = [after(2, 503), after(3, 429), scripted(200)];
    check(once, &script, "failed (all attempts used up) after 2 attempts, 4s");
}

#[test]
fn there_is_none_where_a_repeat_might_do_harm() {
    let never = TargetPolicy { repeat: Repeat::Never, ..hedged() };
    check(never, &[after(4, 200), scripted(500)], "delivered after 1 attempt, 4s");
}

#[test]
fn what_the_gate_holds_back_is_dropped() {
    let one = || TargetPolicy {
        gate: GatePolicy { concurrency_max: 1, breaker: None, ..GatePolicy::default() },
        ..hedged()
    };
    check(one(), &[after(4, 200), scripted(500)], "delivered after 1 attempt, 4s");
}

#[test]
fn a_stand_in_hedges_by_its_own_policy() {
    let first = TargetPolicy { fallback: vec![Fallback::Target("b".into()).into()], ..api() };
    let second = TargetPolicy { hedge: Some(Hedge::After(secs(1))), ..named("b") };
    let script = vec![scripted(400), after(4, 200), scripted(200)];
    check_script(vec![first, second], script, "delivered after 3 attempts, 1s, target b");
}

#[test]
fn a_percentile_that_is_not_known_hedges_nothing() {
    let unknown = TargetPolicy { hedge: Some(Hedge::Percentile95), ..api() };
    check(unknown, &[after(4, 200)], "delivered after 1 attempt, 4s");
}

#[test]
fn a_throttled_hedge_pauses_as_any_other() {
    let script = vec![after(2, 503), with(429, &[("retry-after", "9")]), scripted(200)];
    let played = play(vec![hedged()], script);
    let last = played.history.starts().last().unwrap();
    let first = played.history.starts().next().unwrap();
    assert!(last.at.since(first.at) >= Duration::from_secs(10), "{:#?}", played.moments);
}

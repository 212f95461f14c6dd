//! Pauses, budgets and learned concurrency.

use super::script::{check, open, secs};
use crate::policy::gate::{Adaptive, GatePolicy, RetryBudget, Throttle};

#[test]
fn a_target_that_throttles_is_left_alone_for_longer_each_time() {
    check(
        open(),
        "go 429 look 1s go 429 look 3s go 429 look",
        "in 1s:throttled in 3s:throttled in 7s:throttled",
    );
    check(open(), "go 429 1s go well go 429 look", "in in in 2s:throttled");
    let policy = GatePolicy { throttle: Throttle::try_new(secs(4), secs(5)).unwrap(), ..open() };
    check(policy, "go 429 look 4s go 429 look", "in 4s:throttled in 9s:throttled");
}

#[test]
fn all_that_were_in_flight_are_one_sign() {
    check(open(), "go go go 429 429 429 look", "in in in 1s:throttled");
    check(open(), "go go slow9 429 look", "in in 9s:throttled");
    check(open(), "go go 429 slow9 look", "in in 9s:throttled");
}

#[test]
fn after_a_pause_it_is_asked_by_one_first() {
    check(open(), "go 429 1s go go well go go go", "in in busy:concurrency in in busy:concurrency");
    check(
        open(),
        "limit go 429 limit 1s go well limit go go well well limit",
        "128 in 1 in 2 in in 4",
    );
    check(open(), "go go 429 well limit", "in in 1");
}

#[test]
fn repeats_take_from_a_budget_and_first_attempts_do_not() {
    let policy = || GatePolicy {
        retry_budget: Some(RetryBudget::try_new(0.5, 0).unwrap()),
        concurrency_max: 1_000,
        ..open()
    };
    check(policy(), "repeat go*2 repeat repeat go", "1s:retry_budget in in in 1s:retry_budget in");
    let one = || GatePolicy { concurrency_max: 1, ..policy() };
    check(
        one(),
        "go well go repeat well repeat repeat",
        "in in busy:concurrency in 1s:retry_budget",
    );
    check(policy(), "go*2 again repeat repeat", "in in in 1s:retry_budget");
    let off = GatePolicy { retry_budget: None, ..policy() };
    check(off, "repeat repeat", "in in");
}

#[test]
fn concurrency_is_learned() {
    let policy = || GatePolicy {
        adaptive: Some(Adaptive::try_new(1, 2).unwrap()),
        concurrency_max: 100,
        ..open()
    };
    check(policy(), "limit go*2 well*2 limit go*3 late limit", "2 in in 4 in in in 2");
    check(policy(), "go*2 late*2 limit go late limit", "in in 1 in 1");
}

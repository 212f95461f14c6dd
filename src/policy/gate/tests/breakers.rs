//! Breakers.

use super::script::{breaker, check, open, secs};
use crate::policy::gate::{BreakerPolicy, BreakerRatios, GatePolicy};

#[test]
fn a_breaker_opens_after_failures_in_a_row_and_closes_after_a_probe() {
    let three = || breaker(3, 30, 1);
    check(three(), "go ill go lost go ill look", "in in in (Closed>Open) 30s:breaker");
    check(three(), "go ill go ill go well go ill go ill look", "in in in in in open");
    let tripped = "go ill go ill go ill";
    let opened = "in in in (Closed>Open)";
    check(
        three(),
        &format!("{tripped} 29s go 30s look go well look"),
        &format!("{opened} 30s:breaker open in (HalfOpen>Closed) open"),
    );
    check(
        three(),
        &format!("{tripped} 30s go ill look 89s go 90s go"),
        &format!("{opened} in (HalfOpen>Open) 90s:breaker 90s:breaker in"),
    );
}

#[test]
fn probes_are_capped_and_given_back() {
    let one = || breaker(1, 10, 1);
    let two = || breaker(1, 10, 2);
    check(one(), "go ill 10s go go look", "in (Closed>Open) in busy:breaker busy:breaker");
    check(two(), "go ill 10s go go go", "in (Closed>Open) in in busy:breaker");
    for end in ["unsent", "aborted"] {
        check(one(), &format!("go ill 10s go {end} go"), "in (Closed>Open) in in");
    }
}

#[test]
fn late_results_do_not_count_into_a_new_state() {
    check(breaker(1, 10, 1), "go go ill well look", "in in (Closed>Open) 10s:breaker");
    check(breaker(1, 10, 1), "go go ill 10s go ill look", "in in (Closed>Open) in busy:breaker");
    check(
        breaker(1, 10, 2),
        "go ill 10s go go well ill look",
        "in (Closed>Open) in in (HalfOpen>Closed) open",
    );
}

#[test]
fn throttling_is_no_failure_and_a_retry_after_holds_the_breaker_open() {
    check(breaker(1, 10, 1), "go slow5 look 5s look", "in 5s:throttled open");
    check(
        breaker(1, 10, 1),
        "go ill40 look 39s look 40s look",
        "in (Closed>Open) 40s:throttled 40s:throttled open",
    );
    check(open(), "go slow9 go 9s go", "in 9s:throttled in");
    check(open(), "go go slow9 slow5 look", "in in 9s:throttled");
}

#[test]
fn breakers_stand_for_endpoints_and_pauses_for_targets() {
    check(breaker(1, 10, 1), "go@a ill go@a go@b", "in (Closed>Open) 10s:breaker in");
    check(breaker(1, 10, 1), "go@a slow5 go@b", "in 5s:throttled");
}

/// Half of at least four, or slower than 2 s three quarters of the time, within 10 s.
fn ratios() -> GatePolicy {
    let ratios = BreakerRatios {
        window: secs(10),
        calls_min: 4,
        failure: 0.5,
        slow_after: Some(secs(2)),
        slow: 0.75,
    };
    let policy = BreakerPolicy::try_new(100, secs(30), 1).unwrap().ratios(ratios).unwrap();
    GatePolicy { breaker: Some(policy), ..open() }
}

#[test]
fn it_opens_where_too_many_failed_lately() {
    let half = "go ill go well go ill go well look";
    check(ratios(), "go ill go well go ill look", "in in in open");
    check(ratios(), half, "in in in in open");
    check(ratios(), "go ill go well go well go ill look", "in in in in (Closed>Open) 30s:breaker");
    check(ratios(), "go ill go well go well go well go ill look", "in in in in in open");
    check(
        ratios(),
        "go ill go ill go ill 11s go ill go well go well look",
        "in in in in in in open",
    );
    check(ratios(), "go*4 429*4 5s look", "in in in in open");
}

#[test]
fn it_opens_where_too_many_were_slow_lately() {
    let slow = "go 3s well go 6s well go 9s well";
    check(ratios(), &format!("{slow} go 12s well look"), "in in in in (Closed>Open) 42s:breaker");
    check(ratios(), &format!("{slow} go well look"), "in in in in open");
    check(ratios(), "go 1s well go 2s well go 3s well go 4s well look", "in in in in open");
}

#[test]
fn it_stays_open_for_longer_each_time_its_probes_fail() {
    let policy = || {
        let policy = BreakerPolicy::try_new(1, secs(10), 1).unwrap();
        GatePolicy { breaker: Some(policy.open_for_max(secs(60)).unwrap()), ..open() }
    };
    let probes = "go ill look 10s go ill look 30s go ill look 70s go ill look 130s go ill look";
    check(
        policy(),
        probes,
        "in (Closed>Open) 10s:breaker in (HalfOpen>Open) 30s:breaker in (HalfOpen>Open) 70s:breaker in \
         (HalfOpen>Open) 130s:breaker in (HalfOpen>Open) 190s:breaker",
    );
    check(
        policy(),
        "go ill 10s go well go ill look",
        "in (Closed>Open) in (HalfOpen>Closed) in (Closed>Open) 30s:breaker",
    );
    check(
        policy(),
        "go ill 10s go well 70s go ill look",
        "in (Closed>Open) in (HalfOpen>Closed) in (Closed>Open) 80s:breaker",
    );
}

#[test]
fn an_operator_knows_better() {
    check(
        breaker(1, 10, 1),
        "forced_open look go automatic look",
        "(Closed>ForcedOpen) busy:breaker busy:breaker (ForcedOpen>Closed) open",
    );
    check(
        breaker(1, 10, 1),
        "forced_closed go ill look automatic look",
        "(Closed>ForcedClosed) in open (ForcedClosed>Open) 10s:breaker",
    );
    check(
        breaker(1, 10, 1),
        "disabled go ill look automatic look again look",
        "(Closed>Disabled) in open (Disabled>Closed) open open",
    );
    check(breaker(1, 10, 1), "forced_open again look", "(Closed>ForcedOpen) busy:breaker");
}

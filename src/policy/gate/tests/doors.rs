//! Concurrency, rate, levers, and what a snapshot keeps.

use std::time::Duration;

use super::script::{breaker, check, open, rate, secs};
use crate::policy::gate::{BreakerPolicy, GateError, GatePolicy, RateLimit};

#[test]
fn concurrency_is_fixed() {
    let two = || GatePolicy { concurrency_max: 2, ..open() };
    check(two(), "go go go look well go go", "in in busy:concurrency open in busy:concurrency");
    for end in ["ill", "lost", "unsent", "aborted", "late"] {
        check(two(), &format!("go go go {end} go"), "in in busy:concurrency in");
    }
}

#[test]
fn the_rate_limit_lets_a_burst_through_and_then_one_per_interval() {
    check(rate(1, 10, 1), "go go 9s go 10s go 20s go", "in 10s:rate_limit 10s:rate_limit in in");
    check(
        rate(10, 10, 3),
        "go go go go 1s go go 100s go go go go",
        "in in in 1s:rate_limit in 2s:rate_limit in in in 101s:rate_limit",
    );
    check(rate(1, 10, 1), "look go look", "open in open");
}

#[test]
fn what_was_not_sent_takes_no_token_and_each_exchange_takes_one() {
    check(rate(1, 10, 1), "go unsent go", "in in");
    check(rate(1, 10, 1), "go aborted go", "in 10s:rate_limit");
    check(
        GatePolicy { exchanges_max: 2, ..rate(1, 10, 2) },
        "go 9s go 20s go",
        "in 20s:rate_limit in",
    );
    check(
        GatePolicy { exchanges_max: 3, ..rate(1, 10, 1) },
        "go 29s go 30s go",
        "in 30s:rate_limit in",
    );
    // What it might have taken, and did not take, comes back with it.
    check(
        GatePolicy { exchanges_max: 6, ..rate(1, 10, 6) },
        "go once go well go 9s go 10s go",
        "in 60s:rate_limit 10s:rate_limit 10s:rate_limit in",
    );
}

#[test]
fn levers_are_obeyed() {
    check(open(), "pause look go resume go", "busy:paused busy:paused in");
    check(open(), "disable look go revive go", "shut:disabled shut:disabled in");
}

#[test]
fn what_must_not_be_forgotten_is_in_the_snapshot() {
    check(breaker(1, 10, 1), "go ill again look 10s go", "in (Closed>Open) 10s:breaker in");
    check(breaker(1, 10, 1), "go ill 10s go again go", "in (Closed>Open) in in");
    check(rate(1, 10, 1), "go again go", "in 10s:rate_limit");
    check(
        open(),
        "go slow9 pause again look 9s look resume look",
        "in 9s:throttled busy:paused open",
    );
    check(open(), "disable again look", "shut:disabled");
    check(GatePolicy { concurrency_max: 1, ..open() }, "go again go", "in in");
}

#[track_caller]
fn refuse<T: std::fmt::Debug>(checked: Result<T, GateError>, expected: &str) {
    assert_eq!(checked.unwrap_err().to_string(), expected);
}

#[test]
fn what_could_never_let_anything_through_is_refused() {
    refuse(RateLimit::try_new(0, secs(1), 1), "`rate_limit.permits` must be at least 1");
    refuse(RateLimit::try_new(1, secs(1), 0), "`rate_limit.burst` must be at least 1");
    refuse(
        RateLimit::try_new(2, Duration::from_nanos(1), 1),
        "`rate_limit.per` must be at least a nanosecond per permit",
    );
    refuse(BreakerPolicy::try_new(0, secs(1), 1), "`breaker.failures` must be at least 1");
    refuse(BreakerPolicy::try_new(1, secs(0), 1), "`breaker.open_for` must be longer than zero");
    refuse(BreakerPolicy::try_new(1, secs(1), 0), "`breaker.probes` must be at least 1");
}

#[test]
fn a_target_that_asks_not_to_be_called_is_left_alone() {
    check(open(), "go quits go look revive go", "in shut:disabled shut:disabled in");
    check(open(), "go quits again look", "in shut:disabled");
}

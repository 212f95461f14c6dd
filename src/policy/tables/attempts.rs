//! Attempts: how many, after which pauses, and what ends them.

use std::time::Duration;

use fanfare_sdk::{Repeat, Timestamp};

use super::harness::{HANG, REFUSED, RESET, api, check, check_script, play, scripted, secs, with};
use crate::policy::{
    Step, TargetPolicy,
    rehearse::{Moment, Rehearsal, Scripted, rehearse},
};

#[test]
fn what_heals_is_delivered() {
    check(api(), &[200], "delivered after 1 attempt, 0ns");
    check(api(), &[503, 200], "delivered after 2 attempts, 200ms");
    check(api(), &[503, 503, 204], "delivered after 3 attempts, 600ms");
    check(api(), &[REFUSED, 202], "delivered after 2 attempts, 200ms");
    check(api(), &[RESET, 200], "delivered after 2 attempts, 200ms");
    check(api(), &[HANG, 200], "delivered after 2 attempts, 5.2s");
}

#[test]
fn attempts_are_counted_and_throttled_ones_are_not() {
    check(api(), &[503], "failed (all attempts used up) after 3 attempts, 600ms");
    check(api(), &[REFUSED], "failed (all attempts used up) after 3 attempts, 600ms");
    check(api(), &[429, 429, 429, 429, 200], "delivered after 5 attempts, 15s");
    check(api(), &[429, 503, 429, 503, 200], "delivered after 5 attempts, 3.6s");
    let mut few = api();
    few.retry.throttled_max = 2;
    check(few, &[429], "failed (throttled too often) after 2 attempts, 1s");
    let mut once = api();
    once.retry.attempts_max = 1;
    check(once, &[503], "failed (all attempts used up) after 1 attempt, 0ns");
}

#[test]
fn what_was_refused_is_not_repeated() {
    for status in [300, 307, 400, 403, 404, 405, 409, 410, 413, 422, 451, 501, 505] {
        check(api(), &[status, 200], "failed (refused by the API) after 1 attempt, 0ns");
    }
    check(api(), &[401, 200], "failed (not authorised) after 1 attempt, 0ns");
}

#[test]
fn what_is_too_much_now_is_repeated_when_the_api_says_so() {
    let script = |headers: &[(&str, &str)]| vec![with(413, headers), scripted(200)];
    let never = TargetPolicy { repeat: Repeat::Never, ..api() };
    check_script(vec![never], script(&[("retry-after", "7")]), "delivered after 2 attempts, 7s");
    let refused = "failed (refused by the API) after 1 attempt, 0ns";
    check_script(vec![api()], script(&[("retry-after", "soon")]), refused);
}

#[test]
fn retry_after_takes_precedence_over_a_quota() {
    let asked = |headers: &[(&str, &str)], expected| {
        let script = vec![with(503, headers), scripted(200)];
        check_script(vec![api()], script, expected);
    };
    let quota = ("ratelimit", "\"a\";r=0;t=90");
    asked(&[quota], "delivered after 2 attempts, 90s");
    asked(&[("retry-after", "3"), quota], "delivered after 2 attempts, 3s");
    asked(&[("retry-after", "soon"), quota], "delivered after 2 attempts, 90s");
    // As long as it may say, it is capped like any other.
    let mut capped = api();
    capped.retry.retry_after_max = secs(60);
    let script = vec![with(503, &[quota]), scripted(200)];
    check_script(vec![capped], script, "delivered after 2 attempts, 60s");
}

#[test]
fn a_doubt_is_called_a_doubt() {
    let never = || TargetPolicy { repeat: Repeat::Never, ..api() };
    check(
        never(),
        &[HANG, 200],
        "indeterminate (a repeat is not known to be safe) after 1 attempt, 5s",
    );
    check(
        never(),
        &[RESET, 200],
        "indeterminate (a repeat is not known to be safe) after 1 attempt, 0ns",
    );
    for status in [408, 500, 502, 504, 529] {
        check(
            never(),
            &[status, 200],
            "indeterminate (a repeat is not known to be safe) after 1 attempt, 0ns",
        );
    }
    for status in [421, 425, 503, REFUSED] {
        check(never(), &[status, 200], "delivered after 2 attempts, 200ms");
    }
    check(never(), &[429, 200], "delivered after 2 attempts, 1s");
    check(
        never(),
        &[503, 500, 200],
        "indeterminate (a repeat is not known to be safe) after 2 attempts, 200ms",
    );
    check(api(), &[500], "indeterminate (all attempts used up) after 3 attempts, 600ms");
    check(api(), &[500, 400], "indeterminate (refused by the API) after 2 attempts, 200ms");
    check(api(), &[500, 503, 503], "indeterminate (all attempts used up) after 3 attempts, 600ms");
}

#[test]
fn retry_after_is_a_minimum_in_all_its_forms() {
    let asked = |status, headers: &[(&str, &str)], expected| {
        check_script(vec![api()], vec![with(status, headers), scripted(200)], expected);
    };
    asked(503, &[("retry-after", "2")], "delivered after 2 attempts, 2s");
    asked(429, &[("retry-after", "2")], "delivered after 2 attempts, 2s");
    asked(503, &[("retry-after", "0")], "delivered after 2 attempts, 200ms");
    asked(
        503,
        &[("retry-after-ms", "1500"), ("retry-after", "9")],
        "delivered after 2 attempts, 1.5s",
    );
    asked(
        503,
        &[("retry-after", "Thu, 01 Jan 2026 00:00:30 GMT")],
        "delivered after 2 attempts, 30s",
    );
    asked(
        503,
        &[("retry-after", "Thursday, 01-Jan-26 00:00:30 GMT")],
        "delivered after 2 attempts, 30s",
    );
    asked(503, &[("retry-after", "Thu Jan  1 00:00:30 2026")], "delivered after 2 attempts, 30s");
    asked(
        503,
        &[("retry-after", "Wed, 31 Dec 2025 23:59:00 GMT")],
        "delivered after 2 attempts, 200ms",
    );
    let skewed = [
        ("retry-after", "Thu, 01 Jan 2026 00:01:05 GMT"),
        ("date", "Thu, 01 Jan 2026 00:01:00 GMT"),
    ];
    asked(503, &skewed, "delivered after 2 attempts, 5s");
    for wrong in ["-1", "1.5", "+5", "1e3", "abc", "", "Thu, 01 Jan 2026 00:00:30 UTC"] {
        asked(503, &[("retry-after", wrong)], "delivered after 2 attempts, 200ms");
    }
}

#[test]
fn retry_after_is_capped_and_never_slept_through_the_end_of_life() {
    let wait = |value| vec![with(503, &[("retry-after", value)]), scripted(200)];
    let mut capped = api();
    capped.retry.retry_after_max = secs(60);
    check_script(vec![capped], wait("99999999999999999999"), "delivered after 2 attempts, 60s");
    check_script(vec![api()], wait("301"), "failed (its time was over) after 1 attempt, 0ns");
    check_script(vec![api()], wait("299"), "delivered after 2 attempts, 299s");
}

#[test]
fn a_delivery_expires_and_its_last_attempt_is_cut_short() {
    let life = |wait| TargetPolicy { give_up_after: secs(wait), ..api() };
    // 5 s, a pause of 200 ms, and then what is left with the grace of 2 s: less than 5 s.
    check(life(7), &[HANG], "indeterminate (its time was over) after 2 attempts, 9s");
    check(life(5), &[HANG], "indeterminate (its time was over) after 1 attempt, 5s");
    check(life(0), &[200], "expired after 0 attempts, 0ns");
}

#[track_caller]
fn cancel(at: u64, script: Scripted, expected: &str) {
    let start = Timestamp::from_secs(0);
    let cancel_after = Some(secs(at));
    let played = rehearse(&Rehearsal {
        apis: std::collections::HashMap::new(),

        targets: vec![api()],
        script: vec![script],
        seed: 1,
        start,
        cancel_after,
    });
    assert_eq!(played.to_string(), expected, "{:#?}", played.moments);
}

#[test]
fn what_is_in_flight_gets_a_grace_before_it_is_cancelled() {
    let after = |code, secs| Scripted { after: Duration::from_secs(secs), ..scripted(code) };
    cancel(0, scripted(200), "cancelled (caller) after 0 attempts, 0ns");
    cancel(1, after(200, 2), "delivered after 1 attempt, 2s");
    cancel(1, after(200, 4), "indeterminate (cancelled) after 1 attempt, 3s");
    cancel(1, scripted(HANG), "indeterminate (cancelled) after 1 attempt, 3s");
    cancel(1, after(REFUSED, 4), "cancelled (caller) after 1 attempt, 3s");
    cancel(1, with(503, &[("retry-after", "60")]), "cancelled (caller) after 1 attempt, 1s");
}

#[test]
fn the_moments_say_what_was_decided_and_when() {
    let played = play(vec![api()], [503, 200].map(scripted).to_vec());
    let seen: Vec<_> =
        played.moments.iter().map(|(at, moment)| (at.as_millis(), name(moment))).collect();
    let expected = [
        (0, "attempt"),
        (0, "ended"),
        (0, "wait"),
        (200, "attempt"),
        (200, "ended"),
        (200, "settle"),
    ];
    assert_eq!(seen, expected);
}

fn name(moment: &Moment) -> &'static str {
    match moment {
        Moment::Decided(Step::Attempt { .. }) => "attempt",
        Moment::Decided(Step::Wait { .. }) => "wait",
        Moment::Decided(Step::Settle(_)) => "settle",
        Moment::Decided(
            Step::Listen { .. } | Step::Abort { .. } | Step::FallBack(..) | Step::HandOver { .. },
        )
        | Moment::PassedOver(_) => "other",
        Moment::Ended(_) => "ended",
        Moment::Cancelled => "cancelled",
    }
}

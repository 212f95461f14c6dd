//! Ways: versions, endpoints, stand-ins, and what the gate does to the choice between them.

use fanfare_sdk::{Fallback, Repeat};

use super::harness::{api, check, check_script, endpoints, named, scripted, secs, versions};
use crate::policy::{
    TargetPolicy,
    gate::{BreakerPolicy, RateLimit},
};

#[test]
fn a_rejected_version_falls_back_to_the_next() {
    for status in [404, 406, 410, 415, 426] {
        check(versions(&["3", "2"]), &[status, 200], "delivered after 2 attempts, 0ns, version 2");
    }
    check(
        versions(&["3", "2", "1"]),
        &[410, 410, 200],
        "delivered after 3 attempts, 0ns, version 1",
    );
    check(
        versions(&["3", "2"]),
        &[410],
        "failed (no version left that the API speaks) after 2 attempts, 0ns",
    );
    check(
        versions(&["3"]),
        &[410],
        "failed (no version left that the API speaks) after 1 attempt, 0ns",
    );
    check(versions(&["3"]), &[404], "failed (refused by the API) after 1 attempt, 0ns");
    check(versions(&["3", "2"]), &[404, 404], "failed (refused by the API) after 2 attempts, 0ns");
    check(versions(&["3", "2"]), &[404, 200], "delivered after 2 attempts, 0ns, version 2");
    check(
        versions(&["3", "2"]),
        &[503, 410, 503, 200],
        "delivered after 4 attempts, 400ms, version 2",
    );
    let fixed = TargetPolicy { fallback: vec![], ..versions(&["3", "2"]) };
    check(fixed, &[410, 200], "failed (no version left that the API speaks) after 1 attempt, 0ns");
}

#[test]
fn a_doubt_at_one_version_keeps_from_another() {
    let safe = |repeat| TargetPolicy { repeat, ..versions(&["3", "2"]) };
    let doubt = [500, 410, 200];
    let stays = "indeterminate (no version left that the API speaks) after 2 attempts, 200ms";
    check(safe(Repeat::SameEndpoint), &doubt, stays);
    check(safe(Repeat::Anywhere), &doubt, "delivered after 3 attempts, 200ms, version 2");
}

#[test]
fn another_endpoint_serves_where_the_first_one_failed() {
    let two = || endpoints("a", &["b"]);
    check(two(), &[503, 503, 503, 200], "delivered after 4 attempts, 600ms, endpoint b");
    check(two(), &[503, 503, 503, 503, 200], "delivered after 5 attempts, 800ms, endpoint b");
    check(two(), &[503], "failed (all attempts used up) after 6 attempts, 1.2s");
    check(two(), &[400, 200], "failed (refused by the API) after 1 attempt, 0ns");
    check(two(), &[500, 500, 500, 200], "delivered after 4 attempts, 600ms, endpoint b");
    let careful = TargetPolicy { repeat: Repeat::SameEndpoint, ..two() };
    check(careful, &[500], "indeterminate (all attempts used up) after 3 attempts, 600ms");
    check(
        endpoints("a", &["b", "c"]),
        &[503, 503, 503, 401],
        "failed (not authorised) after 4 attempts, 600ms",
    );
}

#[test]
fn a_stand_in_takes_over_with_the_history() {
    let stands_in = |repeat| {
        let fallback = vec![Fallback::Target("backup".into()).into()];
        vec![TargetPolicy { fallback, repeat, ..api() }, named("backup")]
    };
    let script = |codes: &[i32]| codes.iter().map(|c| scripted(*c)).collect::<Vec<_>>();
    let play =
        |repeat, codes: &[i32], expected| check_script(stands_in(repeat), script(codes), expected);
    play(Repeat::Never, &[503, 503, 503, 200], "delivered after 4 attempts, 600ms, target backup");
    play(Repeat::Never, &[422, 200], "delivered after 2 attempts, 0ns, target backup");
    play(
        Repeat::Never,
        &[503, 503, 503, 422],
        "failed (refused by the API) after 4 attempts, 600ms",
    );
    play(
        Repeat::Never,
        &[500, 200],
        "indeterminate (a repeat is not known to be safe) after 1 attempt, 0ns",
    );
    play(
        Repeat::SameEndpoint,
        &[500],
        "indeterminate (all attempts used up) after 3 attempts, 600ms",
    );
    play(
        Repeat::Anywhere,
        &[500, 500, 500, 200],
        "delivered after 4 attempts, 600ms, target backup",
    );
    play(
        Repeat::Anywhere,
        &[500, 500, 500, 400],
        "indeterminate (refused by the API) after 4 attempts, 600ms",
    );
}

#[test]
fn a_stand_in_has_endpoints_of_its_own() {
    let fallback = vec![Fallback::Target("b".into()).into()];
    let first = TargetPolicy { fallback, ..api() };
    let second = TargetPolicy { target: "b".into(), ..endpoints("x", &["y"]) };
    check_script(
        vec![first, second],
        [422, 503, 503, 503, 200].map(scripted).to_vec(),
        "delivered after 5 attempts, 600ms, target b, endpoint y",
    );
}

#[test]
fn stand_ins_of_the_recipient_follow_those_of_its_stand_in() {
    let to = |names: &[&str]| {
        names.iter().map(|n| Fallback::Target((*n).into()).into()).collect::<Vec<_>>()
    };
    let first = TargetPolicy { fallback: to(&["b", "c"]), ..api() };
    let second = TargetPolicy { fallback: to(&["d"]), ..named("b") };
    let targets = || vec![first.clone(), second.clone(), named("c"), named("d")];
    let script = |codes: &[i32]| codes.iter().map(|c| scripted(*c)).collect::<Vec<_>>();
    check_script(targets(), script(&[400, 400, 200]), "delivered after 3 attempts, 0ns, target d");
    check_script(
        targets(),
        script(&[400, 400, 400, 200]),
        "delivered after 4 attempts, 0ns, target c",
    );
    check_script(targets(), script(&[400]), "failed (refused by the API) after 4 attempts, 0ns");
}

#[test]
fn a_canned_reply_comes_last() {
    let canned = TargetPolicy { fallback: vec![Fallback::Reply.into()], ..api() };
    check(canned.clone(), &[400], "substituted after 1 attempt, 0ns");
    check(canned, &[500, 400], "indeterminate (refused by the API) after 2 attempts, 200ms");
}

#[test]
fn an_open_breaker_is_waited_for_unless_another_way_is_there() {
    let breaker = BreakerPolicy::try_new(1, secs(30), 1).unwrap();
    let mut alone = TargetPolicy { endpoint: Some("a".into()), ..api() };
    alone.gate.breaker = Some(breaker.clone());
    check(alone.clone(), &[503, 200], "delivered after 2 attempts, 30s, endpoint a");
    let two =
        TargetPolicy { fallback: vec![Fallback::Endpoint("b".into()).into()], ..alone.clone() };
    check(two, &[503, 200], "delivered after 2 attempts, 0ns, endpoint b");
    let three = TargetPolicy { fallback: vec![Fallback::Target("backup".into()).into()], ..alone };
    let script = vec![scripted(503), scripted(200)];
    check_script(
        vec![three, named("backup")],
        script,
        "delivered after 2 attempts, 0ns, target backup",
    );
}

#[test]
fn the_rate_limit_holds_back_a_repeat() {
    let mut slow = api();
    slow.gate.rate_limit = Some(RateLimit::try_new(1, secs(10), 1).unwrap());
    check(slow, &[503, 200], "delivered after 2 attempts, 10s");
}

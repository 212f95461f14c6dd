//! Fallbacks: for which failures they are, how patient they are, and what is said of those that are passed over.

use std::{sync::Arc, time::Duration};

use http::HeaderMap;

use super::harness::{REFUSED, api, check, endpoints, named, play, scripted, secs, versions, way};
use crate::{
    policy::{Condition, FallbackRule, FallbackTo, Park, Retry, TargetPolicy},
    report::{CapturedReply, History, Outcome, Substitute},
};

fn rule(to: FallbackTo, on: &[&str]) -> FallbackRule {
    FallbackRule::new(to).on(on.iter().map(|word| Condition::parse(word).unwrap()))
}

fn canned() -> FallbackTo {
    FallbackTo::Reply(Arc::new(CapturedReply { status: Some(203), ..CapturedReply::default() }))
}

fn target(name: &str) -> FallbackTo {
    FallbackTo::Target(name.into())
}

/// What was passed over, each time.
fn passed(history: &History) -> String {
    let falls = history.falls().map(|fell_back| {
        let passed = fell_back.passed.iter().map(|passed| {
            let name = match &passed.fallback {
                Substitute::Endpoint(endpoint) => format!(" {endpoint}"),
                Substitute::Target(target) => format!(" {target}"),
                Substitute::Version | Substitute::Reply | Substitute::Park => String::new(),
            };
            format!("{}{name}: {}", passed.fallback.code(), passed.because.code())
        });
        format!("{} [{}]", fell_back.because.code(), passed.collect::<Vec<_>>().join(", "))
    });
    falls.collect::<Vec<_>>().join("; ")
}

/// A target with these fallbacks, `b` and `c` beside it: how it ends, by which way, and what is passed over.
#[track_caller]
fn told(first: TargetPolicy, codes: &[i32], expected: &str) {
    let played = play(
        vec![first, named("b"), named("c")],
        codes.iter().map(|code| scripted(*code)).collect(),
    );
    let way = way(&played, true);
    let found = format!("{played}{way}: {}", passed(&played.history));
    assert_eq!(found, expected, "{:#?}", played.moments);
}

#[test]
fn a_fallback_is_for_the_failures_that_it_names() {
    let by = |on: &[&str]| TargetPolicy { fallback: vec![rule(target("b"), on)], ..api() };
    told(by(&["5xx"]), &[503, 503, 503, 200], "delivered after 4 attempts, 600ms, target b: ");
    told(
        by(&["connect"]),
        &[503, 503, 503, 200],
        "failed (all attempts used up) after 3 attempts, 600ms: attempts_used_up [target b: not_meant]",
    );
    told(
        by(&["connect"]),
        &[REFUSED, REFUSED, REFUSED, 200],
        "delivered after 4 attempts, 600ms, target b: ",
    );
    told(by(&["permanent"]), &[422, 200], "delivered after 2 attempts, 0ns, target b: ");
    told(by(&["422"]), &[422, 200], "delivered after 2 attempts, 0ns, target b: ");
    told(
        by(&["4xx", "attempts_used_up"]),
        &[503, 503, 503, 200],
        "delivered after 4 attempts, 600ms, target b: ",
    );
    told(
        by(&["timeout"]),
        &[401, 200],
        "failed (not authorised) after 1 attempt, 0ns: unauthorized [target b: not_meant]",
    );
}

#[test]
fn the_first_that_is_meant_is_taken_and_the_others_are_told() {
    let fallback =
        || vec![rule(target("b"), &["connect"]), rule(target("c"), &["5xx"]), rule(canned(), &[])];
    let first = || TargetPolicy { fallback: fallback(), ..api() };
    told(
        first(),
        &[503, 503, 503, 200],
        "delivered after 4 attempts, 600ms, target c: attempts_used_up [target b: not_meant]",
    );
    told(
        first(),
        &[422],
        "substituted after 1 attempt, 0ns: permanent [target b: not_meant, target c: not_meant]",
    );
    // Who stands in fails too: those of the recipient that are left come then.
    told(
        first(),
        &[503, 503, 503, 422],
        "substituted after 4 attempts, 600ms: attempts_used_up [target b: not_meant]; permanent [target b: not_meant, target c: not_meant]",
    );
    told(
        first(),
        &[500, 422],
        "indeterminate (refused by the API) after 2 attempts, 200ms: permanent [target b: not_meant, target c: not_meant, reply: doubt]",
    );
}

#[test]
fn a_canned_reply_stands_in_the_history() {
    let first = TargetPolicy { fallback: vec![rule(canned(), &[])], ..api() };
    let played = play(vec![first], vec![scripted(422)]);
    assert_eq!(played.outcome, Some(Outcome::Substituted));
    let reply = played.history.fell_back().and_then(|fell_back| fell_back.reply.clone()).unwrap();
    assert_eq!((reply.status, &reply.headers), (Some(203), &HeaderMap::new()));
}

#[test]
fn an_endpoint_that_is_named_for_a_failure_gets_what_another_would_not() {
    let by = |on: &[&str]| TargetPolicy {
        fallback: vec![rule(FallbackTo::Endpoint("b".into()), on)],
        ..endpoints("a", &[])
    };
    check(by(&[]), &[422, 200], "failed (refused by the API) after 1 attempt, 0ns");
    check(by(&["422"]), &[422, 200], "delivered after 2 attempts, 0ns, endpoint b");
    told(
        by(&["422"]),
        &[422, 422],
        "failed (refused by the API) after 2 attempts, 0ns: permanent [endpoint b: tried]",
    );
}

#[test]
fn an_older_version_may_be_asked_for_after_other_failures() {
    let by = |on: &[&str]| TargetPolicy {
        fallback: vec![rule(FallbackTo::Version, on)],
        ..versions(&["3", "2", "1"])
    };
    check(by(&["5xx"]), &[503, 503, 503, 200], "delivered after 4 attempts, 600ms, version 2");
    check(by(&["501"]), &[501, 501, 200], "delivered after 3 attempts, 0ns, version 1");
    check(by(&["501"]), &[501], "failed (refused by the API) after 3 attempts, 0ns");
    let says = "failed (no version left that the API speaks) after 1 attempt, 0ns";
    check(by(&["5xx"]), &[410, 200], says);
    check(by(&["version_rejected"]), &[410, 200], "delivered after 2 attempts, 0ns, version 2");
}

#[test]
fn a_fallback_is_as_patient_as_it_says() {
    let once = |to: FallbackTo| FallbackRule {
        retry: Some(Retry { attempts_max: 1, ..api().retry }),
        timeout: Some(Duration::from_secs(2)),
        ..rule(to, &[])
    };
    let endpoint = TargetPolicy {
        fallback: vec![once(FallbackTo::Endpoint("b".into()))],
        ..endpoints("a", &[])
    };
    check(endpoint.clone(), &[503], "failed (all attempts used up) after 4 attempts, 600ms");
    check(
        endpoint,
        &[503, 503, 503, -1],
        "indeterminate (all attempts used up) after 4 attempts, 2.6s",
    );
    let stand_in = TargetPolicy { fallback: vec![once(target("b"))], ..api() };
    told(
        stand_in,
        &[503],
        "failed (all attempts used up) after 4 attempts, 600ms: attempts_used_up [target b: tried]",
    );
    let version =
        TargetPolicy { fallback: vec![once(FallbackTo::Version)], ..versions(&["3", "2"]) };
    check(version.clone(), &[410, 503], "failed (all attempts used up) after 2 attempts, 0ns");
    check(version, &[503, 503, 200], "delivered after 3 attempts, 600ms, version 3");
}

#[test]
fn a_delivery_is_parked_as_often_as_it_may_be() {
    let park = |times| FallbackTo::Park(Park { wait: secs(3_600), times });
    let first = |times| TargetPolicy { fallback: vec![rule(park(times), &["5xx"])], ..api() };
    let parked = |times, codes: &[i32]| {
        let script = codes.iter().map(|code| scripted(*code)).collect();
        let played = play(vec![first(times)], script);
        let start = played.history.events()[0].at();
        let until = played.history.parked_until().map(|until| until.since(start));
        format!("{played}: {until:?} {}", passed(&played.history))
    };
    assert_eq!(
        parked(1, &[503]),
        "failed (all attempts used up) after 3 attempts, 600ms: Some(3600.6s) attempts_used_up []"
    );
    assert_eq!(
        parked(0, &[503]),
        "failed (all attempts used up) after 3 attempts, 600ms: None attempts_used_up [park: used_up]"
    );
    assert_eq!(
        parked(1, &[422]),
        "failed (refused by the API) after 1 attempt, 0ns: None permanent [park: not_meant]"
    );
    // What may have been applied is not sent again by itself, unless a repeat does no harm anywhere.
    assert_eq!(
        parked(1, &[500]),
        "indeterminate (all attempts used up) after 3 attempts, 600ms: None attempts_used_up [park: doubt]"
    );
}

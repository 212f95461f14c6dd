//! Tables: what becomes of many deliveries.

use std::time::Duration;

use fanfare_sdk::{Fallback, Profile, Repeat, TargetName};

use super::{Load, Outage, RouteRehearsal, Scripted, Spread};
use crate::{
    policy::{
        Hedge, Jitter, TargetPolicy,
        gate::{BreakerPolicy, RateLimit},
    },
    report::{Completion, Rest},
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Without breaker, budget and chance: three attempts with pauses of 200 ms and 400 ms.
fn target(name: &str) -> TargetPolicy {
    let mut policy = TargetPolicy::new(TargetName::from(name), &Profile::default());
    policy.retry.backoff = policy.retry.backoff.with_jitter(Jitter::None);
    (policy.gate.breaker, policy.gate.retry_budget) = (None, None);
    policy
}

/// One broadcast each second, ten of them; the engine has no retry budget.
fn ten() -> RouteRehearsal {
    RouteRehearsal::new(Load::steady(1, secs(1), secs(10)).unwrap()).retry_budget(None)
}

fn many(rate: u32, lasts: Duration) -> RouteRehearsal {
    RouteRehearsal::new(Load::steady(rate, secs(1), lasts).unwrap()).retry_budget(None)
}

#[track_caller]
fn check(rehearsal: &RouteRehearsal, expected: &[&str]) {
    let played = rehearsal.rehearse();
    assert_eq!(played.to_string().lines().collect::<Vec<_>>(), expected, "{played:#?}");
    assert_eq!(played.unsettled, 0);
}

#[test]
fn an_outage_loses_what_comes_within_it() {
    check(
        &ten().to(target("a")),
        &[
            "10 of 10 satisfied",
            "a: 10 delivered in up to 100ms",
            "a: 10 requests, 0 repeats, at most 1 in the second from 0ns, 1 in flight, 1 open",
        ],
    );
    let down = |until| Outage::new("a", Scripted::refused(), secs(3)..until);
    check(
        &ten().to(target("a")).outage(down(secs(6))),
        &[
            "7 of 10 satisfied",
            "a: 7 delivered, 3 failed (all attempts used up) in up to 600ms",
            "a: 16 requests, 6 repeats, at most 3 in the second from 3s, 1 in flight, 1 open; backoff 400ms",
        ],
    );
    // The second repeat of the last one comes when it is over.
    check(
        &ten().to(target("a")).outage(down(ms(5_500))),
        &[
            "8 of 10 satisfied",
            "a: 8 delivered, 2 failed (all attempts used up) in up to 700ms",
            "a: 16 requests, 6 repeats, at most 3 in the second from 3s, 1 in flight, 1 open; backoff 400ms",
        ],
    );
}

#[test]
fn doubts_are_counted_as_doubts() {
    let hang = Outage::new("a", Scripted::hang(), secs(0)..secs(2));
    check(
        &ten().to(target("a")).outage(hang),
        &[
            "8 of 10 satisfied",
            "a: 8 delivered, 2 indeterminate (a repeat is not known to be safe) in up to 10s",
            "a: 10 requests, 0 repeats, at most 1 in the second from 0ns, 3 in flight, 3 open",
        ],
    );
}

#[test]
fn throttling_holds_back_all_deliveries_of_the_target_and_of_no_other() {
    let throttled = Scripted::status(429).retry_after(5);
    let outage = Outage::new("a", throttled, secs(2)..secs(3));
    check(
        &ten().to(target("a")).optional(target("b")).outage(outage),
        &[
            "10 of 10 satisfied",
            "a: 10 delivered in up to 5.3s",
            "b: 10 delivered in up to 100ms",
            "a: 11 requests, 1 repeats, at most 6 in the second from 7s, 3 in flight, 6 open; throttled 4s; backoff 5s; concurrency 100ms",
            "b: 10 requests, 0 repeats, at most 1 in the second from 0ns, 1 in flight, 1 open",
        ],
    );
}

#[test]
fn who_stands_before_the_gate_waits_for_what_the_gate_says() {
    let mut limited = target("a");
    limited.gate.rate_limit = Some(RateLimit::try_new(5, secs(1), 1).unwrap());
    check(
        &many(10, secs(2)).to(limited),
        &[
            "20 of 20 satisfied",
            "a: 20 delivered in up to 2s",
            "a: 20 requests, 0 repeats, at most 5 in the second from 0ns, 1 in flight, 10 open; rate_limit 1.9s",
        ],
    );
    let mut narrow = target("a");
    narrow.gate.concurrency_max = 1;
    check(
        &many(10, secs(2)).to(narrow).normally(Scripted::status(200).after(ms(200))),
        &[
            "20 of 20 satisfied",
            "a: 20 delivered in up to 2.1s",
            "a: 20 requests, 0 repeats, at most 5 in the second from 0ns, 1 in flight, 11 open; concurrency 1.9s",
        ],
    );
}

#[test]
fn a_breaker_spares_the_api_and_its_changes_are_told() {
    let mut guarded = target("a");
    guarded.gate.breaker = Some(BreakerPolicy::try_new(5, secs(10), 1).unwrap());
    let down = Outage::new("a", Scripted::refused(), secs(1)..secs(25));
    let rehearsal = many(10, secs(30)).to(guarded).outage(down);
    check(
        &rehearsal,
        &[
            "299 of 300 satisfied",
            "a: 299 delivered, 1 failed (all attempts used up) in up to 30.7s",
            "a: 305 requests, 5 repeats, at most 225 in the second from 32s, 128 in flight, 289 open; breaker 30s; backoff 400ms; concurrency 100ms",
        ],
    );
    let played = rehearsal.rehearse();
    let changes = played.api("a").unwrap().breaker.iter();
    let changes: Vec<_> = changes.map(|it| format!("{:?} {}", it.at, it.to.code())).collect();
    assert_eq!(changes, ["1.3s open", "11.3s open", "31.4s closed"]);
}

#[test]
fn a_stand_in_sees_what_the_recipient_cannot_take() {
    let mut served = target("a");
    served.fallback = vec![Fallback::Target("b".into()).into()];
    let outage = Outage::new("a", Scripted::status(503), secs(2)..secs(4));
    check(
        &ten().to(served).stand_in(target("b")).outage(outage),
        &[
            "10 of 10 satisfied",
            "a: 10 delivered in up to 700ms",
            "a: 14 requests, 4 repeats, at most 3 in the second from 2s, 1 in flight, 1 open; backoff 400ms",
            "b: 2 requests, 0 repeats, at most 1 in the second from 2s, 1 in flight, 1 open",
        ],
    );
}

#[test]
fn another_endpoint_helps_where_only_one_is_down() {
    let mut served = TargetPolicy { endpoint: Some("eu".into()), ..target("a") };
    served.fallback = vec![Fallback::Endpoint("us".into()).into()];
    let outage = Outage::new("a", Scripted::refused(), secs(2)..secs(4)).at("eu");
    let rehearsal = ten().to(served);
    check(
        &rehearsal.clone().outage(outage),
        &[
            "10 of 10 satisfied",
            "a: 10 delivered in up to 700ms",
            "a: 16 requests, 4 repeats, at most 4 in the second from 2s, 1 in flight, 1 open; backoff 400ms",
        ],
    );
    let both = Outage::new("a", Scripted::refused(), secs(2)..secs(4));
    assert_eq!(rehearsal.outage(both).rehearse().satisfied(), 9);
}

#[test]
fn a_hedge_cuts_off_what_is_slow() {
    let slow = Outage::always("a", Scripted::status(200).after(secs(5))).percent(10);
    let mut hedged = TargetPolicy { hedge: Some(Hedge::After(ms(300))), ..target("a") };
    hedged.repeat = Repeat::SameEndpoint;
    let plain = many(10, secs(10)).outage(slow);
    let (without, with) = (plain.clone().to(target("a")).rehearse(), plain.to(hedged).rehearse());
    let p95 = |played: &super::RouteRehearsed| played.recipients[0].settled_after.p95;
    assert_eq!((p95(&without), p95(&with)), (secs(5), ms(400)));
    let api = with.api("a").unwrap();
    assert!((5..15).contains(&api.hedges), "{api:?}");
    assert_eq!(api.attempts, 100 + api.hedges);
}

#[test]
fn verdicts_fall_as_the_route_says() {
    let down = Outage::always("b", Scripted::refused());
    let two = || ten().to(target("a")).to(target("b")).outage(down.clone());
    check(
        &two(),
        &[
            "0 of 10 satisfied",
            "a: 10 delivered in up to 100ms",
            "b: 10 failed (all attempts used up) in up to 600ms",
            "a: 10 requests, 0 repeats, at most 1 in the second from 0ns, 1 in flight, 1 open",
            "b: 30 requests, 20 repeats, at most 3 in the second from 0ns, 1 in flight, 1 open; backoff 400ms",
        ],
    );
    #[track_caller]
    fn verdict(rehearsal: &RouteRehearsal, expected: &str) {
        let played = rehearsal.rehearse();
        let verdict = played.verdicts[0];
        let Spread { count, max, .. } = played.verdict_after;
        assert_eq!(
            format!("{} {}: {count} in {max:?}", verdict.satisfied, verdict.by.code()),
            expected
        );
    }
    verdict(&two(), "false impossible: 10 in 600ms");
    verdict(&two().completion(Completion::Any), "true first: 10 in 100ms");
    verdict(&two().deadline(Some(ms(300))), "false deadline: 10 in 300ms");
    let any = two().completion(Completion::Any).rest(Rest::Cancel);
    assert_eq!(any.rehearse().recipient("b").unwrap().count("cancelled"), 10);
}

#[test]
fn a_queue_that_is_full_takes_no_more() {
    let policy = TargetPolicy { queue_max: 5, ..target("a") };
    let load = Load::at_once(8).unwrap();
    check(
        &RouteRehearsal::new(load).to(policy),
        &[
            "5 of 8 satisfied",
            "a: 5 delivered, 3 failed (the target's queue is full) in up to 100ms",
            "a: 5 requests, 0 repeats, at most 5 in the second from 0ns, 5 in flight, 5 open",
        ],
    );
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let policy = || TargetPolicy::new("a".into(), &Profile::default());
    let flaky = Outage::always("a", Scripted::status(503)).percent(40);
    let play = |seed| many(50, secs(60)).to(policy()).outage(flaky.clone()).seed(seed).rehearse();
    assert_eq!(play(1), play(1));
    assert_ne!(play(1), play(2));
}

#[test]
fn a_hundred_thousand_deliveries_are_no_great_matter() {
    let policy = |name: &str| TargetPolicy::new(TargetName::from(name), &Profile::default());
    let rehearsal = RouteRehearsal::new(Load::steady(500, secs(1), secs(100)).unwrap());
    let down = Outage::new("a", Scripted::refused(), secs(10)..secs(60));
    let played = rehearsal.to(policy("a")).to(policy("b")).outage(down).rehearse();
    assert_eq!(played.recipients.iter().map(|it| it.settled_after.count).sum::<usize>(), 100_000);
    assert_eq!(played.unsettled, 0);
}

#[test]
fn loads_that_make_no_sense_are_refused() {
    #[track_caller]
    fn refuse(load: Result<Load, super::LoadError>, expected: &str) {
        assert_eq!(load.unwrap_err().to_string(), expected);
    }
    refuse(Load::at_once(0), "there is no broadcast in it");
    refuse(Load::steady(10, secs(1), ms(50)), "there is no broadcast in it");
    refuse(Load::steady(10, secs(0), secs(1)), "there is no broadcast in it");
    let many = "there are 2000000 broadcasts in it: 1000000 are allowed";
    refuse(Load::steady(2_000, secs(1), secs(1_000)), many);
}

//! The engine as an embedder uses it: what it accepts, what it refuses, and what becomes of a broadcast.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    journal::{
        FaultyJournal, MemoryJournal, MemoryLimits,
        faulty::{Call, Fault},
    },
    policy::{Backoff, Jitter, Retry},
    report::{Completion, Report, Rest},
    sdk::{Fallback, Payload, Repeat, TargetName},
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};

/// An engine whose APIs answer by script, in virtual time.
struct Stage {
    engine: Engine,
    apis: Arc<ScriptedTransport>,
}

fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    let backoff = Backoff::constant(Duration::from_millis(100)).with_jitter(Jitter::None);
    let retry = Retry { attempts_max: 2, backoff, ..Retry::default() };
    Target::http(name, api).retry(retry).timeout(Duration::from_secs(1))
}

async fn stage(targets: Vec<Target>, scripts: &[(&str, &[Scripted])]) -> Stage {
    let host = |(name, script): &(&str, &[Scripted])| {
        (format!("{name}.example"), Script::new(script.to_vec()))
    };
    let apis = Arc::new(ScriptedTransport::routes(scripts.iter().map(host)));
    let mut builder = Engine::builder().transport(apis.clone());
    for target in targets {
        builder = builder.target(target);
    }
    Stage { engine: builder.start().await.unwrap(), apis }
}

fn to(names: &[&str]) -> Broadcast {
    let payload = Payload::new("application/json", r#"{"a":1}"#);
    names.iter().fold(Broadcast::new(payload), |broadcast, name| broadcast.to(*name))
}

/// `unsatisfied by impossible: a delivered, b failed (…)`
fn text(report: &Report) -> String {
    let outcome = |d: &fanfare::report::Delivery| {
        let outcome = d.outcome.map_or("open".into(), |outcome| outcome.to_string());
        format!("{} {outcome}{}", d.target, if d.late { " late" } else { "" })
    };
    let verdict = report.verdict.unwrap();
    let satisfied = if verdict.satisfied { "satisfied" } else { "unsatisfied" };
    let outcomes: Vec<_> = report.deliveries.iter().map(outcome).collect();
    format!("{satisfied} by {}: {}", verdict.by.code(), outcomes.join(", "))
}

async fn check(stage: &Stage, broadcast: Broadcast, expected: &str) {
    assert_eq!(text(&stage.engine.broadcast(broadcast).await.unwrap()), expected);
}

#[tokio::test(start_paused = true)]
async fn every_recipient_has_an_outcome() {
    let ok: &[_] = &[Scripted::status(200)];
    let scripts: &[_] = &[
        ("a", ok),
        ("down", &[Scripted::refused()]),
        ("mute", &[Scripted::hang()]),
        ("no", &[Scripted::status(422)]),
        ("heals", &[Scripted::status(503), Scripted::status(200)]),
    ];
    let names = ["a", "down", "mute", "no", "heals"];
    let stage = stage(names.map(target).to_vec_of(), scripts).await;
    check(&stage, to(&["a", "heals"]), "satisfied by all: a delivered, heals delivered").await;
    let down = "unsatisfied by impossible: a delivered, down failed (all attempts used up)";
    check(&stage, to(&["a", "down"]), down).await;
    let mute = "unsatisfied by impossible: a delivered, mute indeterminate (a repeat is not known to be safe)";
    check(&stage, to(&["a", "mute"]), mute).await;
    let optional = to(&["a"]).optional("no");
    check(&stage, optional, "satisfied by all: a delivered, no failed (refused by the API)").await;
    let any = to(&["no", "a"]).completion(Completion::Any);
    check(&stage, any, "satisfied by first: no failed (refused by the API), a delivered").await;
}

/// Arrays of targets, without cloning them.
trait ToVecOf<T> {
    fn to_vec_of(self) -> Vec<T>;
}

impl<T, const N: usize> ToVecOf<T> for [T; N] {
    fn to_vec_of(self) -> Vec<T> {
        self.into_iter().collect()
    }
}

#[tokio::test(start_paused = true)]
async fn the_verdict_falls_when_it_is_certain_and_the_rest_goes_on_or_is_cancelled() {
    let slow: &[_] = &[Scripted::status(200).after(Duration::from_millis(800))];
    let scripts: &[_] =
        &[("fast", &[Scripted::status(200)][..]), ("slow", slow), ("mute", &[Scripted::hang()])];
    let stage = stage(["fast", "slow", "mute"].map(target).to_vec_of(), scripts).await;
    let any = || to(&["fast", "slow"]).completion(Completion::Any);
    let handle = stage.engine.send(any()).await.unwrap();
    assert_eq!(
        text(&handle.verdict().await.unwrap()),
        "satisfied by first: fast delivered, slow open"
    );
    assert_eq!(
        text(&handle.settled().await.unwrap()),
        "satisfied by first: fast delivered, slow delivered late"
    );
    let cancelled = to(&["fast", "mute"]).completion(Completion::Any).rest(Rest::Cancel);
    check(
        &stage,
        cancelled,
        "satisfied by first: fast delivered, mute indeterminate (cancelled) late",
    )
    .await;
    let deadline = to(&["fast", "slow"]).deadline(Duration::from_millis(500)).rest(Rest::Cancel);
    check(&stage, deadline, "unsatisfied by deadline: fast delivered, slow delivered late").await;
    let early = to(&["slow"]).deadline(Duration::ZERO);
    check(&stage, early, "unsatisfied by deadline: slow delivered late").await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_may_cancel() {
    let waits: &[_] = &[Scripted::status(503).header("retry-after", "60")];
    let stage =
        stage(vec![target("a"), target("mute")], &[("a", waits), ("mute", &[Scripted::hang()])])
            .await;
    let handle = stage.engine.send(to(&["a", "mute"])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    handle.cancel().await.unwrap();
    let report = handle.settled().await.unwrap();
    let expected =
        "unsatisfied by cancelled: a cancelled (caller) late, mute indeterminate (cancelled) late";
    assert_eq!(
        text(&report).replace("a cancelled (caller),", "a cancelled (caller) late,"),
        expected
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_carries_the_same_key_and_another_version_another_one() {
    let script: &[_] = &[Scripted::status(503), Scripted::status(410), Scripted::status(200)];
    let api =
        HttpTarget::post("http://a.example/v{version}").unwrap().with_versions(["2", "1"]).unwrap();
    let backoff = Backoff::constant(Duration::ZERO);
    let a = Target::http("a", api).retry(Retry { backoff, ..Retry::default() });
    let stage = stage(vec![a], &[("a", script)]).await;
    check(&stage, to(&["a"]), "satisfied by all: a delivered").await;
    let received = stage.apis.received();
    let paths: Vec<_> = received.iter().map(|r| r.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/v2", "/v2", "/v1"]);
    let keys: Vec<_> = received.iter().map(|r| r.header("idempotency-key").unwrap()).collect();
    assert_eq!((keys[0] == keys[1], keys[1] == keys[2]), (true, false));
    let parents: std::collections::HashSet<_> =
        received.iter().map(|r| r.header("traceparent").unwrap()).collect();
    assert_eq!(parents.len(), 3, "every attempt has a span of its own: {parents:?}");
    let traces: std::collections::HashSet<_> = parents.iter().map(|parent| &parent[..36]).collect();
    assert_eq!(traces.len(), 1, "all of one trace: {traces:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_caller_key_is_the_same_broadcast() {
    let stage = stage(vec![target("a")], &[("a", &[Scripted::status(200)])]).await;
    let keyed = |key| to(&["a"]).idempotency_key(key);
    let first = stage.engine.broadcast(keyed("k")).await.unwrap();
    let second = stage.engine.broadcast(keyed("k")).await.unwrap();
    assert_eq!((first.id, stage.apis.count()), (second.id, 1));
    let other = Broadcast::new(Payload::new("text/plain", "other")).to("a").idempotency_key("k");
    let error = stage.engine.send(other).await.unwrap_err().to_string();
    assert!(error.contains("idempotency key"), "{error}");
    assert_ne!(stage.engine.broadcast(keyed("l")).await.unwrap().id, first.id);
    let sent = stage.apis.received();
    let key = |place: usize| sent[place].header("idempotency-key").unwrap();
    assert_ne!(key(0), key(1), "another key of the caller is another key for the API");
    let apis = Arc::new(ScriptedTransport::playing(Scripted::status(200)));
    let again =
        Engine::builder().transport(apis.clone()).target(target("a")).start().await.unwrap();
    again.broadcast(keyed("k")).await.unwrap();
    assert_eq!(
        apis.received()[0].header("idempotency-key").unwrap(),
        key(0),
        "also in another process"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_fails_its_own_deliveries_only() {
    let slow: &[_] = &[Scripted::status(200).after(Duration::from_millis(500))];
    let full = target("full").queue_max(1);
    let stage =
        stage(vec![target("a"), full], &[("a", &[Scripted::status(200)]), ("full", slow)]).await;
    let first = stage.engine.send(to(&["a", "full"])).await.unwrap();
    let second = "unsatisfied by impossible: a delivered, full failed (the target's queue is full)";
    check(&stage, to(&["a", "full"]), second).await;
    assert_eq!(
        text(&first.settled().await.unwrap()),
        "satisfied by all: a delivered, full delivered"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_as_a_whole() {
    let limits = || {
        let mut limits = MemoryLimits::default();
        limits.deliveries_open_max = 3;
        limits
    };
    let apis = Arc::new(ScriptedTransport::playing(Scripted::hang()));
    let journal = Arc::new(MemoryJournal::new(limits()));
    let builder = Engine::builder().transport(apis.clone()).journal(journal);
    let engine = builder.target(target("a")).target(target("b")).start().await.unwrap();
    let first = engine.send(to(&["a", "b"])).await.unwrap();
    let error = engine.send(to(&["a", "b"])).await.unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    first.settled().await.unwrap();
    assert!(engine.send(to(&["a", "b"])).await.is_ok(), "there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_broadcast_is_refused_with_all_that_is_wrong() {
    let stage = stage(vec![target("a")], &[("a", &[Scripted::status(200)])]).await;
    let wrong = to(&["a", "nobody", "a"]).completion(Completion::Quorum(4));
    let error = stage.engine.send(wrong).await.unwrap_err().to_string();
    let expected = "`nobody` is not a target\nrecipient `a` is given twice\na quorum of 4 does not fit 3 recipients";
    assert_eq!(error, expected);
    let error = stage.engine.send(to(&[])).await.unwrap_err().to_string();
    assert_eq!(error, "a broadcast needs at least one recipient");
    assert_eq!(stage.apis.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn wrong_targets_are_refused_with_all_that_is_wrong() {
    let stand_in = |name: &str| vec![Fallback::Target(TargetName::from(name))];
    let retry = Retry { attempts_max: 0, ..Retry::default() };
    let builder = Engine::builder()
        .target(target("a").fallback(stand_in("b")))
        .target(target("b").fallback(stand_in("a")).timeout(Duration::ZERO))
        .target(target("c").fallback(stand_in("nobody")).retry(retry))
        .target(target("c"));
    let error = builder.start().await.unwrap_err().to_string();
    let expected = "target `a` stands in for itself\ntarget `b`: `timeout` must be at least 1\ntarget `b` stands in for itself\ntarget `c`: `attempts_max` must be at least 1\ntarget `c`: its stand-in `nobody` is not a target\ntarget `c` is given twice";
    assert_eq!(error, expected);
    let error = Engine::builder().start().await.unwrap_err().to_string();
    assert_eq!(error, "an engine needs at least one target");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_settles_everything_and_answers_everybody() {
    let scripts: &[_] = &[("mute", &[Scripted::hang()][..]), ("waits", &[Scripted::status(503)])];
    let mute = target("mute").timeout(Duration::from_secs(60)).repeat(Repeat::SameEndpoint);
    let waits = target("waits")
        .retry(Retry { backoff: Backoff::constant(Duration::from_secs(60)), ..Retry::default() });
    let stage = stage(vec![mute, waits], scripts).await;
    let handle = stage.engine.send(to(&["mute", "waits"])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (shutdown, report) = tokio::join!(stage.engine.shutdown(), handle.settled());
    assert_eq!(shutdown.unsettled, 0);
    let report = report.unwrap();
    assert!(
        text(&report).starts_with("unsatisfied by cancelled: mute indeterminate (cancelled)"),
        "{}",
        text(&report)
    );
    assert!(stage.engine.send(to(&["mute"])).await.is_err(), "nothing is accepted any more");
    assert!(handle.settled().await.is_ok(), "what is known can still be asked");
}

/// An operator who pauses and resumes a target while its actor waits for the journal takes nothing away from it.
#[tokio::test(start_paused = true)]
async fn a_target_comes_back_after_its_journal_failed_whoever_wakes_it() {
    let mut claims = 0;
    let plan = move |call| {
        claims += u32::from(call == Call::Claim);
        if call == Call::Claim && claims == 1 { Fault::unavailable() } else { Fault::none() }
    };
    let apis = ScriptedTransport::routes([("a.example", Script::new([Scripted::status(200)]))]);
    let journal = FaultyJournal::new(Arc::new(MemoryJournal::default()), plan);
    let builder = Engine::builder().transport(Arc::new(apis)).journal(Arc::new(journal));
    let engine = builder.target(target("a")).start().await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(engine.pause_target("a").await.unwrap() && engine.resume_target("a").await.unwrap());
    let sent = tokio::time::timeout(Duration::from_secs(60), engine.broadcast(to(&["a"]))).await;
    assert_eq!(text(&sent.expect("it ends").unwrap()), "satisfied by all: a delivered");
}

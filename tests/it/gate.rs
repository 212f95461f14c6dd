//! What holds attempts back, seen from outside: pauses, budgets, order, the operator's levers.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{BroadcastHandle, EngineBuilder},
    policy::{
        Backoff, Jitter, Retry,
        gate::{BreakerMode, GatePolicy, RetryBudget},
    },
    report::{Outcome, Report},
    sdk::{Call, Mapper, Payload, PrepareError, Timestamp},
    targets::HttpTarget,
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};

fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    let backoff = Backoff::constant(Duration::from_millis(10)).with_jitter(Jitter::None);
    Target::http(name, api).retry(Retry { attempts_max: 3, backoff, ..Retry::default() })
}

fn apis(scripts: &[(&str, &[Scripted])]) -> Arc<ScriptedTransport> {
    let host = |(name, script): &(&str, &[Scripted])| {
        (format!("{name}.example"), Script::new(script.to_vec()))
    };
    Arc::new(ScriptedTransport::routes(scripts.iter().map(host)))
}

async fn start(apis: &Arc<ScriptedTransport>, targets: Vec<Target>) -> Engine {
    let builder = Engine::builder().transport(apis.clone());
    targets.into_iter().fold(builder, EngineBuilder::target).start().await.unwrap()
}

async fn send(engine: &Engine, payload: &'static str, to: &[&str]) -> BroadcastHandle {
    let broadcast = Broadcast::new(Payload::new("text/plain", payload));
    let broadcast = to.iter().fold(broadcast, |broadcast, name| broadcast.to(*name));
    engine.send(broadcast).await.unwrap()
}

fn outcomes(report: &Report) -> Vec<&'static str> {
    report.deliveries.iter().map(|it| it.outcome.map_or("none", Outcome::code)).collect()
}

/// When each attempt began, in milliseconds after the acceptance of the first broadcast.
fn starts(reports: &[Report], from: Timestamp) -> Vec<u128> {
    let attempts = reports.iter().flat_map(|report| &report.deliveries[0].attempts);
    let mut starts: Vec<_> = attempts.map(|it| it.started.at.since(from).as_millis()).collect();
    starts.sort_unstable();
    starts
}

#[tokio::test(start_paused = true)]
async fn one_throttled_answer_pauses_the_target_for_all_its_deliveries_and_for_no_other() {
    let throttled = [Scripted::status(429), Scripted::status(200)];
    let apis = apis(&[("a", &throttled), ("b", &[Scripted::status(200)])]);
    let engine = start(&apis, vec![target("a"), target("b")]).await;
    let first = send(&engine, "first", &["a"]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut handles = vec![first];
    for _ in 0..5 {
        handles.push(send(&engine, "later", &["a"]).await);
        let other = send(&engine, "other", &["b"]).await.settled().await.unwrap();
        assert_eq!(other.deliveries[0].waited.gate, Duration::ZERO);
    }
    let mut reports = Vec::new();
    for handle in handles {
        reports.push(handle.settled().await.unwrap());
    }
    assert!(reports.iter().all(|report| outcomes(report) == ["delivered"]));
    assert!(reports[1..].iter().all(|report| report.deliveries[0].attempts.len() == 1));
    let starts = starts(&reports, reports[0].accepted_at);
    assert!(starts[0] == 0 && starts[1] >= 1_000 && starts[1] <= 1_100, "{starts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_defers_repeats_and_fails_none() {
    let apis = apis(&[("a", &[Scripted::status(503)])]);
    let gate = GatePolicy {
        breaker: None,
        retry_budget: Some(RetryBudget::try_new(0.0, 1).unwrap()),
        ..GatePolicy::default()
    };
    let mut reports = Vec::new();
    let engine = start(&apis, vec![target("a").gate(gate)]).await;
    let mut handles = Vec::new();
    for _ in 0..20 {
        handles.push(send(&engine, "hi", &["a"]).await);
    }
    for handle in handles {
        reports.push(handle.settled().await.unwrap());
    }
    let attempts: Vec<_> = reports.iter().map(|it| it.deliveries[0].attempts.len()).collect();
    assert_eq!(attempts, [3; 20], "nobody has lost an attempt");
    let starts = starts(&reports, reports[0].accepted_at);
    assert!(starts[..20].iter().all(|at| *at == 0), "first attempts take nothing: {starts:?}");
    let within = |from: u128, to: u128| starts.iter().filter(|at| (from..to).contains(*at)).count();
    assert_eq!(within(1, 900), 10, "ten seconds' worth at once");
    assert_eq!(within(900, 10_900), 10, "then one a second");
    let waited = reports.iter().map(|it| it.deliveries[0].waited.gate).max().unwrap();
    assert!(waited > Duration::from_secs(10), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_engine_holds_for_all_targets_together() {
    let down: &[_] = &[Scripted::status(503)];
    let apis = apis(&[("a", down), ("b", down)]);
    let budget = RetryBudget::try_new(0.0, 1).unwrap();
    let builder = Engine::builder().transport(apis.clone()).retry_budget(Some(budget));
    let gate = GatePolicy { breaker: None, ..GatePolicy::default() };
    let builder = builder.target(target("a").gate(gate.clone())).target(target("b").gate(gate));
    let engine = builder.start().await.unwrap();
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(send(&engine, "hi", &["a", "b"]).await);
    }
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(apis.received().len(), 8 + 10, "ten repeats of sixteen");
    for handle in handles {
        assert_eq!(outcomes(&handle.settled().await.unwrap()), ["failed", "failed"]);
    }
    assert_eq!(apis.received().len(), 24);
}

#[tokio::test(start_paused = true)]
async fn first_attempts_are_not_held_up_by_repeats_that_wait_for_the_budget() {
    let script = [Scripted::status(503), Scripted::status(503), Scripted::status(200)];
    let apis = apis(&[("a", &script)]);
    let gate = GatePolicy {
        retry_budget: Some(RetryBudget::try_new(0.1, 0).unwrap()),
        concurrency_max: 1,
        ..GatePolicy::default()
    };
    let engine = start(&apis, vec![target("a").gate(gate)]).await;
    let early = [send(&engine, "one", &["a"]).await, send(&engine, "two", &["a"]).await];
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..8 {
        let report = send(&engine, "new", &["a"]).await.settled().await.unwrap();
        assert_eq!(report.deliveries[0].waited.gate, Duration::ZERO);
    }
    let [one, two] = early;
    let settled = tokio::time::timeout(Duration::from_secs(5), one.settled()).await;
    assert_eq!(
        outcomes(&settled.expect("ten first attempts have earned a repeat").unwrap()),
        ["delivered"]
    );
    assert_eq!(outcomes(&two.settled().await.unwrap()), ["failed"], "its time was over");
}

/// Orders by the first letter of the payload; a payload that begins with `!` has none that can be worked out.
#[derive(Debug)]
struct ByLetter;

impl Mapper for ByLetter {
    fn map(&self, _: &Call, payload: &Payload) -> Result<Payload, PrepareError> {
        Ok(payload.clone())
    }

    fn order_key(&self, payload: &Payload) -> Result<Option<String>, PrepareError> {
        match payload.bytes().first() {
            Some(b'!') => Err(PrepareError("there is no letter".to_owned())),
            Some(b'-') | None => Ok(None),
            Some(letter) => Ok(Some(char::from(*letter).to_string())),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn deliveries_with_the_same_key_go_one_after_the_other() {
    let slow = Scripted::status(200).after(Duration::from_millis(50));
    let apis = apis(&[("a", &[Scripted::status(503), slow, Scripted::status(200)])]);
    let engine = start(&apis, vec![target("a").mapper(ByLetter)]).await;
    let mut handles = vec![send(&engine, "a1", &["a"]).await];
    tokio::time::sleep(Duration::from_millis(1)).await;
    for payload in ["a2", "b1", "-1", "a3", "-2"] {
        handles.push(send(&engine, payload, &["a"]).await);
    }
    handles.remove(4).cancel().await.unwrap();
    handles.push(send(&engine, "a4", &["a"]).await);
    for handle in handles {
        assert_eq!(outcomes(&handle.settled().await.unwrap()), ["delivered"]);
    }
    let with = |key: char| {
        let all = apis.received();
        let texts = all.iter().map(Received::text).filter(|text| text.starts_with(key));
        texts.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(with('a'), "a1 a1 a2 a4");
    assert_eq!(with('b'), "b1");
    let broadcast = Broadcast::new(Payload::new("text/plain", "!")).to("a");
    let refused = engine.send(broadcast).await.unwrap_err().to_string();
    assert_eq!(refused, "`a`: there is no letter");
}

#[tokio::test(start_paused = true)]
async fn their_order_survives_the_death_of_their_actor() {
    let apis = apis(&[("a", &[Scripted::status(200).after(Duration::from_secs(1))])]);
    let engine = start(&apis, vec![target("a").mapper(ByLetter)]).await;
    let mut handles = Vec::new();
    for payload in ["a1", "a2", "a3", "a4"] {
        handles.push(send(&engine, payload, &["a"]).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for _ in 0..3 {
        engine.restart_target("a");
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    for handle in handles {
        assert_eq!(outcomes(&handle.settled().await.unwrap()), ["delivered"]);
    }
    let order: Vec<_> = apis.received().iter().map(Received::text).collect();
    assert_eq!(order.join(" "), "a1 a2 a3 a4");
}

#[tokio::test(start_paused = true)]
async fn an_operator_opens_and_closes_the_breakers_of_a_target() {
    let apis = apis(&[("a", &[Scripted::status(200)])]);
    let engine = start(&apis, vec![target("a")]).await;
    assert!(engine.set_breaker_mode("a", BreakerMode::ForcedOpen).await.unwrap());
    assert!(!engine.set_breaker_mode("z", BreakerMode::ForcedOpen).await.unwrap());
    let handle = send(&engine, "hi", &["a"]).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(apis.received().len(), 0);
    engine.set_breaker_mode("a", BreakerMode::Automatic).await.unwrap();
    let report = handle.settled().await.unwrap();
    assert_eq!(outcomes(&report), ["delivered"]);
    assert_eq!(report.deliveries[0].waited.gate, Duration::from_secs(60));
}

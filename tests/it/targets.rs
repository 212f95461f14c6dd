//! Targets that come, change and go while an engine runs: no delivery is lost, none is made twice.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Change, Leave, RemoveError},
    policy::{Backoff, Jitter, Retry, gate::GatePolicy},
    report::Priority,
    sdk::{Fallback, Payload},
    targets::{HttpTarget, http::HttpSettings},
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};

fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    let backoff = Backoff::constant(Duration::from_secs(1)).with_jitter(Jitter::None);
    Target::http(name, api).retry(Retry { attempts_max: 3, backoff, ..Retry::default() })
}

fn apis(scripts: &[(&str, &[Scripted])]) -> Arc<ScriptedTransport> {
    let host = |(name, script): &(&str, &[Scripted])| {
        (format!("{name}.example"), Script::new(script.to_vec()))
    };
    Arc::new(ScriptedTransport::routes(scripts.iter().map(host)))
}

async fn engine(apis: &Arc<ScriptedTransport>, targets: Vec<Target>) -> Engine {
    let builder = Engine::builder().transport(apis.clone());
    let builder = targets.into_iter().fold(builder, fanfare::engine::EngineBuilder::target);
    builder.start().await.unwrap()
}

fn to(name: &str) -> Broadcast {
    Broadcast::new(Payload::new("text/plain", "hi")).to(name)
}

async fn outcome(engine: &Engine, name: &str) -> String {
    match engine.broadcast(to(name)).await {
        Ok(report) => report.deliveries[0].outcome.unwrap().to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_is_delivered_to() {
    let apis = apis(&[("a", &[Scripted::status(200)]), ("b", &[Scripted::status(200)])]);
    let engine = engine(&apis, vec![target("a")]).await;
    assert_eq!(outcome(&engine, "b").await, "`b` is not a target");
    engine.add_target(target("b")).unwrap();
    assert_eq!(outcome(&engine, "b").await, "delivered");
    let again = engine.add_target(target("b")).unwrap_err().to_string();
    assert_eq!(again, "target `b` is given twice");
    let lost = target("c").fallback([Fallback::Target("d".into())]);
    let says = engine.add_target(lost).unwrap_err().to_string();
    assert_eq!(says, "target `c`: its stand-in `d` is not a target");
}

#[tokio::test(start_paused = true)]
async fn open_deliveries_go_on_with_what_replaces_their_target() {
    let apis = apis(&[("a", &[Scripted::status(503)]), ("b", &[Scripted::status(200)])]);
    let engine = engine(&apis, vec![target("a")]).await;
    let handle = engine.send(to("a")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let api = HttpSettings::post("http://b.example/").build().unwrap();
    engine.replace_target(Target::http("a", api)).unwrap();
    let report = handle.settled().await.unwrap();
    assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), "delivered");
    let hosts: Vec<_> = apis.received().iter().map(|r| r.uri.host().unwrap().to_owned()).collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
    let says = engine.replace_target(target("z")).unwrap_err().to_string();
    assert_eq!(says, "there is no target `z`");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_in_flight_ends_with_the_target_that_it_began_with() {
    let slow = Scripted::status(418).after(Duration::from_secs(2));
    let apis = apis(&[("a", &[slow]), ("b", &[Scripted::status(200)])]);
    // The old one takes a 418 for a rejected version, the new one for a refusal.
    let versioned = |host: &str, statuses: &[u16]| {
        let settings = HttpSettings::post(format!("http://{host}.example/v{{version}}"));
        let api = settings.version_rejected_by(statuses.iter().copied()).build().unwrap();
        Target::http("a", api).versions(["2", "1"])
    };
    let engine = engine(&apis, vec![versioned("a", &[418])]).await;
    let handle = engine.send(to("a")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    engine.replace_target(versioned("b", &[])).unwrap();
    let report = handle.settled().await.unwrap();
    assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), "delivered");
    let asked: Vec<_> = apis.received().iter().map(|r| r.uri.to_string()).collect();
    assert_eq!(asked, ["http://a.example/v2", "http://b.example/v2"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_with_open_deliveries_goes_only_when_it_is_told_what_becomes_of_them() {
    let script = &[Scripted::status(503), Scripted::status(200)];
    let apis = apis(&[("a", script), ("b", &[Scripted::status(200)])]);
    let engine = engine(&apis, vec![target("a"), target("b")]).await;
    let handle = engine.send(to("a")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refused = engine.remove_target("a", Leave::IfIdle).await;
    assert_eq!(refused, Err(RemoveError::Open(1)));
    engine.remove_target("a", Leave::Finish).await.unwrap();
    let report = handle.report().await.unwrap().unwrap();
    assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), "delivered");
    assert_eq!(outcome(&engine, "a").await, "`a` is not a target");
    assert_eq!(engine.remove_target("a", Leave::IfIdle).await, Err(RemoveError::Unknown));
    engine.remove_target("b", Leave::IfIdle).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_with_its_target_fails_or_finds_another_way() {
    let down: &[_] = &[Scripted::status(503)];
    let apis = apis(&[("a", down), ("b", &[Scripted::status(200)]), ("c", down)]);
    let stand_in = target("a").fallback([Fallback::Target("b".into())]);
    let engine = engine(&apis, vec![stand_in, target("b"), target("c")]).await;
    let handle = engine.send(to("a")).await.unwrap();
    let lonely = engine.send(to("c")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let needed = engine.remove_target("b", Leave::Fail).await;
    assert_eq!(needed, Err(RemoveError::StandsIn("a".into())));
    engine.remove_target("a", Leave::Fail).await.unwrap();
    engine.remove_target("c", Leave::Fail).await.unwrap();
    let outcome = |report: fanfare::report::Report| report.deliveries[0].outcome.unwrap();
    assert_eq!(outcome(handle.settled().await.unwrap()).to_string(), "delivered");
    let failed = outcome(lonely.settled().await.unwrap()).to_string();
    assert_eq!(failed, "failed (the target has failed or is gone)");
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_while_its_target_goes_has_an_outcome_too() {
    let apis = apis(&[("a", &[Scripted::status(200)]), ("b", &[Scripted::status(200)])]);
    let engine = engine(&apis, vec![target("a"), target("b")]).await;
    let sending = async {
        let mut handles = Vec::new();
        for _ in 0..200 {
            handles.extend(engine.send(to("a").to("b")).await.ok());
            tokio::task::yield_now().await;
        }
        handles
    };
    let (handles, removed) = tokio::join!(sending, engine.remove_target("a", Leave::Finish));
    removed.unwrap();
    assert!(!handles.is_empty());
    for handle in handles {
        let settled = tokio::time::timeout(Duration::from_secs(60), handle.settled());
        let report = settled.await.expect("it settles").unwrap();
        assert!(report.deliveries.iter().all(|delivery| delivery.outcome.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_target_holds_its_deliveries() {
    let ok: &[_] = &[Scripted::status(200)];
    let apis = apis(&[("a", ok), ("b", ok)]);
    let engine = engine(&apis, vec![target("a"), target("b")]).await;
    assert!(engine.pause_target("a").await.unwrap() && !engine.pause_target("z").await.unwrap());
    let handle = engine.send(to("a").to("b")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let status = engine.target_status("a").await.unwrap();
    assert!(status.paused && status.open == 1 && status.in_flight == 0, "{status:?}");
    assert_eq!(apis.received().len(), 1, "the other one feels nothing");
    assert!(engine.resume_target("a").await.unwrap());
    let report = handle.settled().await.unwrap();
    assert!(report.satisfied());
    let waited = report.deliveries[0].waited;
    assert_eq!(waited.gate, Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn what_is_urgent_goes_first_and_what_can_wait_has_its_turn() {
    let apis = apis(&[("a", &[Scripted::status(200).after(Duration::from_secs(1))])]);
    let one = GatePolicy { concurrency_max: 1, ..GatePolicy::default() };
    let engine = engine(&apis, vec![target("a").gate(one)]).await;
    let send = |name: &'static str, priority| {
        let broadcast = Broadcast::new(Payload::new("text/plain", name)).to("a").priority(priority);
        engine.send(broadcast)
    };
    let mut handles = vec![send("first", Priority::Normal).await.unwrap()];
    // Somebody is in flight: all that follow stand before the gate.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for name in ["l1", "l2"] {
        handles.push(send(name, Priority::Low).await.unwrap());
    }
    for name in ["h1", "h2", "h3", "h4", "h5"] {
        handles.push(send(name, Priority::High).await.unwrap());
    }
    for handle in handles {
        assert!(handle.settled().await.unwrap().satisfied());
    }
    let order: Vec<_> = apis.received().iter().map(fanfare_testkit::Received::text).collect();
    assert_eq!(order.join(" "), "first h1 h2 l1 h3 h4 h5 l2");
}

#[tokio::test(start_paused = true)]
async fn several_targets_change_together_or_not_at_all() {
    let ok: &[_] = &[Scripted::status(200)];
    let apis = apis(&[("a", &[Scripted::status(503), Scripted::status(200)]), ("b", ok)]);
    let engine = engine(&apis, vec![target("a"), target("b")]).await;
    let handle = engine.send(to("a")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let change = || {
        let mut change = Change::default();
        change.add = vec![target("c").fallback([Fallback::Target("b".into())])];
        change.replace = vec![target("z")];
        change.remove = vec!["a".into(), "b".into()];
        change
    };
    let refused = engine.change(change(), || panic!("nothing is exchanged")).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is no target `z`\n\
         target `c`: its stand-in `b` is not a target\n\
         target `a` is gone, and 1 deliveries in the journal are open for it"
    );
    assert!(engine.target_status("c").await.is_none(), "it did not come");
    assert!(!engine.target_status("a").await.unwrap().leaving, "it did not go");
    let mut right = change();
    (right.replace, right.leave) = (Vec::new(), Leave::Finish);
    right.remove.pop();
    engine.change(right, || ()).await.unwrap();
    assert!(engine.target_status("a").await.unwrap().leaving, "it goes when it is idle");
    assert_eq!(outcome(&engine, "a").await, "`a` is not a target");
    let report = handle.settled().await.unwrap();
    assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), "delivered");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(engine.target_status("a").await.is_none(), "it is gone");
}

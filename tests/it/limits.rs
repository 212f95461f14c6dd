//! Every limit, gone over: what happens is told, counted, and felt by nobody else.

use std::{num::NonZero, sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{EngineBuilder, Limits},
    journal::{
        FaultyJournal, MemoryJournal, MemoryLimits,
        faulty::{Call, Fault},
    },
    policy::{Retry, gate::GatePolicy},
    report::{Limit, Outcome, Report},
    sdk::Payload,
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};

fn target(name: &str) -> Target {
    Target::http(name, HttpTarget::post(format!("http://{name}.example/")).unwrap())
}

fn apis(script: &[Scripted]) -> Arc<ScriptedTransport> {
    let hosts = ["a", "b"].map(|name| (format!("{name}.example"), Script::new(script.to_vec())));
    Arc::new(ScriptedTransport::routes(hosts))
}

fn builder(script: &[Scripted]) -> EngineBuilder {
    let one = NonZero::new(1).unwrap();
    Engine::builder().transport(apis(script)).coordinators(one).target(target("b"))
}

fn to(names: &[&str]) -> Broadcast {
    let broadcast = Broadcast::new(Payload::new("text/plain", "12345678"));
    names.iter().fold(broadcast, |broadcast, name| broadcast.to(*name))
}

fn outcomes(report: &Report) -> Vec<String> {
    report.deliveries.iter().map(|it| it.outcome.unwrap().to_string()).collect()
}

fn used(engine: &Engine, limit: Limit, target: Option<&str>) -> (u64, u64) {
    let all = engine.usage();
    let found = all.iter().find(|usage| {
        usage.limit == limit && usage.target.as_ref().map(|name| name.as_str()) == target
    });
    found.map(|usage| (usage.used, usage.max)).unwrap()
}

fn slow() -> Scripted {
    Scripted::status(200).after(Duration::from_secs(1))
}

#[tokio::test(start_paused = true)]
async fn too_much_in_one_broadcast_is_refused_and_all_of_it_is_said() {
    let mut limits = Limits::default();
    (limits.recipients_max, limits.payload_bytes_max) = (1, 7);
    let engine = builder(&[slow()]).target(target("a")).limits(limits).start().await.unwrap();
    let says = engine.send(to(&["a", "b"])).await.unwrap_err().to_string();
    assert_eq!(
        says,
        "a broadcast may have at most 1 recipients, not 2\n\
         a payload may have at most 7 bytes, not 8"
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_targets_do_not_start_and_are_not_added() {
    let mut limits = Limits::default();
    limits.targets_max = 1;
    let says = builder(&[slow()]).target(target("a")).limits(limits).start().await;
    assert_eq!(says.unwrap_err().to_string(), "there may be at most 1 targets, not 2");
    let engine = builder(&[slow()]).limits(limits).start().await.unwrap();
    assert_eq!(used(&engine, Limit::Targets, None), (1, 1));
    let says = engine.add_target(target("a")).unwrap_err().to_string();
    assert_eq!(says, "there may be at most 1 targets, not 2");
}

#[tokio::test(start_paused = true)]
async fn a_delivery_has_only_so_many_attempts() {
    let retry = Retry { attempts_max: 1_001, throttled_max: 10_001, ..Retry::default() };
    let says = builder(&[slow()]).target(target("a").retry(retry)).start().await;
    assert_eq!(
        says.unwrap_err().to_string(),
        "target `a`: `attempts_max` must be at most 1000\n\
         target `a`: `throttled_max` must be at most 10000"
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_fails_its_own_deliveries() {
    let engine = builder(&[slow()]).target(target("a").queue_max(2)).start().await.unwrap();
    let mut handles = Vec::new();
    for _ in 0..3 {
        handles.push(engine.send(to(&["a", "b"])).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(used(&engine, Limit::Queue, Some("a")), (2, 2));
    assert_eq!(used(&engine, Limit::Queue, Some("b")), (3, 10_000));
    let mut all = Vec::new();
    for handle in handles {
        all.push(outcomes(&handle.settled().await.unwrap()));
    }
    assert_eq!(all[..2], [["delivered"; 2]; 2]);
    assert_eq!(all[2], ["failed (the target's queue is full)", "delivered"]);
    assert_eq!(used(&engine, Limit::Queue, Some("a")), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_in_flight_than_allowed_and_the_others_wait() {
    let mut limits = Limits::default();
    limits.in_flight_max = 3;
    let one = GatePolicy { concurrency_max: 1, ..GatePolicy::default() };
    let builder = builder(&[slow()]).target(target("a").gate(one)).limits(limits);
    let engine = builder.start().await.unwrap();
    let mut handles = Vec::new();
    for _ in 0..4 {
        handles.push(engine.send(to(&["a", "b"])).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(used(&engine, Limit::Concurrency, Some("a")).1, 1);
    assert_eq!(used(&engine, Limit::InFlight, None), (3, 3));
    for handle in handles {
        assert!(handle.settled().await.unwrap().satisfied());
        assert!(used(&engine, Limit::InFlight, None).0 <= 3);
    }
    assert_eq!(used(&engine, Limit::InFlight, None), (0, 3));
    assert_eq!(used(&engine, Limit::Concurrency, Some("a")), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_journal_refuses_a_broadcast_as_a_whole() {
    let mut limits = MemoryLimits::default();
    (limits.deliveries_open_max, limits.payload_bytes_max) = (2, 8);
    let journal = Arc::new(MemoryJournal::new(limits));
    let engine = builder(&[slow()]).target(target("a")).journal(journal).start().await.unwrap();
    let handle = engine.send(to(&["a", "b"])).await.unwrap();
    assert_eq!(used(&engine, Limit::DeliveriesOpen, None), (2, 2));
    assert_eq!(used(&engine, Limit::PayloadBytesOpen, None), (8, 8));
    let says = engine.send(to(&["a"])).await.unwrap_err().to_string();
    assert_eq!(says, "the journal did not take it: the journal is full");
    assert!(handle.settled().await.unwrap().satisfied());
    assert!(engine.broadcast(to(&["a"])).await.unwrap().satisfied());
    assert_eq!(used(&engine, Limit::DeliveriesOpen, None), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn of_a_huge_reply_only_a_part_is_kept() {
    let mut scripted = Scripted::status(201).body("x".repeat(100_000));
    for number in 0..40 {
        scripted = scripted.header(format!("x-padding-{number}").as_str(), &"y".repeat(1_000));
    }
    let engine = builder(&[scripted]).start().await.unwrap();
    let report = engine.broadcast(to(&["b"])).await.unwrap();
    let delivery = &report.deliveries[0];
    assert!(matches!(delivery.outcome, Some(Outcome::Delivered { .. })));
    let reply = delivery.reply.as_ref().unwrap();
    let bytes = reply.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    let bytes: usize = bytes.sum();
    assert!(reply.truncated && (8_000..=16_384).contains(&bytes), "{bytes} bytes of headers");
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_comes_when_its_delivery_has_settled_starts_nothing_again() {
    let late = |call| match call {
        Call::Accept => Fault::none().after(tokio::time::sleep(Duration::from_secs(5))),
        _ => Fault::none(),
    };
    let journal = FaultyJournal::new(Arc::new(MemoryJournal::default()), late);
    let apis = apis(&[Scripted::status(200)]);
    let builder = Engine::builder().transport(apis.clone()).journal(Arc::new(journal));
    let engine =
        builder.target(target("a")).target(target("b").queue_max(1)).start().await.unwrap();
    let restart = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Each finds what was accepted in the journal, before anybody has told it.
        engine.restart_target("a");
        engine.restart_target("b");
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(apis.count(), 2);
    };
    let (report, ()) = tokio::join!(engine.broadcast(to(&["a", "b"])), restart);
    assert_eq!(outcomes(&report.unwrap()), ["delivered"; 2]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(apis.count(), 2);
}

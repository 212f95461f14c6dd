//! Nine targets feel nothing of a tenth, whatever is wrong with it: in virtual time, to the microsecond.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Clock, Entropy},
    policy::gate::{GatePolicy, RateLimit},
    report::Delivery,
    sdk::{ApiTarget, Attempt, Payload, Reply, SendError, Timestamp, async_trait},
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};

const HEALTHY: usize = 9;

/// What is wrong with the tenth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ill {
    Nothing,
    Dead,
    BlackHole,
    Slow,
    Throttles,
    Fails,
    Resets,
    Panics,
    IsKilled,
    HasAFullQueue,
    IsPaused,
}

const ILLS: [Ill; 10] = [
    Ill::Dead,
    Ill::BlackHole,
    Ill::Slow,
    Ill::Throttles,
    Ill::Fails,
    Ill::Resets,
    Ill::Panics,
    Ill::IsKilled,
    Ill::HasAFullQueue,
    Ill::IsPaused,
];

/// A plugin that panics whenever it is asked to send.
#[derive(Debug)]
struct Panics;

#[async_trait]
impl ApiTarget for Panics {
    async fn send(&self, _: Attempt) -> Result<Reply, SendError> {
        panic!("as it does")
    }
}

fn name(place: usize) -> String {
    format!("t{place}")
}

/// The healthy ones are not all alike: some are slow, one fails now and then, one is limited.
fn script(place: usize, ill: Ill) -> Vec<Scripted> {
    let millis = |ms| Duration::from_millis(ms);
    let ok = |ms| Scripted::status(200).after(millis(ms));
    if place < HEALTHY {
        return match place {
            0 => vec![ok(3), Scripted::status(503).after(millis(2)), ok(4)],
            1 => vec![ok(400)],
            _ => vec![ok(5 + place as u64)],
        };
    }
    match ill {
        Ill::Dead => vec![Scripted::refused()],
        Ill::BlackHole => vec![Scripted::hang()],
        Ill::Slow => vec![ok(10_000)],
        Ill::Throttles => vec![Scripted::status(429).header("retry-after", "2")],
        Ill::Fails => vec![Scripted::status(503)],
        Ill::Resets => vec![Scripted::reset_after()],
        Ill::Nothing | Ill::Panics | Ill::IsKilled | Ill::HasAFullQueue | Ill::IsPaused => {
            vec![ok(7)]
        }
    }
}

fn target(place: usize, ill: Ill) -> Target {
    let http = || HttpTarget::post(format!("http://{}.example/", name(place))).unwrap();
    if place == HEALTHY {
        let target = match ill {
            Ill::Panics => Target::new(name(place), Panics),
            _ => Target::http(name(place), http()),
        };
        let queue = if ill == Ill::HasAFullQueue { 1 } else { 10_000 };
        return target.timeout(Duration::from_secs(15)).queue_max(queue);
    }
    let limit = RateLimit::try_new(40, Duration::from_secs(1), 5).unwrap();
    let gate = match place {
        2 => GatePolicy { rate_limit: Some(limit), ..GatePolicy::default() },
        1 => GatePolicy { concurrency_max: 16, ..GatePolicy::default() },
        _ => GatePolicy::default(),
    };
    Target::http(name(place), http()).gate(gate)
}

/// A hundred broadcasts to all ten; what became of the deliveries to the nine, and when.
async fn play(ill: Ill) -> Vec<String> {
    let hosts = (0..=HEALTHY).map(|place| {
        (format!("{}.example", name(place)), Script::new(script(place, ill)).cycling())
    });
    let builder = Engine::builder()
        .transport(Arc::new(ScriptedTransport::routes(hosts)))
        .clock(Clock::starting_at(Timestamp::from_secs(1_767_225_600)))
        .entropy(Entropy::seeded(11));
    let builder = (0..=HEALTHY).map(|place| target(place, ill)).fold(builder, |b, t| b.target(t));
    let engine = builder.start().await.unwrap();
    if ill == Ill::IsPaused {
        engine.pause_target(&name(HEALTHY)).await.unwrap();
    }
    // What they do first is not compared: they start in some order.
    tokio::time::sleep(Duration::from_millis(10)).await;
    let mut handles = Vec::new();
    for _ in 0..100 {
        let broadcast = Broadcast::new(Payload::new("text/plain", "hi"));
        let names = (0..=HEALTHY).map(name);
        handles.push(engine.send(names.fold(broadcast, |b, name| b.to(name))).await.unwrap());
        if ill == Ill::IsKilled {
            engine.restart_target(&name(HEALTHY));
        }
        tokio::time::sleep(Duration::from_millis(17)).await;
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut lines = Vec::new();
    for handle in &handles {
        let report = handle.report().await.unwrap().unwrap();
        lines.extend(report.deliveries[..HEALTHY].iter().map(line));
    }
    assert_eq!(lines.len(), 100 * HEALTHY);
    engine.shutdown().await;
    lines
}

fn line(delivery: &Delivery) -> String {
    let attempts = delivery.attempts.iter().map(|attempt| {
        let (started, ended) = (&attempt.started, attempt.ended.as_ref());
        let ended = ended.map(|ended| (ended.at.as_micros(), ended.status));
        format!("{} {:?} {ended:?}", started.at.as_micros(), started.held)
    });
    let settled = delivery.settled_at.map(Timestamp::as_micros);
    let attempts: Vec<_> = attempts.collect();
    format!("{} {:?} {settled:?} [{}]", delivery.target, delivery.outcome, attempts.join(", "))
}

fn run(ill: Ill) -> Vec<String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.unwrap().block_on(play(ill))
}

#[test]
fn nine_targets_feel_nothing_of_a_tenth() {
    let alone = run(Ill::Nothing);
    let with = |text: &str| alone.iter().filter(|line| line.contains(text)).count();
    assert_eq!(with("Delivered") + with("t0 Some(Failed(AttemptsUsedUp))"), alone.len());
    assert!(
        with("Some(503)") > 20 && with("Some(RateLimit)") > 20 && with("Some(Concurrency)") > 0
    );
    assert_eq!(alone, run(Ill::Nothing), "the same is the same");
    for ill in ILLS {
        let beside = run(ill);
        for (alone, beside) in alone.iter().zip(&beside) {
            assert_eq!(alone, beside, "a healthy one beside one that is ill: {ill:?}");
        }
    }
}

//! An engine dies, and another one goes on from what is on disk.

use std::{path::Path, sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Clock, EngineBuilder, Entropy, StartError},
    journal::{SqliteJournal, SqliteSettings, sqlite::OpenError},
    policy::{
        Backoff, FallbackRule, FallbackTo, Jitter, Park, Retry,
        gate::{BreakerMode, BreakerPolicy, GatePolicy},
    },
    report::BroadcastId,
    sdk::{Payload, Repeat, Timestamp},
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use tempfile::TempDir;
use tokio::{runtime::Builder, time::sleep};

const BEGUN: i64 = 1_767_225_600;

/// How long the second life begins after the first.
const LATER: i64 = 60;

fn target(name: &str, repeat: Repeat) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    let backoff = Backoff::constant(Duration::from_millis(100)).with_jitter(Jitter::None);
    let breaker = BreakerPolicy::try_new(2, Duration::from_secs(600), 1).unwrap();
    Target::http(name, api)
        .repeat(repeat)
        .retry(Retry { attempts_max: 9, backoff, ..Retry::default() })
        .timeout(Duration::from_secs(1))
        .give_up_after(Duration::from_secs(3_600))
        .gate(GatePolicy { breaker: Some(breaker), ..GatePolicy::default() })
}

/// One life of the engine. What is not awaited ends with it, as in a crash.
struct Life<'p> {
    folder: &'p Path,
    at: i64,
    target: fn() -> Target,
    script: Vec<Scripted>,
}

/// What an API saw: when, in seconds since the life began, and under which key.
type Seen = Vec<(u64, String)>;

impl Life<'_> {
    fn builder(&self, apis: &Arc<ScriptedTransport>) -> EngineBuilder {
        let settings = SqliteSettings::new(self.folder.join("journal.db"));
        Engine::builder()
            .journal(Arc::new(SqliteJournal::inline(settings).unwrap()))
            .transport(apis.clone())
            .clock(Clock::starting_at(Timestamp::from_secs(BEGUN + self.at)))
            .entropy(Entropy::seeded(u64::try_from(self.at).unwrap()))
            .target((self.target)())
    }

    fn live<T>(self, what: impl AsyncFnOnce(Engine) -> T) -> (T, Seen) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let (told, apis) = runtime.block_on(async {
            let script = Script::new(self.script.clone());
            let apis = Arc::new(ScriptedTransport::routes([("a.example".to_owned(), script)]));
            let engine = self.builder(&apis).start().await.unwrap();
            (what(engine).await, apis)
        });
        // Nothing is shut down: what is in flight dies.
        drop(runtime);
        let seen = |it: fanfare_testkit::Received| {
            (it.at.as_secs(), it.header("idempotency-key").unwrap_or_default().to_owned())
        };
        (told, apis.received().into_iter().map(seen).collect())
    }
}

fn broadcast() -> Broadcast {
    Broadcast::new(Payload::new("application/json", r#"{"a":1}"#)).to("a")
}

/// `delivered`, `open`: where the delivery stands after that time.
async fn after(engine: &Engine, id: BroadcastId, secs: u64) -> String {
    sleep(Duration::from_secs(secs)).await;
    let report = engine.handle(id).report().await.unwrap().unwrap();
    let delivery = report.delivery("a").unwrap();
    delivery.outcome.map_or("open".to_owned(), |outcome| outcome.to_string())
}

/// Two lives: the first one accepts a broadcast and dies `dies` seconds later; the second one begins a minute later and
/// is looked at after ten minutes. Gives how it stood at the end of each, and what each of them sent.
#[track_caller]
fn check(
    target: fn() -> Target,
    (first, second): (&[Scripted], &[Scripted]),
    dies: u64,
    expected: &str,
) {
    let folder = TempDir::new().unwrap();
    let life = |at, script: &[Scripted]| Life {
        folder: folder.path(),
        at,
        target,
        script: script.to_vec(),
    };
    let ((id, before), sent) = life(0, first).live(async |engine| {
        let id = engine.send(broadcast()).await.unwrap().id();
        (id, after(&engine, id, dies).await)
    });
    let (then, sent_again) = life(LATER, second).live(async |engine| after(&engine, id, 600).await);
    let times = |seen: &Seen| seen.iter().map(|(at, _)| format!("{at} s")).collect::<Vec<_>>();
    let keys: std::collections::HashSet<_> =
        sent.iter().chain(&sent_again).map(|(_, key)| key).collect();
    assert!(keys.len() <= 1, "all have the same key: {keys:?}");
    let found = format!("{before} {:?}, {then} {:?}", times(&sent), times(&sent_again));
    assert_eq!(found, expected);
}

fn safe() -> Target {
    target("a", Repeat::SameEndpoint)
}

fn unsafe_to_repeat() -> Target {
    target("a", Repeat::Never)
}

#[test]
fn it_goes_on_where_the_first_one_died() {
    let ok = || Scripted::status(200);
    // Delivered is never sent again.
    check(safe, (&[ok()], &[ok()]), 5, r#"delivered ["0 s"], delivered []"#);
    // What was asked for holds: five minutes from the first life, four into the second.
    let busy = Scripted::status(503).header("retry-after", "300");
    let waits = r#"open ["0 s"], delivered ["240 s"]"#;
    check(safe, (&[busy], &[ok()]), 5, waits);
    // In flight when it died: sent again where that does no harm, with the same key; else in doubt.
    let slow = || target("a", Repeat::SameEndpoint).timeout(Duration::from_secs(30));
    check(slow, (&[Scripted::hang()], &[ok()]), 5, r#"open ["0 s"], delivered ["0 s"]"#);
    let slow = || target("a", Repeat::Never).timeout(Duration::from_secs(30));
    let doubt = "indeterminate (a repeat is not known to be safe)";
    check(slow, (&[Scripted::hang()], &[ok()]), 5, &format!(r#"open ["0 s"], {doubt} []"#));
    // Turned away, which is no doubt.
    let busy = Scripted::status(503).header("retry-after", "60");
    check(unsafe_to_repeat, (&[busy], &[ok()]), 5, r#"open ["0 s"], delivered ["0 s"]"#);
}

fn parks() -> Target {
    let park = Park { wait: Duration::from_secs(90), times: 1 };
    target("a", Repeat::Never).fallback([FallbackRule::new(FallbackTo::Park(park))])
}

#[test]
fn what_is_parked_is_sent_again_by_the_next_life() {
    let (refused, ok) = (Scripted::status(422), Scripted::status(200));
    let sent_again = r#"failed (refused by the API) ["0 s"], failed (refused by the API) ["30 s"]"#;
    check(parks, (&[refused], &[ok]), 5, sent_again);
}

#[test]
fn what_the_gate_knows_outlives_it() {
    let ok = || Scripted::status(200);
    // Two failures open the breaker for ten minutes, of which nine are left.
    let ill = [Scripted::status(500), Scripted::status(500)];
    check(safe, (&ill, &[ok()]), 5, r#"open ["0 s", "0 s"], delivered ["540 s"]"#);
}

#[test]
fn a_lever_outlives_it() {
    let folder = TempDir::new().unwrap();
    let life =
        |at| Life { folder: folder.path(), at, target: safe, script: vec![Scripted::status(200)] };
    let (id, sent) = life(0).live(async |engine| {
        assert!(engine.pause_target("a").await.unwrap());
        engine.send(broadcast()).await.unwrap().id()
    });
    assert_eq!(sent.len(), 0);
    let (_, sent) = life(LATER).live(async |engine| {
        assert!(engine.target_status("a").await.unwrap().paused);
        assert_eq!(after(&engine, id, 60).await, "open");
        assert!(engine.resume_target("a").await.unwrap());
        engine.set_breaker_mode("a", BreakerMode::ForcedOpen).await.unwrap();
    });
    assert_eq!(sent.len(), 0);
    let (_, sent) = life(2 * LATER).live(async |engine| {
        assert!(!engine.target_status("a").await.unwrap().paused);
        assert_eq!(after(&engine, id, 60).await, "open");
        engine.set_breaker_mode("a", BreakerMode::Automatic).await.unwrap();
        assert_eq!(after(&engine, id, 1).await, "delivered");
    });
    assert_eq!(sent.len(), 1);
}

#[test]
fn whoever_was_accepted_is_known_by_the_key_and_a_verdict_still_falls() {
    let folder = TempDir::new().unwrap();
    let life =
        |at| Life { folder: folder.path(), at, target: safe, script: vec![Scripted::hang()] };
    let again = || broadcast().idempotency_key("order 7").deadline(Duration::from_secs(90));
    let (id, _) = life(0).live(async |engine| engine.send(again()).await.unwrap().id());
    let (_, _) = life(LATER).live(async |engine| {
        let same = engine.send(again()).await.unwrap();
        assert_eq!(same.id(), id);
        let other =
            Broadcast::new(Payload::new("text/plain", "b")).to("a").idempotency_key("order 7");
        assert_eq!(
            engine.send(other).await.unwrap_err().to_string(),
            "the journal did not take it: the idempotency key was used for another payload"
        );
        let report = same.verdict().await.unwrap();
        let verdict = report.verdict.unwrap();
        assert_eq!((verdict.satisfied, verdict.by.code()), (false, "deadline"));
        assert_eq!(verdict.at.as_secs(), BEGUN + 90);
    });
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_is_not_forgotten() {
    let folder = TempDir::new().unwrap();
    let settings = || SqliteSettings::new(folder.path().join("journal.db"));
    let apis = Arc::new(ScriptedTransport::playing(Script::new([Scripted::hang()])));
    // A process that another test has just forked holds the lock of the file until it becomes another program.
    let journal = || {
        for _ in 0..1_000_000 {
            match SqliteJournal::inline(settings()) {
                Err(OpenError::InUse { .. }) => std::thread::yield_now(),
                opened => return opened.unwrap(),
            }
        }
        panic!("the file is in use for ever");
    };
    let builder = |name: &str| {
        Engine::builder()
            .journal(Arc::new(journal()))
            .transport(apis.clone())
            .target(target(name, Repeat::SameEndpoint))
    };
    let engine = builder("a").start().await.unwrap();
    let id = engine.send(broadcast()).await.unwrap().id();
    sleep(Duration::from_millis(500)).await;
    engine.drain(Duration::ZERO).await;
    drop(engine);
    // Its actors end, and let the file go.
    sleep(Duration::from_secs(1)).await;
    let refused = builder("b").start().await.unwrap_err();
    assert!(matches!(refused, StartError::Invalid { .. }), "{refused}");
    assert_eq!(
        refused.to_string(),
        "target `a` is gone, and 1 deliveries in the journal are open for it"
    );
    let engine = builder("b").give_up_unserved().start().await.unwrap();
    assert_eq!(after(&engine, id, 1).await, "indeterminate (a repeat is not known to be safe)");
}

/// The writer is a thread: whoever asks waits for it.
#[tokio::test]
async fn whoever_goes_away_once_it_has_begun_is_served_all_the_same() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::open(SqliteSettings::new(folder.path().join("journal.db")));
    let apis = Arc::new(ScriptedTransport::playing(Script::new([Scripted::status(200)])));
    let engine = Engine::builder()
        .journal(Arc::new(journal.unwrap()))
        .transport(apis.clone())
        .target(target("a", Repeat::SameEndpoint))
        .start()
        .await
        .unwrap();
    // It is polled, and then let go.
    drop(tokio::time::timeout(Duration::ZERO, engine.send(broadcast())).await);
    while apis.received().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
}

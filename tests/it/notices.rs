//! Whoever is to be notified gets each report once, whatever becomes of the engine.

use std::{path::Path, sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Change, Clock, EngineBuilder, Entropy, Leave},
    journal::{
        BroadcastFilter, FaultyJournal, Journal, JournalError, MemoryJournal, SqliteJournal,
        SqliteSettings,
        faulty::{Call, Fault},
    },
    policy::{Backoff, Jitter, Retry},
    report::{BroadcastId, Completion, Occasion, Report},
    sdk::{Repeat, Timestamp},
    targets::HttpTarget,
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{runtime::Builder, time::sleep};

const BEGUN: i64 = 1_767_225_600;

fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    let backoff = Backoff::constant(Duration::from_secs(1)).with_jitter(Jitter::None);
    Target::http(name, api)
        .repeat(Repeat::SameEndpoint)
        .retry(Retry { attempts_max: 3, backoff, ..Retry::default() })
        .timeout(Duration::from_secs(30))
        .give_up_after(Duration::from_secs(3_600))
}

/// `fast` answers at once, `slow` after ten seconds; `ops` as the script has it.
fn apis(ops: Vec<Scripted>) -> Arc<ScriptedTransport> {
    let slow = Scripted::status(200).after(Duration::from_secs(10));
    let scripts = [
        ("fast.example", vec![Scripted::status(200)]),
        ("slow.example", vec![slow]),
        ("ops.example", ops),
    ];
    let scripts = scripts.map(|(host, script)| (host.to_owned(), Script::new(script)));
    Arc::new(ScriptedTransport::routes(scripts))
}

fn builder(
    journal: Arc<dyn Journal>,
    apis: &Arc<ScriptedTransport>,
    (life, names): (u32, &[&str]),
) -> EngineBuilder {
    let builder = Engine::builder()
        .journal(journal)
        .transport(apis.clone())
        .clock(Clock::starting_at(Timestamp::from_secs(BEGUN + 3_600 * i64::from(life))))
        .entropy(Entropy::seeded(life.into()));
    names.iter().fold(builder, |builder, name| builder.target(target(name)))
}

const ALL: [&str; 3] = ["fast", "slow", "ops"];

/// Its verdict falls at once, and it has settled after ten seconds.
fn broadcast(on: &[Occasion]) -> Broadcast {
    let both = Broadcast::json(&1.into()).to("fast").to("slow").route("signup");
    both.completion(Completion::Any).notify("ops", on.iter().copied())
}

fn on_disk(folder: &Path) -> Arc<dyn Journal> {
    let settings = SqliteSettings::new(folder.join("journal.db"));
    Arc::new(SqliteJournal::inline(settings).unwrap())
}

/// What was told: `0 s verdict of 1, slow in_flight`.
fn told(apis: &ScriptedTransport, of: BroadcastId) -> Vec<String> {
    let to_ops = |it: &Received| it.uri.host() == Some("ops.example");
    let tell = |it: Received| {
        let notice: Value = serde_json::from_slice(&it.body).unwrap();
        let kind = notice["type"].as_str().unwrap().rsplit('.').next().unwrap();
        assert_eq!(notice["report"]["id"], of.to_string());
        assert!(notice["report"]["notice_of"].is_null());
        let slow = &notice["report"]["deliveries"][1]["state"];
        format!("{} s {kind}, slow {}", it.at.as_secs(), slow.as_str().unwrap())
    };
    apis.received().into_iter().filter(to_ops).map(tell).collect()
}

/// The notices that were accepted, oldest first.
async fn notices(journal: &dyn Journal) -> Vec<Report> {
    let all = journal.broadcasts(&BroadcastFilter::default(), None, 100).await.unwrap();
    let mut notices = Vec::new();
    for summary in all.into_iter().rev().filter(|it| it.notice_of.is_some()) {
        notices.push(journal.view(summary.id).await.unwrap().unwrap());
    }
    notices
}

async fn each_once(journal: Arc<dyn Journal>) {
    // The first attempt at the first notice is turned away.
    let ops = vec![Scripted::status(503), Scripted::status(200)];
    let apis = apis(ops);
    let engine = builder(journal.clone(), &apis, (1, &ALL)).start().await.unwrap();
    let report = engine.broadcast(broadcast(&Occasion::ALL)).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    let expected = [
        "0 s verdict, slow in_flight",
        "1 s verdict, slow in_flight",
        "10 s settled, slow settled",
    ];
    assert_eq!(told(&apis, report.id), expected);
    let notices = notices(&*journal).await;
    let [verdict, settled] = &notices[..] else { panic!("{notices:#?}") };
    for (notice, occasion) in [(verdict, Occasion::Verdict), (settled, Occasion::Settled)] {
        let of = notice.notice_of.unwrap();
        assert_eq!((of.broadcast, of.occasion), (report.id, occasion));
        assert!(notice.satisfied() && notice.route.is_none());
        let link = notice.trace.link.as_ref().unwrap();
        assert_eq!((link.trace_id, link.span_id), (report.trace.trace_id, report.trace.span_id));
        assert_ne!(notice.trace.trace_id, report.trace.trace_id);
    }
    // A repeat has the same key, another notice has another one.
    let keys: Vec<_> = apis
        .received()
        .into_iter()
        .filter(|it| it.uri.host() == Some("ops.example"))
        .map(|it| it.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert!(keys[0] == keys[1] && keys[1] != keys[2], "{keys:?}");
    assert_eq!(journal.owing().await.unwrap().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn verdict_and_end_are_told_once_each() {
    each_once(Arc::new(MemoryJournal::default())).await;
    let folder = TempDir::new().unwrap();
    each_once(on_disk(folder.path())).await;
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_is_told() {
    let (apis, journal) = (apis(vec![Scripted::status(200)]), Arc::new(MemoryJournal::default()));
    let engine = builder(journal.clone(), &apis, (1, &ALL)).start().await.unwrap();
    let report = engine.broadcast(broadcast(&[Occasion::Settled])).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(told(&apis, report.id), ["10 s settled, slow settled"]);
    let quiet = engine.broadcast(broadcast(&[])).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(told(&apis, report.id).len(), 1, "{} tells nobody", quiet.id);
    // A cancelled one tells too, and so does one whose verdict falls at its deadline.
    let late = broadcast(&[Occasion::Verdict]).completion(Completion::All);
    let handle = engine.send(late.deadline(Duration::from_secs(2))).await.unwrap();
    let verdict = handle.verdict().await.unwrap();
    assert_eq!(verdict.completed_by().map(|by| by.code()), Some("deadline"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(notices(&*journal).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_notified_is_said() {
    let engine = builder(Arc::new(MemoryJournal::default()), &apis(vec![]), (1, &ALL))
        .start()
        .await
        .unwrap();
    let check = async |notify: &str, expected: &str| {
        let wrong = Broadcast::json(&1.into()).to("fast").notify(notify, Occasion::ALL);
        assert_eq!(engine.send(wrong).await.unwrap_err().to_string(), expected);
    };
    check("opps", "`opps` is not a target").await;
    check("fast", "`fast` gets the payload, and cannot be notified of it too").await;
}

/// Two lives: in the first one the journal does with notices as told, and dies after a minute. In the second one all is
/// well. Gives what was told in both.
fn two_lives(fault: fn() -> Fault) -> (Vec<String>, Vec<String>, usize) {
    let folder = TempDir::new().unwrap();
    let life = |fault: Option<fn() -> Fault>| {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.unwrap();
        let path = folder.path().to_owned();
        let (apis, notices, id) = runtime.block_on(async move {
            let (inner, apis) = (on_disk(&path), apis(vec![Scripted::status(200)]));
            let mut accepted = 0;
            let plan = move |call: Call| {
                accepted += u32::from(call == Call::Accept);
                match fault {
                    Some(fault) if call == Call::Accept && accepted > 1 => fault(),
                    _ => Fault::none(),
                }
            };
            let journal = Arc::new(FaultyJournal::new(inner.clone(), plan));
            let engine = builder(journal, &apis, (if fault.is_some() { 1 } else { 2 }, &ALL))
                .start()
                .await
                .unwrap();
            if fault.is_some() {
                engine.broadcast(broadcast(&Occasion::ALL)).await.unwrap();
            }
            sleep(Duration::from_secs(60)).await;
            let of = |it: &Report| it.notice_of.map(|of| of.broadcast);
            let notices = notices(&*inner).await;
            let all = inner.broadcasts(&BroadcastFilter::default(), None, 100).await.unwrap();
            let first = all.last().unwrap().id;
            assert!(notices.iter().all(|it| of(it) == Some(first)));
            (apis, notices.len(), first)
        });
        // Nothing is shut down.
        drop(runtime);
        (told(&apis, id), notices)
    };
    let (before, _) = life(Some(fault));
    let (after, notices) = life(None);
    (before, after, notices)
}

#[test]
fn what_is_owed_is_told_after_a_crash() {
    // Not written: told by the next life, with the report as it stands then.
    let (before, after, notices) = two_lives(Fault::unavailable);
    assert_eq!(before, [""; 0]);
    assert_eq!(after, ["0 s verdict, slow settled", "0 s settled, slow settled"]);
    assert_eq!(notices, 2);
    // Written, and nobody heard of it: told in the same life, once.
    let (before, after, notices) = two_lives(Fault::unknown_but_written);
    assert_eq!(before.len(), 2, "{before:?}");
    assert_eq!((after.len(), notices), (0, 2), "{after:?}");
    // Refused, for whatever reason: it is not given up.
    let (before, after, notices) = two_lives(|| Fault::refused(JournalError::Full));
    assert_eq!((before.len(), after.len(), notices), (0, 2, 2));
}

/// An engine whose target `gone` has gone while a broadcast was open of which it is to be notified. Then it has settled.
async fn without_it(journal: Arc<dyn Journal>, apis: &Arc<ScriptedTransport>) -> Engine {
    let names = ["fast", "slow", "ops", "gone"];
    let engine = builder(journal, apis, (1, &names)).start().await.unwrap();
    engine.pause_target("slow").await.unwrap();
    engine.pause_target("fast").await.unwrap();
    let owes = engine.send(broadcast(&[]).notify("gone", Occasion::ALL)).await.unwrap();
    engine.remove_target("gone", Leave::IfIdle).await.unwrap();
    engine.resume_target("slow").await.unwrap();
    engine.resume_target("fast").await.unwrap();
    owes.settled().await.unwrap();
    engine
}

/// It is gone, and lets its journal go.
async fn end(engine: Engine) {
    engine.drain(Duration::ZERO).await;
    drop(engine);
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_gone_holds_back_nobody() {
    let folder = TempDir::new().unwrap();
    let journal = || on_disk(folder.path());
    let apis = apis(vec![Scripted::status(200)]);
    let engine = without_it(journal(), &apis).await;
    let report = engine.broadcast(broadcast(&Occasion::ALL)).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(told(&apis, report.id).len(), 2, "the others are notified");
    let owing = engine.journal().owing().await.unwrap();
    assert_eq!(owing, [("gone".into(), 2)]);
    end(engine).await;

    // It is kept until the target is back.
    let engine = builder(journal(), &apis, (2, &ALL)).start().await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(engine.journal().owing().await.unwrap(), owing);
    end(engine).await;
    let to_gone =
        || apis.received().iter().filter(|it| it.uri.host() == Some("gone.example")).count();
    assert_eq!(to_gone(), 0);
    let engine = builder(journal(), &apis, (3, &["fast"])).start().await.unwrap();
    sleep(Duration::from_secs(1)).await;
    engine.add_target(target("gone")).unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(engine.journal().owing().await.unwrap().len(), 0);
    assert!(to_gone() >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_comes_back_with_a_configuration_gets_what_is_owed() {
    let apis = apis(vec![Scripted::status(200)]);
    let journal = Arc::new(MemoryJournal::default());
    let engine = without_it(journal.clone(), &apis).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(journal.owing().await.unwrap(), [("gone".into(), 2)]);
    let mut change = Change::default();
    change.add.push(target("gone"));
    engine.change(change, || {}).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(journal.owing().await.unwrap().len(), 0);
    assert_eq!(notices(&*journal).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_will_get_is_given_up_where_that_is_said() {
    let apis = apis(vec![Scripted::status(200)]);
    let journal = Arc::new(MemoryJournal::default());
    let engine = without_it(journal.clone(), &apis).await;
    assert_eq!(journal.owing().await.unwrap(), [("gone".into(), 2)]);
    end(engine).await;
    let engine = builder(journal.clone(), &apis, (2, &ALL)).give_up_unserved();
    let engine = engine.start().await.unwrap();
    assert_eq!(journal.owing().await.unwrap().len(), 0);
    assert_eq!(notices(&*journal).await.len(), 0);
    end(engine).await;
}

//! What failed is sent again, once, and nothing else is.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Clock, EngineBuilder, Entropy, Replay, ReplayError},
    journal::{DeadLetterFilter, Journal, SqliteJournal, SqliteSettings},
    policy::Retry,
    report::{BroadcastId, Report},
    sdk::{Payload, Repeat, Timestamp},
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use tempfile::TempDir;

const BEGUN: i64 = 1_767_225_600;

fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/")).unwrap();
    Target::http(name, api)
        .repeat(Repeat::Never)
        .retry(Retry { attempts_max: 1, ..Retry::default() })
        .timeout(Duration::from_secs(1))
        .give_up_after(Duration::from_secs(3_600))
}

/// Three APIs: one that is well, one that refuses at first, one that is cut off at first.
struct Stage {
    engine: Engine,
    apis: Arc<ScriptedTransport>,
    journal: Arc<dyn Journal>,
    _folder: TempDir,
}

impl Stage {
    async fn new(names: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = SqliteSettings::new(folder.path().join("journal.db"));
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::inline(settings).unwrap());
        let ok = || Scripted::status(200);
        let scripts = [
            ("well.example", vec![ok()]),
            ("refuses.example", vec![Scripted::status(422), Scripted::status(422), ok()]),
            ("cut.example", vec![Scripted::reset_after(), ok()]),
        ];
        let scripts = scripts.map(|(host, script)| (host.to_owned(), Script::new(script)));
        let apis = Arc::new(ScriptedTransport::routes(scripts));
        let builder = Engine::builder()
            .journal(journal.clone())
            .transport(apis.clone())
            .clock(Clock::starting_at(Timestamp::from_secs(BEGUN)))
            .entropy(Entropy::seeded(1));
        let targets = names.iter().map(|name| target(name));
        let engine = targets.fold(builder, EngineBuilder::target).start().await.unwrap();
        Self { engine, apis, journal, _folder: folder }
    }

    /// Sends to all of them. Gives what it was, and how many requests were made by then.
    async fn send(&self, names: &[&str]) -> Report {
        let broadcast = Broadcast::new(Payload::new("application/json", r#"{"a":1}"#))
            .route("signup")
            .metadata([("order".to_owned(), 7.into())].into());
        let broadcast = names.iter().fold(broadcast, |it, name| it.to(*name));
        self.engine.broadcast(broadcast).await.unwrap()
    }

    /// Host and idempotency key of each request.
    fn seen(&self) -> Vec<(String, String)> {
        let tell = |it: fanfare_testkit::Received| {
            let key = it.header("idempotency-key").unwrap_or_default().to_owned();
            (it.uri.host().unwrap_or_default().to_owned(), key)
        };
        self.apis.received().into_iter().map(tell).collect()
    }

    async fn letters(&self) -> Vec<String> {
        let all = DeadLetterFilter::default();
        let letters = self.journal.dead_letters(&all, None, 100).await.unwrap().letters;
        letters
            .into_iter()
            .map(|letter| format!("{} {}", letter.id.recipient, letter.outcome.code()))
            .collect()
    }

    async fn replay(&self, replay: Replay) -> Result<Report, ReplayError> {
        Ok(self.engine.replay(replay).await?.settled().await.unwrap())
    }
}

fn told(report: &Report) -> Vec<String> {
    let tell = |it: &fanfare::report::Delivery| {
        format!("{} {}", it.target, it.outcome.map_or("open", |outcome| outcome.code()))
    };
    report.deliveries.iter().map(tell).collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_failed_is_sent_again_and_with_the_same_keys() {
    let names = ["well", "refuses", "cut"];
    let stage = Stage::new(&names).await;
    let first = stage.send(&names).await;
    assert_eq!(told(&first), ["well delivered", "refuses failed", "cut indeterminate"]);
    assert_eq!(stage.letters().await.len(), 2);
    let seen = stage.seen();

    // What is in doubt must be named.
    let again = stage.replay(Replay::new(first.id)).await.unwrap();
    assert_eq!(told(&again), ["refuses failed"]);
    assert_eq!(again.replay_of, Some(first.id));
    assert_eq!(again.route.as_deref(), Some("signup"));
    assert_eq!(again.metadata, first.metadata);
    let link = again.trace.link.as_ref().unwrap();
    assert_eq!((link.trace_id, link.span_id), (first.trace.trace_id, first.trace.span_id));
    assert_ne!(again.trace.trace_id, first.trace.trace_id);
    let refused = seen.iter().find(|(host, _)| host == "refuses.example").unwrap();
    assert_eq!(stage.seen()[3..], *std::slice::from_ref(refused), "the same key");
    assert_eq!(stage.letters().await, ["refuses failed", "cut indeterminate"]);

    // A replay of the replay.
    let third = stage.replay(Replay::new(again.id)).await.unwrap();
    assert_eq!(told(&third), ["refuses delivered"]);
    assert_eq!(stage.seen()[4..], *std::slice::from_ref(refused), "still the same key");

    let named = stage.replay(Replay::new(first.id).only("cut")).await.unwrap();
    assert_eq!(told(&named), ["cut delivered"]);
    let cut = seen.iter().find(|(host, _)| host == "cut.example").unwrap();
    assert_eq!(stage.seen()[5..], *std::slice::from_ref(cut));
    assert_eq!(stage.letters().await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_again_is_said() {
    let names = ["well", "refuses", "cut"];
    let stage = Stage::new(&names).await;
    let first = stage.send(&["well", "cut"]).await;
    let check = async |replay, expected: &str| {
        let error = stage.replay(replay).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    let doubt = "nothing of it can be sent again; 1 may have been applied, and must be named";
    check(Replay::new(first.id), doubt).await;
    let well = "`well` is no dead letter of it (any more)";
    check(Replay::new(first.id).only("cut").only("well"), well).await;
    let unknown = BroadcastId(uuid::Uuid::nil());
    check(Replay::new(unknown), "there is no such broadcast (any more)").await;
    assert_eq!(stage.letters().await, ["cut indeterminate"], "nothing was lost on the way");

    // Of two at the same time one is sent.
    let replay = || stage.replay(Replay::new(first.id).only("cut"));
    let (one, other) = tokio::join!(replay(), replay());
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|it| **it).count(), 1);
    assert_eq!(stage.seen().iter().filter(|(host, _)| host == "cut.example").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn memory_keeps_no_payload() {
    let apis = Arc::new(ScriptedTransport::playing(Script::new([Scripted::status(422)])));
    let engine = Engine::builder().transport(apis).target(target("a")).start().await.unwrap();
    let report = engine.broadcast(Broadcast::json(&1.into()).to("a")).await.unwrap();
    let error = engine.replay(Replay::new(report.id)).await.unwrap_err();
    assert_eq!(error.to_string(), "its payload is not kept any more");
}

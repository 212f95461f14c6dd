//! What a reference has brought into a configuration is in no journal, error or reply; and what was begun with it goes on.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine,
    config::{Lookup, load_str},
    engine::{Clock, Entropy},
    journal::{SqliteJournal, SqliteSettings},
    report::{BroadcastId, Report},
    sdk::{Payload, Timestamp},
    wire,
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};
use tempfile::TempDir;
use tokio::{runtime::Builder, time::sleep};

use crate::config::kinds;

const CANARY: &str = "123:c4n4ry";

/// Where every variable is the canary, or another one.
struct Says(&'static str);

impl Lookup for Says {
    fn env(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(self.0.to_owned()))
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok(self.0.to_owned())
    }
}

/// One life of an engine with that configuration, which ends as in a crash; what its APIs saw.
fn life<T>(
    (folder, at): (&TempDir, i64),
    (text, secret): (&str, &'static str),
    scripts: &[(&str, Scripted)],
    what: impl AsyncFnOnce(Engine) -> T,
) -> (T, Vec<Received>) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let mut config = load_str("f.yaml", text, &kinds(), &Says(secret)).unwrap();
    let told = runtime.block_on(async {
        let script =
            |(host, it): &(&str, Scripted)| ((*host).to_owned(), Script::new([it.clone()]));
        let apis = Arc::new(ScriptedTransport::routes(scripts.iter().map(script)));
        let settings = SqliteSettings::new(folder.path().join("journal.db"));
        let engine = Engine::builder()
            .journal(Arc::new(SqliteJournal::inline(settings).unwrap()))
            .transport(apis.clone())
            .clock(Clock::starting_at(Timestamp::from_secs(1_767_225_600 + at)))
            .entropy(Entropy::seeded(at.unsigned_abs()))
            .configured(&mut config);
        (what(engine.start().await.unwrap()).await, apis.received())
    });
    drop(runtime);
    told
}

async fn report(engine: &Engine, id: BroadcastId) -> Report {
    engine.handle(id).report().await.unwrap().unwrap()
}

/// All that is on disk.
fn journal(folder: &TempDir) -> String {
    let files = std::fs::read_dir(folder.path()).unwrap();
    let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

const TWO_ENDPOINTS: &str = "targets:
  a:
    kind: http
    url: https://a.example/bot${env:TOKEN}/send
    retry: { attempts: 1, backoff: { initial: 100ms, jitter: none } }
    give_up_after: 1h
    breaker: false
    fallback:
      - endpoint: https://b.example/hook/${env:TOKEN}
        retry: { attempts: 9 }
";

#[test]
fn an_endpoint_with_a_secret_is_found_again_and_its_secret_is_not_in_the_journal() {
    let folder = TempDir::new().unwrap();
    let busy = || Scripted::status(503).header("retry-after", "300");
    let first = [("a.example", Scripted::refused()), ("b.example", busy())];
    let (id, sent) = life((&folder, 0), (TWO_ENDPOINTS, CANARY), &first, async |engine| {
        let broadcast = Broadcast::new(Payload::new("application/json", "{}")).to("a");
        let id = engine.send(broadcast).await.unwrap().id();
        sleep(Duration::from_secs(5)).await;
        id
    });
    let paths =
        |sent: &[Received]| sent.iter().map(|it| it.uri.to_string()).collect::<Vec<_>>().join(", ");
    let expected = format!("https://a.example/bot{CANARY}/send, https://b.example/hook/{CANARY}");
    assert_eq!(paths(&sent), expected);
    let written = journal(&folder);
    assert!(!written.contains("c4n4ry"), "the secret is in the journal");
    for name in ["https://a.example/bot***/send#", "https://b.example/hook/***#"] {
        assert!(written.contains(name), "it is known by `{name}`");
    }
    // Where it was begun, there it goes on.
    let second = [("b.example", Scripted::status(200))];
    let (ended, sent) = life((&folder, 60), (TWO_ENDPOINTS, CANARY), &second, async |engine| {
        sleep(Duration::from_secs(600)).await;
        report(&engine, id).await
    });
    assert_eq!(paths(&sent), format!("https://b.example/hook/{CANARY}"));
    assert_eq!(ended.delivery("a").unwrap().outcome.unwrap().code(), "delivered");
    assert!(!format!("{ended:?}").contains("c4n4ry") && !journal(&folder).contains("c4n4ry"));
}

#[test]
fn another_secret_is_another_endpoint() {
    let folder = TempDir::new().unwrap();
    let first = [("a.example", Scripted::refused()), ("b.example", Scripted::hang())];
    let (id, _) = life((&folder, 0), (TWO_ENDPOINTS, CANARY), &first, async |engine| {
        let broadcast = Broadcast::new(Payload::new("application/json", "{}")).to("a");
        let id = engine.send(broadcast).await.unwrap().id();
        sleep(Duration::from_secs(1)).await;
        id
    });
    // What hung there may have been applied: nowhere else is it sent again.
    let second = [("a.example", Scripted::status(200)), ("b.example", Scripted::status(200))];
    let (ended, sent) = life((&folder, 60), (TWO_ENDPOINTS, "other"), &second, async |engine| {
        sleep(Duration::from_secs(600)).await;
        report(&engine, id).await
    });
    assert_eq!(sent.len(), 0);
    assert_eq!(ended.delivery("a").unwrap().outcome.unwrap().code(), "indeterminate");
}

/// The report of one broadcast to a target with these settings, whose API gives that reply.
fn told(settings: &str, reply: Scripted) -> String {
    let folder = TempDir::new().unwrap();
    let text = format!("targets: {{ a: {{ kind: http, retry: {{ attempts: 1 }}, {settings} }} }}");
    let (told, _) = life((&folder, 0), (&text, CANARY), &[("a.example", reply)], async |engine| {
        let broadcast = Broadcast::new(Payload::new("application/json", "{}")).to("a");
        let report = engine.broadcast(broadcast).await.unwrap();
        let json = serde_json::to_string(&wire::Report::from(&report)).unwrap();
        format!("{report:?}\n{json}")
    });
    let written = journal(&folder);
    assert!(!written.contains("c4n4ry") && !told.contains("c4n4ry"), "{told}");
    told
}

#[test]
fn a_secret_is_in_no_error() {
    let url = "url: 'https://a.example/'";
    let says = told(&format!("{url}, body: '\"${{env:A}}\" | error'"), Scripted::status(200));
    assert!(says.contains("`body`: ***"), "{says}");
    // Cut in the middle of it: 200 bytes of a text that was raised are told.
    let text = "x".repeat(195);
    let body = format!("{url}, body: '\"{text}${{env:A}}\" | error'");
    assert!(told(&body, Scripted::status(200)).contains("x***"));
}

#[test]
fn what_an_api_echoes_of_a_secret_is_not_kept() {
    let url = "url: 'https://a.example/bot${env:A}/send'";
    let echo = |status| {
        Scripted::status(status)
            .header("location", "https://a.example/bot123:c4n4ry/there")
            .header("x-said", "bot123:c4n4ry")
            .body("no bot123:c4n4ry")
    };
    for settings in [url.to_owned(), format!("{url}, redirects: {{ max: 1 }}")] {
        let says = told(&settings, echo(404));
        assert!(says.contains("no botREDACTED"), "{says}");
        assert!(says.contains("https://a.example/bot***/there"), "{says}");
    }
    let header = "url: 'https://a.example/', headers: { X-Pass: 'is ${env:A}' }";
    let says = told(header, Scripted::status(404).body("not is 123:c4n4ry"));
    assert!(says.contains("not REDACTED"), "{says}");
}

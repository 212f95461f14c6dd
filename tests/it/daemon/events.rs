//! What happens, as it is streamed: of one broadcast, and of all.

use std::{collections::BTreeSet, time::Duration};

use axum::body::BodyDataStream;
use fanfare::{
    daemon::{
        DaemonLimits,
        callers::{Editing, NewKey, Scope},
    },
    sdk::Timestamp,
    wire::event_schema,
};
use fanfare_testkit::Scripted;
use futures_util::StreamExt;
use http::HeaderMap;
use serde_json::Value;
use tempfile::TempDir;

use super::stage::{BEGUN, EVENTS_KEPT, Stage};

/// A stream that is read.
struct Reader {
    body: BodyDataStream,
    left: String,
}

/// One event.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Told {
    id: String,
    kind: String,
    data: String,
}

impl Stage {
    async fn read(&self, path: &str, last: Option<&str>) -> Reader {
        let headers: Vec<_> = last.map(|id| ("last-event-id", id)).into_iter().collect();
        self.read_with(path, &headers).await
    }

    async fn read_with(&self, path: &str, headers: &[(&str, &str)]) -> Reader {
        let (head, body) = self.open(&format!("GET {path}"), headers, "").await;
        assert_eq!(head.status, 200);
        assert_eq!(of(&head.headers, "content-type"), "text/event-stream");
        assert_eq!(of(&head.headers, "cache-control"), "no-cache");
        Reader { body: body.into_data_stream(), left: String::new() }
    }

    async fn accepted(&self, body: &str) -> String {
        let answer = self.post("/v1/broadcasts", body).await;
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

fn of<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

impl Reader {
    /// The next block, without what says only that the stream lives; none at the end.
    async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some((block, left)) = self.left.split_once("\n\n") {
                let line = |name: &str| {
                    let found = block.lines().find_map(|line| line.strip_prefix(name));
                    found.unwrap_or_default().trim_start().to_owned()
                };
                let told = Told { id: line("id:"), kind: line("event:"), data: line("data:") };
                let is_first = !told.id.is_empty() && block.contains("retry:");
                self.left = left.to_owned();
                if !told.kind.is_empty() || is_first {
                    return Some(told);
                }
            }
            let more = self.body.next().await?.unwrap();
            self.left += std::str::from_utf8(&more).unwrap();
        }
    }

    async fn rest(mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await {
            all.push(told);
        }
        all
    }

    /// As many events as there are to that one.
    async fn until(&mut self, kind: &str) -> Vec<Told> {
        let mut all = Vec::new();
        loop {
            all.push(self.next().await.expect("the stream goes on"));
            if all.last().is_some_and(|told| told.kind == kind) {
                return all;
            }
        }
    }
}

/// `attempt_ended crm 200` and the like.
fn says(told: &Told) -> String {
    let data: Value = serde_json::from_str(&told.data).unwrap_or_default();
    assert!(told.data.is_empty() || data["kind"] == told.kind.as_str(), "{told:?}");
    let words = ["recipient", "target", "status", "outcome", "reason", "verdict", "why", "held_by"];
    let words = words.map(|word| match &data[word] {
        Value::Null => String::new(),
        Value::String(text) => format!(" {text}"),
        other => format!(" {other}"),
    });
    format!("{}{}", told.kind, words.concat())
}

fn all(told: &[Told]) -> Vec<String> {
    told.iter().map(says).collect()
}

const STORY: [&str; 9] = [
    "broadcast_accepted",
    "attempt_started crm crm",
    "attempt_started audit audit",
    "attempt_ended crm crm 200",
    "delivery_settled crm delivered",
    "attempt_ended audit audit 422",
    "delivery_settled audit failed permanent",
    "verdict unsatisfied",
    "broadcast_settled",
];

async fn story() -> Stage {
    let ms = Duration::from_millis;
    let crm = [Scripted::status(200).body("secret-reply").after(ms(300))];
    Stage::new(&crm, &[Scripted::status(422).after(ms(700))]).await
}

const SEND: &str = r#"{"route":"both","payload":{"secret-payload":1}}"#;

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_told_from_its_beginning_and_from_every_event() {
    let stage = story().await;
    let id = stage.accepted(SEND).await;
    stage.settled(&id).await;
    let path = format!("/v1/broadcasts/{id}/events");
    let told = stage.read(&path, None).await.rest().await;
    assert_eq!(all(&told), STORY);
    for (place, event) in told.iter().enumerate().take(told.len() - 1) {
        let rest = stage.read(&path, Some(&event.id)).await.rest().await;
        assert_eq!(rest, told[place + 1..], "after {}", event.id);
    }
    let line = format!("GET {path}");
    let last = told.last().unwrap().id.clone();
    let over = stage.ask(&line, &[("last-event-id", last.as_str())], "").await;
    assert_eq!((over.status.as_u16(), over.text.as_str()), (204, ""), "nothing to come back for");
    for odd in ["x", "1-9x2", "1-0x3", "9-", "1-1x99999999999"] {
        let wrong = stage.ask(&line, &[("last-event-id", odd)], "").await;
        assert!(wrong.told().starts_with("400 invalid-request: Last-Event-ID "), "{}", wrong.text);
    }
    assert_eq!(stage.get("/v1/broadcasts/1/events").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_has_happened_and_what_happens_are_told_once_each() {
    // Cut after each event, and cut never: the same events with the same ids.
    let stage = story().await;
    let id = stage.accepted(SEND).await;
    let path = format!("/v1/broadcasts/{id}/events");
    let whole = stage.read(&path, None).await;
    let mut cut = Vec::new();
    let mut last: Option<String> = None;
    loop {
        let mut reader = stage.read(&path, last.as_deref()).await;
        let event = reader.next().await.expect("it has not settled");
        last = Some(event.id.clone());
        cut.push(event);
        if cut.last().is_some_and(|event| event.kind == "broadcast_settled") {
            break;
        }
    }
    assert_eq!(all(&cut), STORY);
    assert_eq!(whole.rest().await, cut);
    assert_eq!(stage.read(&path, None).await.rest().await, cut, "and afterwards");
}

#[tokio::test(start_paused = true)]
async fn all_is_told_as_it_happens() {
    let stage = story().await;
    let mut reader = stage.read("/v1/events", None).await;
    assert_eq!(says(&reader.next().await.unwrap()), "", "where it stands");
    stage.post("/v1/targets/crm/pause", "").await;
    stage.post("/v1/targets/crm/pause", "").await;
    stage.post("/v1/targets/crm/resume", "").await;
    stage.accepted(SEND).await;
    let told = reader.until("broadcast_settled").await;
    let expected = [&["target_paused crm", "target_resumed crm"], STORY.as_slice()].concat();
    let sorted = |mut all: Vec<String>| {
        // Two targets begin at once.
        all.sort();
        all
    };
    assert_eq!(sorted(all(&told)), sorted(expected.iter().map(|&it| it.to_owned()).collect()));
    let numbers: Vec<u64> =
        told.iter().map(|it| it.id.split_once('.').unwrap().1.parse().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a + 1 == *b), "{numbers:?}");
    let mut again = stage.read("/v1/events", Some(&told[3].id)).await;
    assert_eq!(again.next().await.unwrap().id, told[3].id, "where it stands");
    assert_eq!(again.until("broadcast_settled").await, told[4..]);
    let text: Vec<_> = told.iter().map(|it| it.data.as_str()).collect();
    for hidden in ["secret", "example", "http"] {
        assert!(!text.concat().contains(hidden), "{hidden}: {text:?}");
    }
    let schema = jsonschema::validator_for(&event_schema()).unwrap();
    for event in &told {
        let data: Value = serde_json::from_str(&event.data).unwrap();
        assert!(schema.is_valid(&data), "{}", event.data);
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_asked_for_is_told() {
    #[track_caller]
    fn check(told: &[String], expected: &[&str]) {
        assert_eq!(told, expected);
    }
    let stage = story().await;
    let of = async |query: &str| stage.read(&format!("/v1/events{query}"), None).await;
    let mut crm = of("?target=crm&kind=delivery_settled,target_paused").await;
    let mut signup = of("?route=signup").await;
    stage.accepted(SEND).await;
    stage.accepted(r#"{"route":"signup","payload":1}"#).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    stage.post("/v1/targets/crm/pause", "").await;
    check(
        &all(&crm.until("target_paused").await)[1..],
        &["delivery_settled crm delivered", "delivery_settled crm delivered", "target_paused crm"],
    );
    let told = signup.until("broadcast_settled").await;
    let broadcasts: BTreeSet<_> = told[1..]
        .iter()
        .map(|it| serde_json::from_str::<Value>(&it.data).unwrap()["broadcast"].to_string())
        .collect();
    assert_eq!((broadcasts.len(), told.len()), (1, 10), "{told:?}");
    let wrong = stage.get("/v1/events?kind=verdict,odd&since=1").await.told();
    assert!(
        wrong.starts_with("400 invalid-request: kind `verdict,odd` must be some of "),
        "{wrong}"
    );
    assert!(
        wrong.contains("; since is not known: there are `route`, `target` and `kind`"),
        "{wrong}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_bound_to_routes_reads_what_happens_on_them() {
    let (stage, folder) = (story().await, TempDir::new().unwrap());
    let file = folder.path().join("keys.json");
    let key = |name: &str, routes: &[&str]| {
        let mut new = NewKey::new(name);
        new.scopes = Scope::ALL.to_vec();
        new.routes = routes.iter().map(|route| (*route).to_owned()).collect();
        let now = Timestamp::from_secs(BEGUN);
        let token = Editing::begin(&file).unwrap().create(new, now).unwrap();
        stage.daemon.ask_for_keys(Editing::begin(&file).unwrap().keys());
        format!("Bearer {}", token.expose())
    };
    let (whole, bound) = (key("whole", &[]), key("bound", &["signup"]));
    let mut reader = stage.read_with("/v1/events", &[("authorization", &bound)]).await;
    let whole = [("authorization", whole.as_str())];
    stage.ask("POST /v1/broadcasts", &whole, SEND).await;
    stage.ask("POST /v1/targets/crm/pause", &whole, "").await;
    stage.ask("POST /v1/targets/crm/resume", &whole, "").await;
    let signup = r#"{"route":"signup","payload":1}"#;
    let id = stage.ask("POST /v1/broadcasts", &whole, signup).await.json()["id"].to_string();
    let told = reader.until("broadcast_settled").await;
    assert!(told[1..].iter().all(|it| it.data.contains(&id)), "{told:?}");
    assert_eq!(told.len(), 10, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn who_was_away_for_too_long_is_told_so() {
    let stage = Stage::new(&[], &[]).await;
    let mut slow = stage.read("/v1/events", None).await;
    let begun = slow.next().await.unwrap().id;
    for _ in 0..EVENTS_KEPT {
        stage.post("/v1/targets/crm/pause", "").await;
        stage.post("/v1/targets/crm/resume", "").await;
    }
    assert_eq!(slow.next().await, None, "who is too slow is let go");
    let mut again = stage.read("/v1/events", Some(&begun)).await;
    let here = again.next().await.unwrap().id;
    let gap = again.next().await.unwrap();
    assert_eq!((says(&gap).as_str(), &gap.id), ("gap too_old", &here));
    stage.post("/v1/targets/audit/pause", "").await;
    assert_eq!(says(&again.next().await.unwrap()), "target_paused audit", "and it goes on");
    let mut other = stage.read("/v1/events", Some("77.3")).await;
    other.next().await.unwrap();
    assert_eq!(says(&other.next().await.unwrap()), "gap other_boot");
}

#[tokio::test(start_paused = true)]
async fn streams_have_a_limit_and_end_with_the_daemon() {
    let mut limits = DaemonLimits::default();
    limits.streams_max = 2;
    let stage = Stage::limited(&[Scripted::hang()], &[], limits).await;
    let id = stage.accepted(r#"{"to":["crm"],"payload":1}"#).await;
    let mut one = stage.read(&format!("/v1/broadcasts/{id}/events"), None).await;
    one.until("attempt_started").await;
    let all = stage.read("/v1/events", None).await;
    let full = stage.get("/v1/events").await;
    assert_eq!(full.told(), "503 full: 2 streams are being read");
    assert_eq!(full.header("retry-after"), Some("5"));
    drop(all);
    let mut all = stage.read("/v1/events", None).await;
    all.next().await.unwrap();
    stage.daemon.drain();
    assert_eq!((one.next().await, all.next().await), (None, None));
    assert_eq!(
        stage.get("/v1/events").await.told(),
        "503 shutting-down: no stream begins any more"
    );
}

#[tokio::test(start_paused = true)]
async fn how_a_target_does_is_told() {
    let slow = Scripted::status(200).after(Duration::from_millis(40));
    let sunset = slow.clone().header("sunset", "Wed, 11 Nov 2026 23:59:59 GMT");
    let stage = Stage::new(&[slow.clone(), sunset, Scripted::status(500)], &[]).await;
    for _ in 0..3 {
        stage.send(r#"{"to":["crm"],"payload":1}"#).await;
    }
    let targets = stage.get("/v1/targets").await.json();
    let crm = &targets["targets"][1];
    assert_eq!((&crm["attempts"], &crm["attempts_failed"]), (&3.into(), &1.into()), "{crm}");
    assert_eq!((&crm["p50_ms"], &crm["p99_ms"]), (&40.0.into(), &40.0.into()), "{crm}");
    assert_eq!((&crm["breaker"], &crm["held_by"]), (&"closed".into(), &Value::Null), "{crm}");
    assert_eq!(crm["warnings"][0]["kind"], "sunset", "{crm}");
}

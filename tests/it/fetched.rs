//! Tokens that are fetched: a fetch has a life of its own, whoever has asked for it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use fanfare::{
    Broadcast, Engine, Target,
    policy::gate::{GatePolicy, RateLimit},
    report::Report,
    sdk::{Payload, check},
    targets::{
        HttpTarget,
        auth::{OAuth2, OAuth2Settings},
    },
};
use fanfare_testkit::{Scripted, ScriptedTransport};
use serde_json::json;
use tempfile::TempDir;

/// A token endpoint that gives each refresh token once, and takes each once: how it answers the requests in their order.
struct Issuer {
    answers: Vec<Answer>,
    /// What was sent to it: refresh tokens.
    spent: Vec<String>,
    /// The one that it takes.
    good: usize,
}

#[derive(Clone, Copy)]
enum Answer {
    /// A token that is good for so many seconds, and the next refresh token; after that time.
    Token(u32, Duration),
    Hang,
    /// That status with that `Retry-After`, after that time.
    Down(u16, Option<u32>, Duration),
}

const NOW: Duration = Duration::ZERO;

/// A target `crm` that asks it, and the API, which takes every token for as long as it is good.
struct Stage {
    engine: Engine,
    issuer: Arc<Mutex<Issuer>>,
    folder: TempDir,
    /// What the API was sent: the tokens.
    tokens: Arc<Mutex<Vec<String>>>,
}

impl Issuer {
    fn answer(&mut self, body: &[u8]) -> Scripted {
        let form = url::form_urlencoded::parse(body).find(|(name, _)| name == "refresh_token");
        let token = form.expect("a refresh token").1.into_owned();
        let answer = self.answers[self.spent.len().min(self.answers.len() - 1)];
        self.spent.push(token.clone());
        match answer {
            Answer::Hang => Scripted::hang(),
            Answer::Down(status, asks, after) => {
                let reply = Scripted::status(status).after(after);
                asks.map_or(reply.clone(), |secs| reply.header("retry-after", &secs.to_string()))
            }
            Answer::Token(..) if token != format!("r{}", self.good) => {
                Scripted::status(400).body(r#"{"error":"invalid_grant"}"#)
            }
            Answer::Token(life, after) => {
                self.good += 1;
                let (access, refresh) = (format!("t{}", self.good), format!("r{}", self.good));
                let body = json!({ "access_token": access, "token_type": "Bearer",
                                   "expires_in": life, "refresh_token": refresh });
                Scripted::status(200).after(after).body(body.to_string())
            }
        }
    }
}

impl Stage {
    async fn new(answers: &[Answer], change: impl Fn(Target) -> Target) -> Self {
        let issuer = Issuer { answers: answers.to_vec(), spent: Vec::new(), good: 1 };
        let (issuer, tokens) = (Arc::new(Mutex::new(issuer)), Arc::<Mutex<Vec<String>>>::default());
        let folder = tempfile::tempdir().unwrap();
        let (asked, sent) = (issuer.clone(), tokens.clone());
        let net = ScriptedTransport::new(move |request| {
            if request.uri().host() == Some("login.example") {
                return asked.lock().unwrap().answer(request.body());
            }
            let token = request.headers()["authorization"].to_str().unwrap().to_owned();
            sent.lock().unwrap().push(token.trim_start_matches("Bearer ").to_owned());
            Scripted::status(200)
        });
        let file = folder.path().join("refresh");
        let grant = json!({ "refresh_token": { "token": "r1", "file": file } });
        let settings = json!({ "token_url": "https://login.example/token", "client_id": "me",
                               "client_secret": "s", "grant": grant });
        let settings: OAuth2Settings = check::settings(settings).unwrap();
        let api = HttpTarget::post("https://crm.example/").unwrap();
        let crm = Target::http("crm", api).auth(OAuth2::try_new(&settings).unwrap());
        let builder = Engine::builder().transport(Arc::new(net)).target(change(crm));
        Self { engine: builder.start().await.unwrap(), issuer, folder, tokens }
    }

    async fn send(&self) -> Report {
        let payload = Payload::new("application/json", "{}");
        self.engine.broadcast(Broadcast::new(payload).to("crm")).await.unwrap()
    }

    /// How it ended, with its attempts, and how long it took.
    async fn told(&self) -> String {
        let report = self.send().await;
        let delivery = &report.deliveries[0];
        let mut text = delivery.outcome.unwrap().to_string();
        for attempt in &delivery.attempts {
            let ended = attempt.ended.as_ref().unwrap();
            let held = attempt.started.held.map_or(String::new(), |why| format!(" {}", why.code()));
            let status = ended.status.map_or(" unsent".to_owned(), |status| format!(" {status}"));
            let error = ended.error.as_ref().map_or(String::new(), |e| format!(" {}", e.message));
            text.push_str(&format!(";{held}{status}{error}"));
        }
        let took = report.settled_at.unwrap().since(report.accepted_at);
        format!("{text}; {took:?}")
    }

    fn spent(&self) -> Vec<String> {
        self.issuer.lock().unwrap().spent.clone()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("refresh")
    }
}

fn one_per_10s(crm: Target) -> Target {
    let limit = RateLimit::try_new(1, Duration::from_secs(10), 1).unwrap();
    crm.gate(GatePolicy { rate_limit: Some(limit), ..GatePolicy::default() })
}

/// The refresh token that stands in the file.
fn written(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let written: serde_json::Value = serde_json::from_str(&text).unwrap();
    written["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_any_more_lands() {
    let slow = Answer::Token(3600, Duration::from_secs(12));
    let stage = Stage::new(&[slow], |crm| crm).await;
    // Whoever asks is cut off after 10 s; it asks again after a pause, and finds what the first request has brought.
    assert_eq!(stage.told().await, "delivered; auth 200; 12s");
    assert_eq!(stage.spent(), ["r1"]);
    assert_eq!(written(&stage.file()), "r2");
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_takes_no_refresh_token_along() {
    let slow = Answer::Token(3600, Duration::from_secs(5));
    let stage = Stage::new(&[slow], |crm| crm.give_up_after(Duration::from_secs(3))).await;
    let why =
        "no proof of who we are: not authorised (timeout): its authorizers were not ready in time";
    let told = format!("failed (its time was over); auth unsent {why}; 3s");
    assert_eq!(stage.told().await, told);
    // The next one finds the flight, and what it brings.
    assert_eq!(stage.told().await, "delivered; auth 200; 2s");
    assert_eq!(stage.spent(), ["r1"]);
    assert_eq!(written(&stage.file()), "r2");
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_engine_waits_for_the_next_refresh_token() {
    let slow = Answer::Token(100, Duration::from_secs(1));
    let stage = Stage::new(&[Answer::Token(100, NOW), slow], |crm| crm).await;
    assert_eq!(stage.told().await, "delivered; auth 200; 0ns");
    tokio::time::sleep(Duration::from_secs(95)).await;
    assert_eq!(stage.told().await, "delivered; 200; 0ns");
    stage.engine.shutdown().await;
    assert_eq!(stage.spent(), ["r1", "r2"]);
    assert_eq!(written(&stage.file()), "r3");
}

#[tokio::test(start_paused = true)]
async fn the_old_token_serves_while_it_is_refreshed() {
    let answers = [Answer::Token(100, NOW), Answer::Hang];
    let stage = Stage::new(&answers, |crm| crm.give_up_after(Duration::from_secs(5))).await;
    assert_eq!(stage.told().await, "delivered; auth 200; 0ns");
    tokio::time::sleep(Duration::from_secs(95)).await;
    for _ in 0..3 {
        assert_eq!(stage.told().await, "delivered; 200; 0ns");
    }
    assert_eq!(*stage.tokens.lock().unwrap(), ["t2", "t2", "t2", "t2"]);
    // Time goes on when the file was looked at, which a thread of its own does.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(stage.spent(), ["r1", "r2"]);
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_hangs_is_ended() {
    let stage = Stage::new(&[Answer::Hang, Answer::Token(3600, NOW)], |crm| crm).await;
    // A minute, since it may have spent its refresh token; then the pause of a failure.
    assert_eq!(stage.told().await, "delivered; auth 200; 60.2s");
    assert_eq!(stage.spent(), ["r1", "r1"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_begins_when_the_token_endpoint_has_failed() {
    let down = Answer::Down(503, Some(7), Duration::from_secs(5));
    let stage = Stage::new(&[down, Answer::Token(3600, NOW)], |crm| crm).await;
    assert_eq!(stage.told().await, "delivered; auth 200; 12s");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_the_gate_goes_with_a_token_that_is_good() {
    let stage = Stage::new(&[Answer::Token(8, NOW)], one_per_10s).await;
    // In the order of their ends: who asks first for a token is not who has it first.
    let mut told = futures_util::future::join_all((0..4).map(|_| stage.told())).await;
    told.sort();
    let expected = [
        "delivered; auth 200; 0ns",
        "delivered; auth 200; 10s",
        "delivered; auth 200; 20s",
        "delivered; auth 200; 30s",
    ];
    assert_eq!(told, expected);
    assert_eq!(*stage.tokens.lock().unwrap(), ["t2", "t3", "t4", "t5"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_the_gate_for_a_token_keeps_its_place() {
    let down = Answer::Down(503, None, Duration::from_secs(1));
    let slow = Answer::Token(8, Duration::from_secs(1));
    let stage = Stage::new(&[Answer::Token(8, NOW), down, slow], one_per_10s).await;
    let mut told = futures_util::future::join_all((0..3).map(|_| stage.told())).await;
    told.sort();
    // The token that was there is over at 10 s; the next one comes at 12.2 s, after a failure and its pause.
    let expected =
        ["delivered; auth 200; 0ns", "delivered; auth 200; 12.2s", "delivered; auth 200; 23.2s"];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_maintenance_is_waited_for() {
    let down = Answer::Down(404, None, NOW);
    let stage = Stage::new(&[down, down, Answer::Token(3600, NOW)], |crm| crm).await;
    assert_eq!(stage.told().await, "delivered; auth 200; 600ms");
}

//! A daemon whose APIs are scripted, without a socket, in virtual time.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use axum::{Router, body::Body, body::to_bytes};
use fanfare::{
    daemon::{Daemon, DaemonLimits, Exposition, Source, Tls},
    engine::{Clock, Engine, Entropy},
    journal::{Journal, SqliteJournal, SqliteSettings},
    sdk::{Registry, Timestamp},
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use http::{HeaderMap, Request, StatusCode, response::Parts};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

use super::contract;

/// Events that are kept.
pub(super) const EVENTS_KEPT: usize = 64;

pub(super) const BEGUN: i64 = 1_767_225_600;

pub(super) const CONFIG: &str = "
targets:
  crm: { kind: http, url: 'http://crm.example/', retry: { attempts: 1 } }
  audit: { kind: http, url: 'http://audit.example/', retry: { attempts: 1 } }
routes:
  signup: { to: [crm, { target: audit, optional: true }], deadline: 30s }
  both: { to: [crm, audit] }
  some: { to: [crm, { target: audit, when: '.big' }], completion: any, priority: low, rest: cancel }
  strict:
    to: [crm]
    schema:
      type: object
      required: [customer]
      properties:
        customer: { type: object, required: [email], properties: { email: { type: string } } }
        items: { type: array, items: { type: integer } }
";

pub(super) struct Stage {
    pub(super) daemon: Arc<Daemon>,
    pub(super) engine: Engine,
    pub(super) apis: Arc<ScriptedTransport>,
    router: Router,
    _meters: SdkMeterProvider,
    folder: TempDir,
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Stage {
    /// With what `crm.example` and `audit.example` answer.
    pub(super) async fn new(crm: &[Scripted], audit: &[Scripted]) -> Self {
        Self::limited(crm, audit, DaemonLimits::default()).await
    }

    pub(super) async fn limited(
        crm: &[Scripted],
        audit: &[Scripted],
        limits: DaemonLimits,
    ) -> Self {
        Self::by_tls(crm, audit, (limits, None)).await
    }

    /// The same over TLS.
    pub(super) async fn by_tls(
        crm: &[Scripted],
        audit: &[Scripted],
        (limits, tls): (DaemonLimits, Option<Arc<Tls>>),
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = SqliteSettings::new(folder.path().join("journal.db"));
        let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::inline(settings).unwrap());
        let scripts = [("crm.example", crm), ("audit.example", audit)];
        let scripts = scripts.map(|(host, it)| (host.to_owned(), Script::new(it.to_vec())));
        let apis = Arc::new(ScriptedTransport::routes(scripts));
        let mut kinds = Registry::default();
        kinds.register(fanfare::targets::http::HttpKind).unwrap();
        let file = folder.path().join("fanfare.yaml");
        fs::write(&file, CONFIG).unwrap();
        let source = Source::new(file, kinds);
        let (config, seen) = source.load();
        let mut config = config.unwrap();
        let (exposition, reader) = Exposition::new().unwrap();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        let names = Daemon::kinds(&config);
        let engine = Engine::builder()
            .journal(journal)
            .transport(apis.clone())
            .clock(Clock::starting_at(Timestamp::from_secs(BEGUN)))
            .entropy(Entropy::seeded(1))
            .meter(&meters.meter("fanfare"))
            .live(EVENTS_KEPT)
            .configured(&mut config)
            .start()
            .await
            .unwrap();
        let daemon = Daemon::new(engine.clone(), names, config.routes, limits)
            .exposing(exposition)
            .by_tls(tls)
            .reloading(source, config.fingerprints, seen);
        let daemon = Arc::new(daemon);
        Self { router: daemon.router(), daemon, engine, apis, _meters: meters, folder }
    }

    /// The file of its journal.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Everything of a request: `POST /v1/broadcasts`, headers, body.
    pub(super) async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (head, body) = self.open(line, headers, body).await;
        let mut answer = Answer { status: head.status, headers: head.headers, text: String::new() };
        // A stream may have no end.
        if answer.header("content-type") != Some("text/event-stream") {
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            answer.text = String::from_utf8(bytes.to_vec()).unwrap();
            contract::check(line, &answer);
        }
        answer
    }

    /// The same, and does not wait for the end of the answer.
    pub(super) async fn open(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Parts, Body) {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            if *name == "host" {
                request.headers_mut().unwrap().remove("host");
            }
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        response.into_parts()
    }

    /// Another configuration stands in the file; it is not read yet.
    pub(super) fn configure(&self, text: &str) {
        self.write("fanfare.yaml", text);
    }

    /// A file beside the configuration.
    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[], "").await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(&format!("POST {path}"), &[], body).await
    }

    /// Sends a broadcast and waits for its verdict. Gives its report.
    pub(super) async fn send(&self, body: &str) -> Value {
        let answer = self.ask("POST /v1/broadcasts", &[("prefer", "wait=60")], body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// Waits until all of it has settled.
    pub(super) async fn settled(&self, id: &str) -> Value {
        let line = format!("GET /v1/broadcasts/{id}?until=settled");
        self.ask(&line, &[("prefer", "wait=60")], "").await.json()
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `400 invalid-request: /to/1 there is no target`; `202`.
    pub(super) fn told(&self) -> String {
        let status = self.status.as_u16();
        if self.header("content-type") != Some("application/problem+json") {
            return status.to_string();
        }
        let problem = self.json();
        assert_eq!(problem["status"], status, "the status says the same");
        let kind = problem["type"].as_str().unwrap().rsplit('/').next().unwrap();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        if errors.is_empty() {
            return format!("{status} {kind}: {}", problem["detail"].as_str().unwrap());
        }
        let told = |error: &Value| {
            let error: BTreeMap<String, String> = serde_json::from_value(error.clone()).unwrap();
            let at = error.iter().find(|(name, _)| *name != "detail").unwrap().1;
            format!("{at} {}", error["detail"])
        };
        format!("{status} {kind}: {}", errors.iter().map(told).collect::<Vec<_>>().join("; "))
    }
}

/// `crm delivered, audit failed` of a report.
pub(super) fn outcomes(report: &Value) -> String {
    let told = |it: &Value| {
        format!("{} {}", it["target"].as_str().unwrap(), it["outcome"].as_str().unwrap_or("open"))
    };
    report["deliveries"].as_array().unwrap().iter().map(told).collect::<Vec<_>>().join(", ")
}

//! No secret is ever printed: canaries in every secret place, and a look at everything that comes out.
//!
//! A program of its own, since what is logged is caught for the whole process.

#![cfg(test)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanfare::{
    Broadcast, Engine, Target,
    config::{Lookup, load_str},
    policy::Retry,
    sdk::{Payload, Secret},
    targets::{
        HttpTarget,
        auth::{ApiKey, ApiKeyIn, Basic, Bearer},
        http::HttpSettings,
        slack::SlackSettings,
    },
    telemetry::Baggage,
};
use fanfare_testkit::{MockApi, Scripted};
use opentelemetry::{Context, metrics::MeterProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics,
        exporter::PushMetricExporter,
    },
    trace::{Span, SpanData, SpanProcessor},
};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

const CANARY: &str = "c4n4ry";

/// All that is logged, spans included.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// All that is exported, as it prints.
#[derive(Clone, Default, Debug)]
struct Told(Arc<Mutex<String>>);

impl SpanProcessor for Told {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let attributes = span.attributes.iter().map(|it| format!("{}={}\n", it.key, it.value));
        let attributes: String = attributes.collect();
        self.0.lock().unwrap().push_str(&format!("{span:?}\n{attributes}"));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl PushMetricExporter for Told {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.0.lock().unwrap().push_str(&format!("{metrics:?}\n"));
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Cumulative
    }
}

/// The settings of a target with canaries in its headers and its query.
fn settings(url: &str) -> HttpSettings {
    HttpSettings::post(url).header("X-Partner-Token", CANARY).query("session", CANARY)
}

fn target(name: &str, url: &str) -> Target {
    let api = settings(url).build().unwrap();
    let secret = || Secret::new(CANARY);
    let retry = Retry { attempts_max: 1, ..Retry::default() };
    let target = Target::http(name, api).timeout(Duration::from_millis(300)).retry(retry);
    match name {
        "basic" => target.auth(Basic::try_new("user", &secret()).unwrap()),
        "query" => {
            target.auth(ApiKey::try_new(&ApiKeyIn::Query("api_key".into()), &secret()).unwrap())
        }
        "cookie" => {
            target.auth(ApiKey::try_new(&ApiKeyIn::Cookie("sid".into()), &secret()).unwrap())
        }
        "header" => {
            target.auth(ApiKey::try_new(&ApiKeyIn::Header("x-api-key".into()), &secret()).unwrap())
        }
        _ => target.auth(Bearer::try_new(&secret()).unwrap()),
    }
}

/// A URL that is a secret as a whole, and does not look like one.
fn secret_url(name: &str, url: &str) -> Target {
    let api = SlackSettings::webhook(Secret::new(format!("{url}/{CANARY}"))).build().unwrap();
    let retry = Retry { attempts_max: 1, ..Retry::default() };
    Target::http(name, api).timeout(Duration::from_millis(300)).retry(retry)
}

/// Where every variable is the canary.
struct Canaries;

impl Lookup for Canaries {
    fn env(&self, _: &str) -> Result<Option<String>, String> {
        Ok(Some(CANARY.to_owned()))
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Ok(CANARY.to_owned())
    }
}

/// Targets into whose settings the canary came by references: in paths, in queries, in headers, in an endpoint, in what an
/// expression says.
fn referring(api: &MockApi) -> Vec<Target> {
    let [ok, here] = [api.url("/ok"), api.url("")];
    let text = format!(
        "targets:
  by-path: {{ kind: http, url: '{here}/bot${{env:A}}/{{id}}', variables: {{ id: '\"${{file:b}}\"' }} }}
  by-query: {{ kind: http, url: '{ok}?chat=${{env:A}}', query: {{ page: '${{env:A}}' }} }}
  by-header: {{ kind: http, url: '{ok}', headers: {{ X-Tenant: '${{env:A}}' }} }}
  by-endpoint: {{ kind: http, url: 'http://127.0.0.1:1/', fallback: [{{ endpoint: '{ok}/${{env:A}}' }}] }}
  by-error: {{ kind: http, url: '{ok}', body: '\"${{env:A}}\" | error' }}
  by-webhook: {{ kind: webhook, url: '{here}/hook/${{env:A}}', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw }}
"
    );
    let config = load_str("f.yaml", &text, &fanfare::targets::kinds(), &Canaries).unwrap();
    clean("the configuration", &format!("{config:?}"));
    let retry = Retry { attempts_max: 1, ..Retry::default() };
    config.targets.into_iter().map(Target::from).map(|it| it.retry(retry.clone())).collect()
}

#[track_caller]
fn clean(what: &str, text: &str) {
    // Base64 of `user:c4n4ry`.
    for canary in [CANARY, "dXNlcjpjNG40cnk="] {
        assert!(!text.contains(canary), "{what} has a secret in it: {text}");
    }
}

#[tokio::test]
async fn no_secret_is_printed() {
    let log = Log::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(log.clone()).with_ansi(false);
    let spans = layer.with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL);
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(spans)).unwrap();
    let api = MockApi::start_routes([
        ("/ok", Scripted::status(200).header("set-cookie", CANARY).body(CANARY)),
        ("/reset", Scripted::reset_after()),
        ("/hang", Scripted::hang()),
        (
            "/slack/c4n4ry",
            Scripted::status(404).header("link", "<x>; rel=\"sunset\"").body("no_service"),
        ),
        ("/refuses", Scripted::status(401).header("www-authenticate", CANARY).body(CANARY)),
    ])
    .await;
    let (told, meters) = (Told::default(), SdkMeterProvider::builder());
    let meters = meters.with_reader(PeriodicReader::builder(told.clone()).build()).build();
    let mut builder = Engine::builder().spans(told.clone()).meter(&meters.meter("secrets"));
    let ways = [("basic", "/ok"), ("query", "/reset"), ("cookie", "/hang"), ("header", "/refuses")];
    for (name, path) in ways {
        builder = builder.target(target(name, &api.url(path)));
    }
    builder = builder.target(target("gone", "http://127.0.0.1:1/"));
    builder = builder.target(secret_url("slack", &api.url("/slack")));
    builder = builder.target(secret_url("no-slack", "http://127.0.0.1:1/services"));
    let referring = referring(&api);
    let names: Vec<_> = referring.iter().map(|it| it.policy().target.clone()).collect();
    builder = referring.into_iter().fold(builder, fanfare::engine::EngineBuilder::target);
    clean("the builder", &format!("{builder:?}"));
    let engine = builder.start().await.unwrap();
    clean("the engine", &format!("{engine:?}"));
    let baggage = Baggage::new().with("user", CANARY).unwrap();
    let mut broadcast =
        Broadcast::new(Payload::new("application/json", format!("\"{CANARY}\""))).baggage(baggage);
    for name in ["basic", "query", "cookie", "header", "gone", "slack", "no-slack"] {
        broadcast = broadcast.to(name);
    }
    broadcast = names.into_iter().fold(broadcast, Broadcast::to);
    clean("the broadcast", &format!("{broadcast:?}"));
    let report = engine.broadcast(broadcast).await.unwrap();
    clean("the report", &format!("{report:?}"));
    engine.shutdown().await;
    meters.force_flush().unwrap();
    let told = told.0.lock().unwrap().clone();
    for needed in [
        "url.full",
        "session=REDACTED",
        "/REDACTED\n",
        "/bot***/***\n",
        "http.client.request.duration",
    ] {
        assert!(told.contains(needed), "something was told: {told}");
    }
    clean("what is told to OpenTelemetry", &told);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("attempt ended"), "something was logged: {log}");
    clean("the log", &log);
    assert_eq!(api.received().len(), 10, "the secrets did go where they belong");
    for received in api.received() {
        assert!(received.text().contains(CANARY));
        let at = [received.header("x-partner-token"), received.header("x-tenant")];
        assert!(at.contains(&Some(CANARY)) || received.path().contains(CANARY));
    }
}

#[test]
fn no_secret_is_printed_with_an_error() {
    let wrong = [
        format!("https://user:{CANARY}@api.example/"),
        format!("https://api.example/?api_key={CANARY}"),
        format!("ftp://api.example/?token={CANARY}"),
    ];
    for url in wrong {
        let error = HttpTarget::post(url).unwrap_err();
        clean("the error", &format!("{error} {error:?}"));
    }
    let control = Bearer::try_new(&Secret::new(format!("{CANARY}\n"))).unwrap_err();
    clean("the error", &format!("{control} {control:?}"));
    clean("settings", &format!("{:?}", settings("https://api.example/")));
}

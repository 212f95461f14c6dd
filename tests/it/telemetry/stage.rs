//! An engine whose APIs answer by script in virtual time, and all that it exports.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fanfare::{
    Broadcast, Engine, Target,
    engine::{Clock, EngineBuilder},
    policy::{Backoff, Jitter, Retry},
    sdk::{Payload, Timestamp},
    targets::HttpTarget,
};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use opentelemetry::{Context, SpanId};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};

/// When every test begins, in seconds since 1970.
const BEGIN: i64 = 1_700_000_000;

/// Keeps what it is handed.
#[derive(Clone, Default, Debug)]
pub(super) struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanProcessor for Kept {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Kept {
    pub(super) fn all(&self) -> Vec<SpanData> {
        self.0.lock().unwrap().clone()
    }

    /// The spans of that name, in the order in which they ended.
    pub(super) fn named(&self, name: &str) -> Vec<SpanData> {
        self.all().into_iter().filter(|span| span.name == name).collect()
    }

    /// The one span of that name.
    #[track_caller]
    pub(super) fn one(&self, name: &str) -> SpanData {
        let mut spans = self.named(name);
        assert_eq!(spans.len(), 1, "spans named {name}: {:?}", self.names());
        spans.remove(0)
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all().into_iter().map(|span| span.name.into_owned()).collect()
    }

    /// All spans as a tree: parents, kinds, times in milliseconds, status.
    pub(super) fn tree(&self) -> String {
        let mut text = String::new();
        let spans = self.all();
        let known = |id| spans.iter().any(|span| span.span_context.span_id() == id);
        let roots = spans.iter().filter(|span| !known(span.parent_span_id));
        roots.for_each(|root| branch(&spans, root, 0, &mut text));
        text
    }
}

fn branch(spans: &[SpanData], span: &SpanData, depth: usize, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
    text.push_str(&line(span));
    text.push('\n');
    let mut children: Vec<_> = spans
        .iter()
        .filter(|child| child.parent_span_id == span.span_context.span_id())
        .filter(|child| child.parent_span_id != SpanId::INVALID)
        .collect();
    children.sort_by_key(|child| child.start_time);
    children.into_iter().for_each(|child| branch(spans, child, depth + 1, text));
}

/// `POST Client 0..20 error 503`
fn line(span: &SpanData) -> String {
    let error = attribute(span, "error.type").map(|it| format!(" error {it}")).unwrap_or_default();
    let (from, to) = (millis(span.start_time), millis(span.end_time));
    format!("{} {:?} {from}..{to}{error}", span.name, span.span_kind)
}

/// Since the test began.
pub(super) fn millis(at: SystemTime) -> u128 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    since.as_millis() - Duration::from_secs(BEGIN.unsigned_abs()).as_millis()
}

/// An attribute as text.
pub(super) fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().filter(|attribute| attribute.key.as_str() == key);
    let values: Vec<_> = found.map(|attribute| attribute.value.to_string()).collect();
    assert!(values.len() < 2, "{key} stands twice: {values:?}");
    values.into_iter().next()
}

/// Those attributes as text, `-` for one that is not there.
pub(super) fn attributes(span: &SpanData, keys: &[&str]) -> String {
    let text = |key: &&str| attribute(span, key).unwrap_or_else(|| "-".into());
    keys.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// A target that is tried again after 100 ms, three times in all.
pub(super) fn target(name: &str) -> Target {
    let api = HttpTarget::post(format!("http://{name}.example/v1")).unwrap();
    patient(Target::http(name, api))
}

pub(super) fn patient(target: Target) -> Target {
    let backoff = Backoff::constant(Duration::from_millis(100)).with_jitter(Jitter::None);
    let retry = Retry { attempts_max: 3, backoff, ..Retry::default() };
    target.retry(retry).timeout(Duration::from_secs(1))
}

/// APIs by host.
pub(super) fn apis(scripts: &[(&str, &[Scripted])]) -> Arc<ScriptedTransport> {
    let host = |(name, script): &(&str, &[Scripted])| {
        (format!("{name}.example"), Script::new(script.to_vec()))
    };
    Arc::new(ScriptedTransport::routes(scripts.iter().map(host)))
}

/// An engine on a clock that begins at a known time.
pub(super) fn builder(apis: &Arc<ScriptedTransport>) -> EngineBuilder {
    builder_at(apis, 0)
}

/// The same, that many seconds later.
pub(super) fn builder_at(apis: &Arc<ScriptedTransport>, later: i64) -> EngineBuilder {
    let clock = Clock::starting_at(Timestamp::from_secs(BEGIN + later));
    Engine::builder().transport(apis.clone()).clock(clock)
}

/// The engine with these targets, and what it exports.
pub(super) async fn observed(
    targets: Vec<Target>,
    apis: &Arc<ScriptedTransport>,
) -> (Engine, Kept) {
    let kept = Kept::default();
    let builder = targets.into_iter().fold(builder(apis), EngineBuilder::target);
    (builder.spans(kept.clone()).start().await.unwrap(), kept)
}

pub(super) fn to(names: &[&str]) -> Broadcast {
    let payload = Payload::new("application/json", r#"{"a":1}"#);
    names.iter().fold(Broadcast::new(payload), |broadcast, name| broadcast.to(*name))
}

/// Answers after 20 ms.
pub(super) fn slow(status: u16) -> Scripted {
    Scripted::status(status).after(Duration::from_millis(20))
}

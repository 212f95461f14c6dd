//! One trace with the right parents, whatever happens on the way.

use std::{collections::HashSet, sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine, Target,
    journal::{MemoryJournal, MemoryLimits},
    report::{Completion, Rest},
    sdk::{ApiTarget, Attempt, Fallback, Profile, Reply, SendError, TargetName, async_trait},
    targets::HttpTarget,
    telemetry::{Baggage, RemoteContext, extract},
};
use fanfare_testkit::Scripted;
use http::{HeaderMap, Request};
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{Sampler, SpanData};

use super::stage::{
    Kept, apis, attribute, attributes, builder, builder_at, millis, observed, patient, slow,
    target, to,
};

/// Semantic conventions 1.44.0 (Apache-2.0), restated.
const CONVENTIONS: &str =
    include_str!("../../../src/telemetry/vectors/http_client_span_rules.json");

/// What comes of a broadcast to `a`, as a tree.
#[track_caller]
fn is(kept: &Kept, expected: &[&str]) {
    assert_eq!(kept.tree().lines().collect::<Vec<_>>(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_one_trace() {
    let scripts: &[(&str, &[Scripted])] =
        &[("a", &[slow(200)]), ("b", &[slow(503), slow(503), slow(200)]), ("c", &[slow(422)])];
    let apis = apis(scripts);
    let (engine, kept) = observed(["a", "b", "c"].map(target).into(), &apis).await;
    let report = engine.broadcast(to(&["a", "b"]).optional("c")).await.unwrap();
    let expected = [
        "broadcast Internal 0..260",
        "  deliver a Internal 0..20",
        "    POST Client 0..20",
        "  deliver b Internal 0..260",
        "    POST Client 0..20 error 503",
        "    POST Client 120..140 error 503",
        "    POST Client 240..260",
        "  deliver c Internal 0..20 error permanent",
        "    POST Client 0..20 error 422",
    ];
    is(&kept, &expected);
    let spans = kept.all();
    let trace = spans[0].span_context.trace_id();
    assert!(spans.iter().all(|span| span.span_context.trace_id() == trace));
    assert_eq!(trace.to_bytes(), report.trace.trace_id);
    let sent: HashSet<_> = apis
        .received()
        .iter()
        .map(|request| request.header("traceparent").unwrap()[36..52].to_owned())
        .collect();
    let posts: HashSet<_> =
        kept.named("POST").iter().map(|span| span.span_context.span_id().to_string()).collect();
    assert_eq!(sent, posts, "what was sent names the spans that were exported");
    for span in &spans {
        check_rules(span);
    }
}

/// What the conventions never allow.
#[track_caller]
fn check_rules(span: &SpanData) {
    let failed = matches!(&span.status, Status::Error { description } if description.is_empty());
    assert!(failed || span.status == Status::Unset, "{:?}", span.status);
    assert_eq!(failed, attribute(span, "error.type").is_some(), "{span:?}");
    assert_ne!(attribute(span, "http.request.resend_count").as_deref(), Some("0"));
    let http = attribute(span, "http.request.method").is_some();
    let rules: serde_json::Value = serde_json::from_str(CONVENTIONS).unwrap();
    let rules = &rules["client_span"];
    for key in rules["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()) {
        assert_eq!(attribute(span, key).is_some(), http, "{key} of {span:?}");
    }
    for (key, kind) in rules["types"].as_object().unwrap() {
        let found = span.attributes.iter().find(|it| it.key.as_str() == key);
        let found = found.map(|it| match it.value {
            opentelemetry::Value::I64(_) => "int",
            opentelemetry::Value::String(_) => "string",
            _ => "of another type",
        });
        assert!(found.is_none_or(|found| found == kind), "{key} of {span:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_described_as_the_conventions_say() {
    let apis = apis(&[("a", &[slow(503), slow(200)])]);
    let (engine, kept) = observed(vec![target("a")], &apis).await;
    engine.broadcast(to(&["a"])).await.unwrap();
    let keys = [
        "http.request.method",
        "url.full",
        "server.address",
        "server.port",
        "http.response.status_code",
        "http.request.resend_count",
        "error.type",
        "fanfare.target",
        "fanfare.attempt.number",
        "fanfare.attempt.kind",
        "fanfare.attempt.version",
        "fanfare.attempt.meaning",
        "fanfare.attempt.effect",
    ];
    let posts: Vec<_> = kept.named("POST").iter().map(|span| attributes(span, &keys)).collect();
    let expected = [
        "POST http://a.example/v1 a.example 80 503 - 503 a 1 first - retry none",
        "POST http://a.example/v1 a.example 80 200 1 - a 2 retry - success applied",
    ];
    assert_eq!(posts, expected);
    let keys = [
        "fanfare.broadcast.recipients",
        "fanfare.broadcast.verdict",
        "fanfare.broadcast.completed_by",
        "fanfare.broadcast.route",
    ];
    assert_eq!(attributes(&kept.one("broadcast"), &keys), "1 satisfied all -");
    let keys = [
        "fanfare.target",
        "fanfare.delivery.outcome",
        "fanfare.delivery.reason",
        "fanfare.delivery.via",
        "fanfare.delivery.attempts",
    ];
    assert_eq!(attributes(&kept.one("deliver a"), &keys), "a delivered - primary 2");
}

/// What becomes of a single attempt that is answered like that.
async fn once(script: Scripted, expected: &[&str]) {
    let apis = apis(&[("a", &[script])]);
    let mut api = target("a");
    api.policy_mut().retry.attempts_max = 1;
    let (engine, kept) = observed(vec![api], &apis).await;
    engine.broadcast(to(&["a"])).await.unwrap();
    is(&kept, expected);
    kept.all().iter().for_each(check_rules);
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_a_type_and_nothing_else_has() {
    let impossible = |ms: u16| format!("broadcast Internal 0..{ms} error impossible");
    let failed = "  deliver a Internal 0..0 error attempts_used_up";
    let doubt = "  deliver a Internal 0..0 error not_repeatable";
    once(Scripted::refused(), &[&impossible(0), failed, "    POST Client 0..0 error connect"])
        .await;
    once(Scripted::reset_after(), &[&impossible(0), doubt, "    POST Client 0..0 error reset"])
        .await;
    let timeout = [
        &impossible(1000),
        "  deliver a Internal 0..1000 error not_repeatable",
        "    POST Client 0..1000 error timeout",
    ];
    once(Scripted::hang(), &timeout).await;
    let redirect = ["  deliver a Internal 0..0 error permanent", "    POST Client 0..0"];
    once(Scripted::status(301), &[&impossible(0), redirect[0], redirect[1]]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_ended_on_purpose_is_no_error() {
    let apis = apis(&[("a", &[slow(200)]), ("mute", &[Scripted::hang()])]);
    let (engine, kept) = observed(["a", "mute"].map(target).into(), &apis).await;
    let first = to(&["a", "mute"]).completion(Completion::Any).rest(Rest::Cancel);
    engine.broadcast(first).await.unwrap();
    // The verdict falls at 20 ms; the grace is cut by the attempt's own timeout.
    let expected = [
        "broadcast Internal 0..1000",
        "  deliver a Internal 0..20",
        "    POST Client 0..20",
        "  deliver mute Internal 0..1000 error cancelled",
        "    POST Client 0..1000 error timeout",
    ];
    is(&kept, &expected);
    let mut patient = target("mute").timeout(Duration::from_secs(60));
    patient.policy_mut().cancel_grace = Duration::from_millis(50);
    let (engine, kept) = observed(vec![patient], &apis).await;
    let handle = engine.send(to(&["mute"])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    handle.cancel().await.unwrap();
    handle.settled().await.unwrap();
    let posts = kept.named("POST");
    assert_eq!((posts.len(), &posts[0].status), (1, &Status::Unset), "{}", kept.tree());
    assert_eq!(kept.one("broadcast").status, Status::Unset);
}

#[tokio::test(start_paused = true)]
async fn waits_fallbacks_and_hand_overs_are_events() {
    let script: &[_] = &[slow(503), slow(410), slow(422)];
    let apis = apis(&[("a", script), ("b", &[slow(200)])]);
    let api =
        HttpTarget::post("http://a.example/v{version}").unwrap().with_versions(["2", "1"]).unwrap();
    let stand_in = Fallback::Target(TargetName::from("b"));
    let a = patient(Target::http("a", api)).fallback([Fallback::Version, stand_in]);
    let (engine, kept) = observed(vec![a, target("b")], &apis).await;
    engine.broadcast(to(&["a"])).await.unwrap();
    let deliver = kept.one("deliver a");
    let text = |event: &opentelemetry::trace::Event| {
        let values: Vec<_> = event.attributes.iter().map(|it| it.value.to_string()).collect();
        format!("{} {}: {}", millis(event.timestamp), event.name, values.join(" "))
    };
    let events: Vec<_> = deliver.events.iter().map(text).collect();
    let expected =
        ["20 wait: backoff 0.1", "140 fallback: version 2 1", "160 hand_over: b permanent"];
    assert_eq!(events, expected);
    let posts = kept.named("POST /v{version}").into_iter().chain(kept.named("POST"));
    let sent: Vec<_> = posts
        .map(|span| {
            let resent = "http.request.resend_count";
            let keys = ["fanfare.target", "url.full", "fanfare.attempt.version", resent];
            attributes(&span, &keys)
        })
        .collect();
    let expected = [
        "a http://a.example/v2 2 -",
        "a http://a.example/v2 2 1",
        "a http://a.example/v1 1 2",
        "b http://b.example/v1 - -",
    ];
    assert_eq!(sent, expected, "a repeat is counted for each target");
}

fn caller(flags: &str) -> RemoteContext {
    let mut headers = HeaderMap::new();
    let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
    headers.insert("traceparent", parent.parse().unwrap());
    headers.insert("tracestate", "vendor=1".parse().unwrap());
    extract(&headers).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_callers_trace_is_continued() {
    let apis = apis(&[("a", &[slow(200)])]);
    let (engine, kept) = observed(vec![target("a")], &apis).await;
    engine.broadcast(to(&["a"]).continuing(caller("01"))).await.unwrap();
    let broadcast = kept.one("broadcast");
    assert_eq!(broadcast.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(broadcast.parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(broadcast.parent_span_is_remote);
    assert_eq!(broadcast.span_context.trace_state().header(), "vendor=1");
    assert!(!kept.one("deliver a").parent_span_is_remote);
    engine.broadcast(to(&["a"]).continuing(caller("00"))).await.unwrap();
    assert_eq!(kept.named("broadcast").len(), 1, "a caller that is not sampled is not exported");
    let sent = apis.received();
    let flags = |place: usize| sent[place].header("traceparent").unwrap()[53..].to_owned();
    assert_eq!((flags(0), flags(1)), ("01".into(), "00".into()));
}

/// The flags that an API sees, and how many spans come of it.
async fn sampled(sampler: Sampler, broadcast: Broadcast, expected: (&str, usize)) {
    let (apis, kept) = (apis(&[("a", &[slow(200)])]), Kept::default());
    let builder = builder(&apis).target(target("a")).spans(kept.clone()).sampler(sampler);
    builder.start().await.unwrap().broadcast(broadcast).await.unwrap();
    let flags = apis.received()[0].header("traceparent").unwrap()[53..].to_owned();
    assert_eq!((flags.as_str(), kept.all().len()), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_sampled_is_decided_once() {
    let parent_based = |root| Sampler::ParentBased(Box::new(root));
    sampled(Sampler::AlwaysOn, to(&["a"]), ("03", 3)).await;
    sampled(Sampler::AlwaysOff, to(&["a"]), ("02", 0)).await;
    sampled(Sampler::TraceIdRatioBased(0.0), to(&["a"]), ("02", 0)).await;
    sampled(parent_based(Sampler::AlwaysOff), to(&["a"]), ("02", 0)).await;
    let continuing = |flags| to(&["a"]).continuing(caller(flags));
    sampled(parent_based(Sampler::AlwaysOff), continuing("01"), ("01", 3)).await;
    sampled(parent_based(Sampler::AlwaysOn), continuing("02"), ("02", 0)).await;
    sampled(Sampler::AlwaysOn, continuing("00"), ("01", 3)).await;
    sampled(Sampler::AlwaysOff, continuing("03"), ("02", 0)).await;
}

/// Makes two exchanges, or none.
#[derive(Debug)]
struct Custom {
    exchanges: u8,
}

#[async_trait]
impl ApiTarget for Custom {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        profile.exchanges_max = self.exchanges.into();
        profile
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        for path in ["upload", "commit"].iter().take(self.exchanges.into()) {
            let request = Request::put(format!("http://a.example/{path}?token=t0p"));
            attempt.wire.send(request.body(attempt.payload.bytes().clone()).unwrap()).await?;
        }
        Ok(Reply::accepted(""))
    }
}

#[tokio::test(start_paused = true)]
async fn every_exchange_of_an_attempt_has_a_span() {
    let apis = apis(&[("a", &[slow(200)])]);
    let custom = Target::new("custom", Custom { exchanges: 2 });
    let (engine, kept) = observed(vec![custom], &apis).await;
    let report = engine.broadcast(to(&["custom"])).await.unwrap();
    let expected = [
        "broadcast Internal 0..40",
        "  deliver custom Internal 0..40",
        "    PUT Client 0..20",
        "    PUT Client 20..40",
    ];
    is(&kept, &expected);
    let puts = kept.named("PUT");
    let keys = ["url.full", "fanfare.attempt.meaning"];
    let of = |place: usize| attributes(&puts[place], &keys);
    assert_eq!(of(0), "http://a.example/upload?token=REDACTED -");
    assert_eq!(of(1), "http://a.example/commit?token=REDACTED success");
    let pinned = report.deliveries[0].attempts[0].started.span_id;
    assert_eq!(puts[0].span_context.span_id().to_bytes(), pinned);
    for (put, request) in puts.iter().zip(apis.received()) {
        let sent = request.header("traceparent").unwrap()[36..52].to_owned();
        assert_eq!(sent, put.span_context.span_id().to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_an_exchange_has_a_span_of_its_own() {
    let apis = apis(&[("a", &[slow(200)])]);
    let custom = Target::new("queue", Custom { exchanges: 0 });
    let (engine, kept) = observed(vec![custom], &apis).await;
    engine.broadcast(to(&["queue"])).await.unwrap();
    let expected = [
        "broadcast Internal 0..0",
        "  deliver queue Internal 0..0",
        "    attempt queue Client 0..0",
    ];
    is(&kept, &expected);
    kept.all().iter().for_each(check_rules);
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_told_once_whatever_dies() {
    let apis = apis(&[("a", &[slow(503), slow(503), slow(200)])]);
    let (engine, kept) = observed(vec![target("a")], &apis).await;
    // Nobody waits for it.
    drop(engine.send(to(&["a"])).await.unwrap());
    for _ in 0..50 {
        engine.restart_target("a");
        engine.restart_coordinators();
        tokio::time::sleep(Duration::from_millis(7)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    engine.shutdown().await;
    let mut names = kept.names();
    names.sort();
    assert_eq!(names, ["POST", "POST", "POST", "broadcast", "deliver a"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_shutdown_ends_is_told() {
    let apis = apis(&[("mute", &[Scripted::hang()])]);
    let (engine, kept) =
        observed(vec![target("mute").timeout(Duration::from_secs(60))], &apis).await;
    drop(engine.send(to(&["mute"])).await.unwrap());
    tokio::time::sleep(Duration::from_millis(5)).await;
    engine.shutdown().await;
    assert_eq!(kept.names().last().map(String::as_str), Some("deliver mute"), "{:?}", kept.names());
    assert_eq!(kept.all().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_trace_survives_its_process() {
    let journal = Arc::new(MemoryJournal::new(MemoryLimits::default()));
    let apis = apis(&[("a", &[Scripted::hang(), slow(200)])]);
    let repeatable = || target("a").repeat(fanfare::sdk::Repeat::Anywhere);
    let engine = |kept: &Kept, later| {
        let builder = builder_at(&apis, later).journal(journal.clone()).target(repeatable());
        builder.spans(kept.clone()).start()
    };
    let dead = Kept::default();
    let first: Engine = engine(&dead, 0).await.unwrap();
    drop(first.send(to(&["a"])).await.unwrap());
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(first);
    assert_eq!(dead.names(), [""; 0], "it had no time to tell anything");
    let kept = Kept::default();
    let second = engine(&kept, 10).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    second.shutdown().await;
    let sent = apis.received();
    let parent = |place: usize| sent[place].header("traceparent").unwrap()[..36].to_owned();
    assert_eq!(parent(0), parent(1), "one trace");
    let tree = kept.tree();
    let names: Vec<_> = tree.lines().map(|line| line.split("..").next().unwrap()).collect();
    assert_eq!(names.len(), 4, "{tree}");
    let lost = kept.one("attempt a");
    assert_eq!(attribute(&lost, "error.type").as_deref(), Some("lost"));
    assert_eq!(
        lost.span_context.span_id().to_string(),
        sent[0].header("traceparent").unwrap()[36..52]
    );
    assert_eq!(attribute(&kept.one("POST"), "http.request.resend_count").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_exported_by_an_engine_that_was_given_nothing() {
    let apis = apis(&[("a", &[slow(200)])]);
    let engine = builder(&apis).target(target("a")).start().await.unwrap();
    engine.broadcast(to(&["a"]).continuing(caller("02"))).await.unwrap();
    assert!(apis.received()[0].header("traceparent").unwrap().ends_with("-02"));
}

#[tokio::test(start_paused = true)]
async fn baggage_leaves_to_those_only_who_were_told_to_get_it() {
    let apis = apis(&[("a", &[slow(200)]), ("b", &[slow(200)])]);
    let targets = vec![target("a"), target("b").propagate_baggage()];
    let (engine, kept) = observed(targets, &apis).await;
    let baggage = Baggage::new().with("user", "c4n4ry").unwrap();
    engine.broadcast(to(&["a", "b"]).baggage(baggage)).await.unwrap();
    let sent = apis.received();
    let to = |host: &str| sent.iter().find(|it| it.uri.host() == Some(host)).unwrap();
    assert_eq!(to("a.example").header("baggage"), None);
    assert_eq!(to("b.example").header("baggage"), Some("user=c4n4ry"));
    assert!(!format!("{:?}", kept.all()).contains("c4n4ry"));
}

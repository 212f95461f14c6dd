//! What the spans of exchanges say of redirects and of URLs that are made for each delivery.

use fanfare::{Broadcast, config::load_str, policy::Redirects};
use fanfare_testkit::Scripted;
use opentelemetry_sdk::trace::SpanData;
use serde_json::json;

use super::stage::{Kept, apis, attributes, builder, observed, slow, target, to};
use crate::config::{Given, kinds};

fn redirect(to: &str) -> Scripted {
    slow(307).header("location", to)
}

/// Of each exchange, in the order in which they began: its name, and these attributes.
fn exchanges(kept: &Kept, keys: &[&str]) -> Vec<String> {
    let is_exchange = |span: &SpanData| attributes(span, &["http.request.method"]) != "-";
    let mut spans: Vec<_> = kept.all().into_iter().filter(is_exchange).collect();
    spans.sort_by_key(|span| span.start_time);
    spans.iter().map(|span| format!("{}: {}", span.name, attributes(span, keys))).collect()
}

/// OpenTelemetry, semantic conventions 1.44.0: counted for whatever reason a request is sent again, redirects among them.
#[tokio::test(start_paused = true)]
async fn a_redirect_that_is_followed_is_a_request_that_is_sent_again() {
    let away = redirect("http://b.example/c");
    let script = [redirect("/b"), slow(503), away];
    let apis = apis(&[("a", &script), ("b", &[slow(200)])]);
    let a = target("a").redirects(Redirects { hops_max: 5, keeps_method: false });
    let (engine, kept) = observed(vec![a], &apis).await;
    let report = engine.broadcast(to(&["a"])).await.unwrap();
    assert_eq!(report.deliveries[0].outcome.unwrap().code(), "delivered");
    let expected = [
        "broadcast Internal 0..180",
        "  deliver a Internal 0..180",
        "    POST Client 0..20",
        "    POST Client 20..40 error 503",
        "    POST Client 140..160",
        "    POST Client 160..180",
    ];
    assert_eq!(kept.tree().lines().collect::<Vec<_>>(), expected);
    let keys =
        ["url.full", "server.address", "http.response.status_code", "http.request.resend_count"];
    let expected = [
        "POST: http://a.example/v1 a.example 307 -",
        "POST: http://a.example/b a.example 503 1",
        "POST: http://a.example/v1 a.example 307 1",
        "POST: http://b.example/c b.example 200 2",
    ];
    assert_eq!(exchanges(&kept, &keys), expected);
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_made_of_a_template_is_told_by_it() {
    let path = "/t0ken5t0ken5t0ken5t0ken5/v{version}/customers/{id}{?tags*}";
    let target = json!({
        "kind": "http", "method": "PUT", "url": format!("http://a.example{path}"),
        "variables": { "id": ".id", "tags": ".tags" }, "versions": ["2", "1"],
        "redirects": { "max": 1 }, "fallback": ["version"],
    });
    let text = json!({ "targets": { "a": target } }).to_string();
    let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
    let apis = apis(&[("a", &[slow(410), redirect("/elsewhere"), slow(200)])]);
    let kept = Kept::default();
    let engine = builder(&apis).spans(kept.clone()).configured(&mut config).start().await.unwrap();
    let payload = json!({ "id": "c/1", "tags": ["x"] });
    engine.broadcast(Broadcast::json(&payload).to("a")).await.unwrap();
    let keys = ["url.template", "url.full", "fanfare.attempt.version"];
    let template = "/REDACTED/v{version}/customers/{id}{?tags*}";
    let of = |version: &str| {
        let url = format!("http://a.example/REDACTED/v{version}/customers/c%2F1?tags=x");
        format!("PUT {template}: {template} {url} {version}")
    };
    let elsewhere = "PUT: - http://a.example/elsewhere 1".to_owned();
    assert_eq!(exchanges(&kept, &keys), [of("2"), of("1"), elsewhere]);
}

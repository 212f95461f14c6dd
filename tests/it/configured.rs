//! An engine from a configuration: what a target gets of a payload, who is left out, which version is spoken, and
//! what the report says of it.

use std::{sync::Arc, time::Duration};

use fanfare::{
    Broadcast, Engine,
    config::{Config, load_str},
    report::Report,
    sdk::Payload,
    wire,
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};
use serde_json::{Value, json};

use crate::config::{Given, kinds};

/// An engine from a configuration whose APIs answer by script, in virtual time.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    config: Config,
    pub(crate) apis: Arc<ScriptedTransport>,
}

pub(crate) async fn stage(text: &str, scripts: &[(&str, &[Scripted])]) -> Stage {
    let mut config = load_str("f.yaml", text, &kinds(), &Given::default()).unwrap();
    let host = |(name, script): &(&str, &[Scripted])| {
        (format!("{name}.example"), Script::new(script.to_vec()))
    };
    let apis = Arc::new(ScriptedTransport::routes(scripts.iter().map(host)));
    let builder = Engine::builder().transport(apis.clone()).configured(&mut config);
    Stage { engine: builder.start().await.unwrap(), config, apis }
}

impl Stage {
    /// Sends along the route `r`.
    pub(crate) async fn send(&self, payload: &Value) -> Report {
        let route = &self.config.routes["r"];
        let broadcast = Broadcast::along("r", route, &Payload::json(payload)).unwrap();
        self.engine.broadcast(broadcast).await.unwrap()
    }

    pub(crate) fn last(&self) -> Received {
        self.apis.received().last().unwrap().clone()
    }
}

/// A target `a` with these lines, and a route to it.
pub(crate) fn one(lines: &str) -> String {
    format!(
        "targets:\n  a:\n    kind: http\n    url: https://a.example/\n    {lines}\nroutes: {{ r: {{ to: [a] }} }}\n"
    )
}

/// What leaves for a payload: media type and body.
pub(crate) async fn body(lines: &str, payload: Value) -> String {
    let stage = stage(&one(lines), &[("a", &[Scripted::status(200)])]).await;
    let report = stage.send(&payload).await;
    match report.deliveries[0].outcome.unwrap().code() {
        "delivered" => {
            let sent = stage.last();
            let content_type = sent.headers["content-type"].to_str().unwrap().to_owned();
            format!("{content_type}: {}", String::from_utf8_lossy(&sent.body))
        }
        _ => {
            let error = report.deliveries[0].attempts[0].ended.as_ref().unwrap().error.clone();
            format!("{}", error.unwrap().message)
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_made_by_an_expression() {
    let ada = || json!({ "customer": { "name": "Ada", "email": "ada@a.example" }, "n": 1 });
    assert_eq!(
        body("body: '{ name: .customer.name, n }'", ada()).await,
        r#"application/json: {"name":"Ada","n":1}"#
    );
    assert_eq!(
        body("body: { form: '{ a: .customer.email, b: [1, true], c: null }' }", ada()).await,
        "application/x-www-form-urlencoded: a=ada%40a.example&b=1&b=true"
    );
    assert_eq!(
        body("body: { text: '\"Hello \\(.customer.name)\"' }", ada()).await,
        "text/plain; charset=utf-8: Hello Ada"
    );
    assert_eq!(
        body("body: { bytes: '.customer.name | @base64' }", ada()).await,
        "application/octet-stream: Ada"
    );
    assert_eq!(body("timeout: 5s", json!([1])).await, "application/json: [1]");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_is_never_sent() {
    for (lines, says) in [
        ("body: 'empty'", "`body`: the expression gave no output"),
        ("body: '.a.b'", "`body`: "),
        ("body: { form: '[1]' }", "`body`: the expression gives no object, as a form needs it"),
        (
            "body: { form: '{ a: {} }' }",
            "`body`: the expression gives a form with a list or an object as a value",
        ),
        ("body: { text: '5' }", "`body`: the expression gives no string"),
        ("body: { bytes: '\"%\"' }", "`body`: the expression gives no base64 (RFC 4648 section 4)"),
        ("headers: { X-A: { jq: '[1]' } }", "`headers.X-A.jq`: the output is an array, not a text"),
        ("headers: { X-A: { jq: '\"a\\nb\"' } }", "the header `x-a` contains a control character"),
    ] {
        let found = body(lines, json!({ "a": "s3cret" })).await;
        assert!(found.contains(says) && !found.contains("s3cret"), "{lines}: {found}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_and_query_are_worked_out_from_the_payload_as_it_came() {
    let lines = "headers: { X-Tenant: { jq: .tenant }, X-None: { jq: 'null' }, X-Fixed: f }\n    \
                 query: { v: '1', t: { jq: '.tenant + \"&\"' } }\n    body: '{ a: 1 }'";
    let stage = stage(&one(lines), &[("a", &[Scripted::status(200)])]).await;
    stage.send(&json!({ "tenant": "acme" })).await;
    let sent = stage.last();
    assert_eq!(sent.headers["x-tenant"], "acme");
    assert_eq!(sent.headers["x-fixed"], "f");
    assert!(!sent.headers.contains_key("x-none"));
    assert_eq!(sent.uri.to_string(), "https://a.example/?v=1&t=acme%26");
    assert_eq!(sent.body, r#"{"a":1}"#);
}

#[tokio::test(start_paused = true)]
async fn a_large_payload_is_mapped_too() {
    let text = "x".repeat(200_000);
    let found = body("body: '{ n: (.text | length) }'", json!({ "text": text })).await;
    assert_eq!(found, r#"application/json: {"n":200000}"#);
}

#[tokio::test(start_paused = true)]
async fn a_condition_leaves_a_recipient_out() {
    let text = "targets:\n  a: { kind: http, url: 'https://a.example/' }\n  \
                b: { kind: http, url: 'https://b.example/' }\n\
                routes:\n  r: { to: [ a, { target: b, when: '.plan == \"pro\"' } ] }\n";
    let ok: &[_] = &[Scripted::status(200)];
    let stage = stage(text, &[("a", ok), ("b", ok)]).await;
    let outcomes = |report: &Report| {
        let codes = report.deliveries.iter().map(|d| d.outcome.unwrap().code());
        format!("{} {}", report.satisfied(), codes.collect::<Vec<_>>().join(" "))
    };
    let free = stage.send(&json!({ "plan": "free" })).await;
    assert_eq!(outcomes(&free), "true delivered skipped");
    assert_eq!(free.route.as_deref(), Some("r"));
    let pro = stage.send(&json!({ "plan": "pro" })).await;
    assert_eq!(outcomes(&pro), "true delivered delivered");
    assert_eq!(stage.apis.received().len(), 3);
    let wrong = Broadcast::along("r", &stage.config.routes["r"], &Payload::json(&json!([])));
    assert!(wrong.unwrap_err()[0].to_string().starts_with("the condition for `b`: "));
    let text = Broadcast::along("r", &stage.config.routes["r"], &Payload::new("text/plain", "hi"));
    let says = text.unwrap_err()[0].to_string();
    assert_eq!(says, "the condition for `b`: needs a payload that is JSON");
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_does_not_fit_the_schema_of_its_route_is_not_sent() {
    let text = "targets:\n  a: { kind: http, url: 'https://a.example/' }\n\
                routes:\n  r: { to: [{ target: a, when: .plan }], schema: { required: [plan, name] } }\n";
    let stage = stage(text, &[("a", &[Scripted::status(200)])]).await;
    let along = |payload: &Payload| {
        let wrong = Broadcast::along("r", &stage.config.routes["r"], payload).err();
        let told = wrong.unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
        told.join("; ")
    };
    let told = along(&Payload::json(&json!({ "age": 7 })));
    assert_eq!(told, "the payload: /plan is missing; the payload: /name is missing");
    assert_eq!(along(&Payload::new("text/plain", "hi")), "the payload must be JSON");
    assert_eq!(along(&Payload::json(&json!({ "plan": true, "name": "a" }))), "");
}

#[tokio::test(start_paused = true)]
async fn captures_stand_in_the_report() {
    let lines =
        "capture: { id: .body.id, at: .headers.location, code: .status, none: .body.x.y.z }";
    let reply = Scripted::status(201).header("location", "/7").body(r#"{"id":7}"#);
    let stage = stage(&one(lines), &[("a", &[reply])]).await;
    let report = wire::Report::from(&stage.send(&json!({})).await);
    let captured = &report.deliveries[0].reply.as_ref().unwrap().captured;
    assert_eq!(json!(captured), json!({ "at": "/7", "code": 201, "id": 7, "none": null }));
}

#[tokio::test(start_paused = true)]
async fn a_rejected_version_is_remembered_and_then_asked_for_again() {
    let lines =
        "versions: ['3', '2']\n    version_in: { header: X-Version }\n    version_memory: 60s";
    let old = Scripted::status(200)
        .header("deprecation", "@1688169599")
        .header("sunset", "Sun, 30 Jun 2030 23:59:59 GMT")
        .header("link", "</v3>; rel=\"successor-version\"");
    let ok = Scripted::status(200);
    let script = &[Scripted::status(410), old.clone(), old, ok][..];
    let stage = stage(&one(lines), &[("a", script)]).await;
    let versions = |from: usize| {
        let sent = stage.apis.received();
        let version = |r: &Received| r.headers["x-version"].to_str().unwrap().to_owned();
        sent[from..].iter().map(version).collect::<Vec<_>>().join(" ")
    };
    let first = stage.send(&json!({})).await;
    assert_eq!(versions(0), "3 2");
    stage.send(&json!({})).await;
    assert_eq!(versions(2), "2", "remembered");
    tokio::time::sleep(Duration::from_secs(61)).await;
    let last = stage.send(&json!({})).await;
    assert_eq!(versions(3), "3", "asked for again");
    assert!(last.warnings().is_empty());
    let warnings = json!(wire::Report::from(&first).warnings);
    assert_eq!(
        warnings,
        json!([{
            "target": "a", "kind": "deprecated", "version": "2",
            "deprecated_at": "2023-06-30T23:59:59Z", "sunset": "2030-06-30T23:59:59Z",
            "successor": "https://a.example/v3", "documentation": null,
        }])
    );
}

#[tokio::test(start_paused = true)]
async fn a_version_whose_end_is_configured_is_warned_of() {
    let lines = "version_in: { header: X-Version }
    versions:
    - { name: '2', deprecated: 2026-06-01, sunset: 2027-06-30, successor: '3', guide: 'https://a.example/3' }";
    let announced = Scripted::status(200).header("sunset", "Sun, 30 Jun 2030 23:59:59 GMT");
    let nonsense = Scripted::status(200).header("sunset", "Sun, 31 May 2026 23:59:59 GMT");
    let script = [Scripted::status(204), announced, nonsense];
    let stage = stage(&one(lines), &[("a", &script)]).await;
    let warned = async || {
        let report = wire::Report::from(&stage.send(&json!({})).await);
        let [one] = &report.warnings[..] else { panic!("{:?}", report.warnings) };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let [from, to] = [&one.deprecated_at, &one.sunset].map(text);
        assert_eq!((text(&one.version), text(&one.successor)), ("2".into(), "3".into()));
        assert_eq!(one.documentation.as_deref(), Some("https://a.example/3"));
        format!("{} {from} {to}", one.kind)
    };
    assert_eq!(warned().await, "deprecated 2026-06-01T00:00:00Z 2027-06-30T00:00:00Z");
    assert_eq!(warned().await, "deprecated 2026-06-01T00:00:00Z 2030-06-30T23:59:59Z");
    assert_eq!(warned().await, "sunset  2026-05-31T23:59:59Z", "what was announced counts");
}

#[tokio::test(start_paused = true)]
async fn a_version_in_the_media_type() {
    let lines =
        "versions: ['3', '2']\n    version_in: { media_type: 'application/vnd.a.v{version}+json' }";
    let script = &[Scripted::status(415), Scripted::status(200)];
    let stage = stage(&one(lines), &[("a", script)]).await;
    stage.send(&json!({})).await;
    let accepts: Vec<_> =
        stage.apis.received().iter().map(|r| r.headers["accept"].clone()).collect();
    assert_eq!(accepts, ["application/vnd.a.v3+json", "application/vnd.a.v2+json"]);
    assert_eq!(stage.last().headers["content-type"], "application/vnd.a.v2+json");
}

#[tokio::test(start_paused = true)]
async fn version_and_key_are_the_same_when_a_token_was_refused() {
    let token = |text: &str| {
        let body = json!({ "access_token": text, "token_type": "Bearer", "expires_in": 60 });
        Scripted::status(200).body(body.to_string())
    };
    let lines = "versions: ['2024-06-01']\n    version_in: { header: X-Version }\n    \
                 auth: { oauth2: { token_url: 'https://auth.example/same', client_id: a, client_secret: b } }";
    let tokens: &[_] = &[token("one"), token("two")];
    let script: &[_] = &[Scripted::status(401), Scripted::status(201)];
    let stage = stage(&one(lines), &[("a", script), ("auth", tokens)]).await;
    let report = stage.send(&json!({})).await;
    let sent = stage.apis.received();
    let to_api = sent.iter().filter(|it| it.uri.host() == Some("a.example"));
    let header = |it: &Received, name| it.header(name).unwrap().to_owned();
    let told: Vec<_> = to_api
        .map(|it| ["authorization", "x-version", "idempotency-key"].map(|name| header(it, name)))
        .collect();
    let key = told[0][2].clone();
    let expected = |token: &str| [token.to_owned(), "2024-06-01".to_owned(), key.clone()];
    assert_eq!(told, [expected("Bearer one"), expected("Bearer two")]);
    let kinds: Vec<_> =
        report.deliveries[0].attempts.iter().map(|it| it.started.kind.code()).collect();
    assert_eq!(kinds, ["first", "challenge"]);
}

#[tokio::test(start_paused = true)]
async fn the_statuses_that_reject_a_version_are_a_setting() {
    let lines = "versions: ['3', '2']\n    version_in: { header: X-Version }\n    version_rejected_by: [400]";
    let script = &[Scripted::status(400), Scripted::status(410)];
    let stage = stage(&one(lines), &[("a", script)]).await;
    let report = stage.send(&json!({})).await;
    assert_eq!(stage.apis.received().len(), 2);
    assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), "failed (refused by the API)");
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_is_gone_is_disabled_until_it_is_revived() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let text = format!(
        "targets:\n  a: {{ kind: webhook, url: 'https://a.example/', secret: {secret} }}\n\
         routes: {{ r: {{ to: [a] }} }}\n"
    );
    let script = &[Scripted::status(410), Scripted::status(200)];
    let stage = stage(&text, &[("a", script)]).await;
    let outcome = |report: Report| report.deliveries[0].outcome.unwrap().to_string();
    let gone = outcome(stage.send(&json!({})).await);
    assert_eq!(gone, "failed (the target asked not to be called again)");
    let disabled = outcome(stage.send(&json!({})).await);
    assert_eq!(disabled, "failed (the target is disabled)");
    assert_eq!(stage.apis.received().len(), 1);
    assert!(stage.engine.revive_target("a").await.unwrap());
    assert!(!stage.engine.revive_target("a").await.unwrap());
    assert_eq!(outcome(stage.send(&json!({})).await), "delivered");
}

#[tokio::test(start_paused = true)]
async fn a_probe_has_no_effect_and_says_what_it_found() {
    let lines = "auth: { bearer: { token: abc } }\n    probe: { method: GET, url: 'https://a.example/health' }";
    let script = &[Scripted::status(204), Scripted::status(401), Scripted::refused()];
    let stage = stage(&one(lines), &[("a", script)]).await;
    let probe = stage.engine.probe("a").await.unwrap();
    assert!(probe.is_reachable() && probe.status == Some(204));
    let sent = stage.last();
    assert_eq!(sent.method, "GET");
    assert_eq!(sent.uri.to_string(), "https://a.example/health");
    assert_eq!(sent.headers["authorization"], "Bearer abc");
    assert!(sent.body.is_empty() && !sent.headers.contains_key("idempotency-key"));
    assert!(!stage.engine.probe("a").await.unwrap().is_reachable());
    assert!(!stage.engine.probe("a").await.unwrap().is_reachable());
    assert!(stage.engine.probe("b").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_that_takes_long_is_felt_by_its_own_target_alone() {
    // A long one stands for it, since a thread cannot be ended. In real time: a thread is busy.
    let text = "targets:\n  a: { kind: http, url: 'https://a.example/', body: 'last(range(1e6))', timeout: 20ms, \
                retry: { attempts: 1 } }\n  b: { kind: http, url: 'https://b.example/' }\n\
                routes: { r: { to: [a, b] } }\n";
    let ok: &[_] = &[Scripted::status(200)];
    let stage = stage(text, &[("a", ok), ("b", ok)]).await;
    let report = stage.send(&json!({})).await;
    let outcomes: Vec<_> = report.deliveries.iter().map(|d| d.outcome.unwrap().code()).collect();
    assert_eq!(outcomes, ["failed", "delivered"]);
    assert_eq!(stage.apis.received().len(), 1);
}

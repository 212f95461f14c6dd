//! Bodies that are no JSON document of one expression: parts, XML, merge patches, and what one version gets.

use fanfare::sdk::Payload;
use fanfare_testkit::{Received, Scripted};
use futures_util::stream;
use multer::Multipart;
use serde_json::{Value, json};

use crate::configured::{body, one, stage};

/// What a server reads of a body of several parts: a line for each.
async fn parts(sent: &Received) -> Vec<String> {
    let content_type = sent.headers["content-type"].to_str().unwrap();
    let boundary = multer::parse_boundary(content_type).unwrap();
    let body = sent.body.clone();
    let body = stream::once(async move { Ok::<_, std::io::Error>(body) });
    let mut read = Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(part) = read.next_field().await.unwrap() {
        let name = part.name().unwrap().to_owned();
        let filename = part.file_name().map(|name| format!(" {name}")).unwrap_or_default();
        let content_type = part.content_type().map(|it| format!(" {it}")).unwrap_or_default();
        let bytes = part.bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        parts.push(format!("{name}{filename}{content_type}: {text}"));
    }
    parts
}

/// The body of several parts for that payload.
async fn sent(list: &str, payload: &Value) -> Received {
    let ok = [Scripted::status(200)];
    let stage = stage(&one(&format!("body: {{ multipart: {list} }}")), &[("a", &ok)]).await;
    stage.send(payload).await;
    stage.last()
}

#[tokio::test(start_paused = true)]
async fn parts_are_read_by_a_server_as_they_were_meant() {
    let list = r#"[
      { name: "key \"k\"", text: .key },
      { name: n, text: .n },
      { name: tag, text: .tags },
      { name: none, text: .missing },
      { name: meta, json: '{ tags }' },
      { name: file, bytes: .file, filename: { jq: '"Bericht \(.n).pdf"' }, content_type: application/pdf },
      { name: raw, bytes: .file },
      { name: note, text: .key, filename: note.txt } ]"#;
    let file = "JVBERi0xLjcK//4=";
    let payload = json!({ "key": "a/ü\r\n--x", "n": 7, "tags": ["x", "y"], "file": file });
    let received = sent(list, &payload).await;
    let expected = [
        "key %22k%22: a/ü\r\n--x",
        "n: 7",
        "tag: x",
        "tag: y",
        "meta application/json: {\"tags\":[\"x\",\"y\"]}",
        "file Bericht 7.pdf application/pdf: %PDF-1.7\n\u{fffd}\u{fffd}",
        "raw application/octet-stream: %PDF-1.7\n\u{fffd}\u{fffd}",
        "note note.txt text/plain; charset=utf-8: a/ü\r\n--x",
    ];
    assert_eq!(parts(&received).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_the_same_to_the_byte() {
    let lines = "repeat: same_endpoint\n    body: { multipart: [{ name: a, text: .a }] }";
    let replies = [Scripted::status(500), Scripted::status(200)];
    let stage = stage(&one(lines), &[("a", &replies)]).await;
    stage.send(&json!({ "a": "b" })).await;
    stage.send(&json!({ "a": "b" })).await;
    let sent = stage.apis.received();
    assert_eq!(sent[0].body, sent[1].body);
    assert_eq!(sent[0].headers["content-type"], sent[1].headers["content-type"]);
    assert_ne!(sent[1].body, sent[2].body, "another delivery has another boundary");
}

#[tokio::test(start_paused = true)]
async fn parts_that_cannot_be_made_are_never_sent() {
    for (list, says) in [
        ("[{ name: a, text: '{}' }]", "`body`: `a`: the expression gives no text"),
        ("[{ name: a, text: '[[1]]' }]", "`body`: `a`: the expression gives no text"),
        (
            "[{ name: a, bytes: '\"%\"' }]",
            "`body`: `a`: the expression gives no base64 (RFC 4648 section 4)",
        ),
        ("[{ name: a, text: empty }]", "`body`: `a`: the expression gave no output"),
        (
            "[{ name: a, text: '1', filename: { jq: '[1]' } }]",
            "`body`: `a`: the output is an array, not a text",
        ),
    ] {
        let found = body(&format!("body: {{ multipart: {list} }}"), json!({ "a": "s3cret" })).await;
        assert!(found.contains(says) && !found.contains("s3cret"), "{list}: {found}");
    }
}

#[tokio::test(start_paused = true)]
async fn xml_is_a_text_in_which_what_stands_is_escaped() {
    let lines = r#"body: { xml: '@xml "<order id=\"\(.id)\">\(.note)</order>"' }"#;
    assert_eq!(
        body(lines, json!({ "id": "\"1\"", "note": "a < b & c" })).await,
        r#"application/xml; charset=utf-8: <order id="&quot;1&quot;">a &lt; b &amp; c</order>"#
    );
    let found = body(lines, json!({ "id": 1, "note": "a\u{1}" })).await;
    assert!(found.contains("`body`: @xml: XML has no such character"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_merge_patch_is_laid_over_the_payload() {
    let payload = || json!({ "a": 1, "secret": 2, "c": { "d": 3 } });
    let merge = "merge: { secret: null, c: { e: [4] }, f: f }";
    assert_eq!(
        body(merge, payload()).await,
        r#"application/json: {"a":1,"c":{"d":3,"e":[4]},"f":"f"}"#
    );
    let both = format!("{merge}\n    body: '{{ f, secret }}'");
    assert_eq!(body(&both, payload()).await, r#"application/json: {"f":"f","secret":null}"#);
    let text = stage(&one(merge), &[("a", &[Scripted::status(200)])]).await;
    let broadcast = fanfare::Broadcast::new(Payload::new("text/plain", "hi")).to("a");
    let report = text.engine.broadcast(broadcast).await.unwrap();
    let error = report.deliveries[0].attempts[0].ended.as_ref().unwrap().error.clone();
    assert_eq!(
        &*error.unwrap().message,
        "the request could not be prepared: the payload is not JSON, as its expressions need it"
    );
}

const VERSIONS: &str = r#"
targets:
  a:
    kind: http
    url: https://a.example/v{version}
    repeat: same_endpoint
    headers: { X-Kind: fixed, X-Tenant: { jq: .tenant } }
    query: { all: "1" }
    versions:
      - name: "3"
        body: '{ name, tenant }'
        headers: { X-Kind: three, X-New: { jq: .name } }
        query: { expand: { jq: .name }, none: { jq: "null" } }
        classify: [{ status: 418, meaning: version_rejected }, { status: 200, jq: .body.error, meaning: permanent, effect: none }]
      - { name: "2", body: { form: '{ name }' } }
      - "1"
    body: '{ old: .name }'
    classify: [{ status: 418, meaning: permanent }, { status: 202, meaning: version_rejected }]
routes: { r: { to: [a] } }
"#;

/// What was sent, in a line.
fn line(sent: &Received) -> String {
    let header =
        |name: &str| sent.headers.get(name).map_or("-", |value| value.to_str().unwrap()).to_owned();
    let headers = ["x-kind", "x-tenant", "x-new"].map(header).join(" ");
    format!("{} {headers} {}", sent.uri, String::from_utf8_lossy(&sent.body))
}

#[tokio::test(start_paused = true)]
async fn a_version_gets_what_is_said_to_it() {
    let replies = [418, 202, 200].map(Scripted::status);
    let stage = stage(VERSIONS, &[("a", &replies)]).await;
    let report = stage.send(&json!({ "name": "Ada", "tenant": "t&1" })).await;
    assert_eq!(report.deliveries[0].outcome.unwrap().code(), "delivered");
    let sent: Vec<_> = stage.apis.received().iter().map(line).collect();
    assert_eq!(
        sent,
        [
            "https://a.example/v3?all=1&expand=Ada three t&1 Ada {\"name\":\"Ada\",\"tenant\":\"t&1\"}",
            "https://a.example/v2?all=1 fixed t&1 - name=Ada",
            "https://a.example/v1?all=1 fixed t&1 - {\"old\":\"Ada\"}",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_rules_of_a_version_are_asked_first() {
    let check = async |status: u16, body: &str, expected: &str| {
        let reply = Scripted::status(status).body(body.to_owned());
        let report =
            stage(VERSIONS, &[("a", &[reply])]).await.send(&json!({ "name": "Ada" })).await;
        assert_eq!(report.deliveries[0].outcome.unwrap().to_string(), expected);
    };
    check(200, r#"{"error":"no"}"#, "failed (refused by the API)").await;
    check(200, "{}", "delivered").await;
    // Version 3 rejects it, and version 2 means something else by that.
    check(418, "", "failed (refused by the API)").await;
}

#[tokio::test(start_paused = true)]
async fn a_url_has_what_the_payload_gives() {
    let lines = "method: PUT\n    variables: { id: .customer.id, tags: .tags }";
    let text = one(lines).replace("https://a.example/", "https://a.example/customers/{id}{?tags*}");
    let stage = stage(&text, &[("a", &[Scripted::status(200)])]).await;
    stage.send(&json!({ "customer": { "id": "a/b" }, "tags": ["x", "y"] })).await;
    assert_eq!(stage.last().uri.to_string(), "https://a.example/customers/a%2Fb?tags=x&tags=y");
    let report = stage.send(&json!({ "customer": {} })).await;
    assert_eq!(
        report.deliveries[0].outcome.unwrap().to_string(),
        "failed (there was nothing to send)"
    );
    let wrong = stage.send(&json!({ "customer": 7 })).await;
    let error = wrong.deliveries[0].attempts[0].ended.as_ref().unwrap().error.clone().unwrap();
    assert!(
        error.message.contains("`variables.id`: cannot take `id` of a number"),
        "{}",
        error.message
    );
    assert_eq!(stage.apis.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_compressed_where_the_settings_say() {
    let lines = "repeat: same_endpoint\n    compress: gzip\n    compress_above: 100";
    let replies = [Scripted::status(500), Scripted::status(200)];
    let stage = stage(&one(lines), &[("a", &replies)]).await;
    stage.send(&json!({ "a": "b".repeat(200) })).await;
    stage.send(&json!({ "a": "b" })).await;
    let sent = stage.apis.received();
    let coding = |at: usize| sent[at].headers.get("content-encoding").cloned();
    assert_eq!(coding(0).unwrap(), "gzip");
    assert!(sent[0].body.starts_with(&[0x1f, 0x8b]) && sent[0].body == sent[1].body);
    assert_eq!(sent[0].headers["content-type"], "application/json");
    assert!(coding(2).is_none() && sent[2].body == r#"{"a":"b"}"#);
}

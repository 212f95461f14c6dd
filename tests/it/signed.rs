//! What an authorizer sees is what is sent: of the wire, on loopback.

use std::{
    io::Read as _,
    sync::{Arc, Mutex},
};

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare::{
    Broadcast, Engine, Target,
    config::load_str,
    sdk::{AuthError, Authorizer, Call, HttpApi, Payload, PrepareError, Stamp, async_trait},
};
use fanfare_testkit::{MockApi, Received, Script, Scripted};
use flate2::read::GzDecoder;
use http::{HeaderMap, Request, Uri};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::config::{Given, kinds};

/// An API of somebody's own, at whatever URL.
#[derive(Debug)]
struct Odd(Uri);

/// Keeps what it was given to sign.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Vec<(Uri, HeaderMap)>>>);

impl HttpApi for Odd {
    fn request(&self, _: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let mut request = Request::post(self.0.clone()).body(payload.bytes().clone()).unwrap();
        request.headers_mut().insert("x-ours", "a  b".parse().unwrap());
        Ok(request)
    }
}

#[async_trait]
impl Authorizer for Witness {
    async fn authorize(
        &self,
        _: Stamp,
        _: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let saw = (request.uri().clone(), request.headers().clone());
        self.0.lock().unwrap().push(saw);
        Ok(())
    }
}

async fn outcome(url: &str, witness: Witness) -> (&'static str, String) {
    let target = Target::http("odd", Odd(url.parse().unwrap())).auth(witness);
    let engine = Engine::builder().target(target).start().await.unwrap();
    let broadcast = Broadcast::new(Payload::new("text/plain", "x")).to("odd");
    let report = engine.broadcast(broadcast).await.unwrap();
    let delivery = &report.deliveries[0];
    let outcome = delivery.outcome.as_ref().unwrap();
    (outcome.code(), format!("{delivery:?}"))
}

#[tokio::test]
async fn an_authorizer_sees_the_request_as_it_goes_on_the_wire() {
    let api = MockApi::start(Scripted::status(200)).await;
    for path in [
        "",
        "/",
        "?",
        "/a",
        "/a?",
        "/a/./b/../c",
        "/a//b",
        "/..",
        "/%7e/%2E%2e/c",
        "/a%2Fb;v=1",
        "/?a='b'&c=%27&d",
        "/a|b",
        "/a?q=[1]&r=a+b%20c",
        "/a?../b",
    ] {
        let witness = Witness::default();
        let url = format!("HTTP://LocalHost:{}{path}", api.address().port());
        assert_eq!(outcome(&url, witness.clone()).await.0, "delivered", "{url}");
        let received = api.received().pop().unwrap();
        let (uri, headers) = witness.0.lock().unwrap().pop().unwrap();
        let saw = uri.path_and_query().unwrap().as_str().to_owned();
        assert_eq!(
            (received.path(), received.header("host")),
            (saw.as_str(), uri.authority().map(|it| it.as_str()))
        );
        for (name, value) in &headers {
            assert_eq!(received.headers.get(name), Some(value), "{name}");
        }
    }
}

#[tokio::test]
async fn user_info_of_a_url_is_refused_and_not_dropped() {
    let api = MockApi::start(Scripted::status(200)).await;
    let url = api.url("/").replace("http://", "http://canary-71c0:canary-71c0@");
    let (outcome, reason) = outcome(&url, Witness::default()).await;
    assert_eq!((outcome, api.received().len()), ("failed", 0));
    assert!(reason.contains("has user info") && !reason.contains("canary"), "{reason}");
}

/// What is received of a body that is compressed that way, by a target that is authorised so.
async fn compressed(coding: &str, auth: &Value) -> Received {
    let api = MockApi::start(Scripted::status(200)).await;
    let target = json!({ "kind": "http", "url": api.url("/a"), "compress": coding, "auth": auth });
    let text = json!({ "targets": { "a": target } }).to_string();
    let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
    let engine = Engine::builder().configured(&mut config).start().await.unwrap();
    engine.broadcast(Broadcast::json(&plain()).to("a")).await.unwrap();
    let received = api.received().pop().unwrap();
    assert_eq!(received.header("content-encoding"), Some(coding));
    assert_eq!(received.header("content-length"), Some(&*received.body.len().to_string()));
    let mut read = Vec::new();
    match coding {
        "gzip" => GzDecoder::new(&received.body[..]).read_to_end(&mut read).map(drop),
        "br" => brotli::BrotliDecompress(&mut &received.body[..], &mut read),
        _ => zstd::stream::copy_decode(&received.body[..], &mut read),
    }
    .unwrap();
    assert!(read == plain().to_string().as_bytes() && received.body.len() < read.len() / 2);
    received
}

fn plain() -> Value {
    json!(vec!["the same"; 500])
}

const SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(signed: impl AsRef<[u8]>) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_ref())
}

/// Each value is worked out anew from what was received.
#[tokio::test]
async fn what_is_signed_is_the_compressed_body() {
    for coding in ["gzip", "br", "zstd"] {
        let written = json!({ "secret": SECRET, "header": "X-Signature", "signed": "{body}" });
        let received = compressed(coding, &json!({ "hmac": written })).await;
        let expected = hex(mac(&received.body).as_ref());
        assert_eq!(received.header("x-signature"), Some(&*expected), "{coding}");

        let components = ["content-digest", "content-encoding", "content-length"];
        let key = BASE64_STANDARD.encode(SECRET);
        let written = json!({ "algorithm": "hmac-sha256", "key": key, "key_id": "k", "components": components });
        let received = compressed(coding, &json!({ "http_signature": written })).await;
        let header = |name: &str| received.header(name).unwrap().to_owned();
        let digest = BASE64_STANDARD.encode(Sha256::digest(&received.body));
        assert_eq!(header("content-digest"), format!("sha-256=:{digest}:"), "{coding}");
        // RFC 9421 section 2.5.
        let lines = components.map(|name| format!("\"{name}\": {}\n", header(name))).concat();
        let input = header("signature-input");
        let input = input.strip_prefix("sig1=").unwrap();
        let signature =
            BASE64_STANDARD.encode(mac(format!("{lines}\"@signature-params\": {input}")));
        assert_eq!(header("signature"), format!("sig1=:{signature}:"), "{coding}");

        let written = json!({ "region": "r", "service": "execute-api", "access_key": "k", "secret_key": SECRET, "content_sha256": true });
        let received = compressed(coding, &json!({ "aws": written })).await;
        let hash = hex(&Sha256::digest(&received.body));
        assert_eq!(received.header("x-amz-content-sha256"), Some(&*hash), "{coding}");
    }
}

/// What would be taken for a replay: the nonces of the requests of one attempt.
#[tokio::test]
async fn each_request_of_an_attempt_has_a_nonce_of_its_own() {
    let key = BASE64_STANDARD.encode(SECRET);
    let jwt = json!({ "algorithm": "HS256", "key": SECRET });
    let message = json!({ "algorithm": "hmac-sha256", "key": key, "key_id": "k", "nonce": true });
    let hmac = json!({ "secret": SECRET, "header": "X-S", "signed": "{nonce}", "nonce_header": "X-Nonce" });
    let oauth1 = json!({ "consumer_key": "c", "consumer_secret": SECRET });
    for (auth, header, before) in [
        (json!({ "jwt": jwt }), "authorization", ""),
        (json!({ "http_signature": message }), "signature-input", "nonce=\""),
        (json!({ "hmac": hmac }), "x-nonce", ""),
        (json!({ "oauth1": oauth1 }), "authorization", "oauth_nonce=\""),
    ] {
        let replies = [Scripted::status(307).header("location", "/b"), Scripted::status(200)];
        let api = MockApi::start(Script::new(replies.to_vec())).await;
        let target = json!({ "kind": "http", "url": api.url("/a"), "redirects": {}, "auth": auth });
        let text = json!({ "targets": { "a": target } }).to_string();
        let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
        let engine = Engine::builder().configured(&mut config).start().await.unwrap();
        engine.broadcast(Broadcast::json(&json!(1)).to("a")).await.unwrap();
        let nonce = |received: &Received| {
            let value = received.header(header).unwrap().to_owned();
            // Of a token the claims: its signature is another one for each `jti`.
            let value = value.split('.').nth(1).unwrap_or(&value).to_owned();
            let value = value.split_once(before).unwrap().1.to_owned();
            value.split('"').next().unwrap().to_owned()
        };
        let nonces: Vec<_> = api.received().iter().map(nonce).collect();
        assert!(nonces.len() == 2 && nonces[0] != nonces[1], "{header}: {nonces:?}");
    }
}

//! Bodies that are compressed, read by decoders that others have written: zlib, Google's brotli, and zstd, each by its package in
//! Python.
//!
//! Two come from PyPI into `target/auth-pypi` (`.ci/run` puts them there). Where they are not installed there is nobody to ask:
//! the test says so and ends, except in CI, where it fails.

use fanfare::{Broadcast, Engine, config::load_str};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    auth_peer::Server,
    config::{Given, kinds},
    signed::hex,
};

/// The status that is answered to the payload, compressed that way, when that SHA-256 is expected of it.
async fn answered(server: &Server, coding: &str, payload: &Value, expected: &str) -> Option<u16> {
    let url = format!("http://127.0.0.1:{}/{expected}", server.port);
    let target = json!({ "kind": "http", "url": url, "compress": coding });
    let text = json!({ "targets": { "a": target } }).to_string();
    let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
    let engine = Engine::builder().configured(&mut config).start().await.unwrap();
    let report = engine.broadcast(Broadcast::json(payload).to("a")).await.unwrap();
    report.deliveries[0].attempts[0].ended.as_ref().unwrap().status
}

#[tokio::test]
async fn others_read_what_was_compressed() {
    let needs = ["auth-pypi", "zstandard"];
    let Some(server) = Server::start("coding_peer/serve.py", needs).await else { return };
    // Compressed where it is sent from, and on a thread of its own; what repeats itself, and what does not.
    let random = |count: u32| (0..count).map(|n| n.wrapping_mul(0x9e37_79b9)).collect::<Vec<_>>();
    let payloads = [json!(vec!["ä€"; 2_000]), json!(random(1_000)), json!([random(20_000), "x"])];
    for coding in ["gzip", "deflate", "br", "zstd"] {
        for payload in &payloads {
            let bytes = payload.to_string();
            let hash = hex(&Sha256::digest(&bytes));
            let told = answered(&server, coding, payload, &hash).await;
            assert_eq!(told, Some(200), "{coding} of {} bytes", bytes.len());
        }
        let other = hex(&Sha256::digest("other"));
        assert_eq!(answered(&server, coding, &payloads[0], &other).await, Some(400), "{coding}");
    }
}

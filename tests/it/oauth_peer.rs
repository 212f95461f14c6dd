//! OAuth 2.0 against an authorization server that others have written (`oidc-provider`), and an API that takes its tokens.
//!
//! It comes from npm into `target/auth-npm` (`.ci/run` puts it there). Where it is not installed there is nobody to ask: the
//! tests say so and end, except in CI, where they fail.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use fanfare::{Broadcast, Engine, config::load_str, report::Report};
use serde_json::{Value, json};

use crate::config::{Given, kinds};

struct Server {
    process: Child,
    issuer: String,
    refresh_token: String,
}

/// An engine with one target `a`, which calls `/api…` of the server.
struct Stage {
    engine: Engine,
}

fn keys() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("plugins/auth/tests/keys")
}

fn key(name: &str) -> String {
    fs::read_to_string(keys().join(name)).unwrap()
}

impl Server {
    /// None where it is not installed.
    fn start() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |it| root.join(it));
        let modules = target.join("auth-npm/node_modules");
        if !modules.join("oidc-provider").is_dir() {
            assert!(env::var_os("CI").is_none(), "oidc-provider is not installed: .ci/run does it");
            eprintln!("skipped: oidc-provider is not installed");
            return None;
        }
        let mut process = Command::new("node")
            .arg(root.join("tests/it/oauth_peer/server.mjs"))
            .env("MODULES", modules)
            .env("KEYS", keys())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        // It may tell us first that it is not made for production.
        let up = loop {
            let line = lines.next().expect("it starts").unwrap();
            if let Ok(up) = serde_json::from_str::<Value>(&line) {
                break up;
            }
        };
        let text = |name: &str| up[name].as_str().unwrap().to_owned();
        Some(Self { process, issuer: text("issuer"), refresh_token: text("refresh_token") })
    }

    async fn stage(&self, path: &str, own: Value) -> Stage {
        let mut oauth = json!({ "token_url": format!("{}/token", self.issuer) });
        let Value::Object(own) = own else { panic!("it is no map") };
        for (name, value) in own {
            oauth[name] = value;
        }
        let url = format!("{}{path}", self.issuer);
        let target = json!({ "kind": "http", "url": url, "auth": { "oauth2": oauth } });
        let text =
            json!({ "targets": { "a": target }, "routes": { "r": { "to": ["a"] } } }).to_string();
        let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
        Stage { engine: Engine::builder().configured(&mut config).start().await.unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Stage {
    async fn report(&self) -> Report {
        self.engine.broadcast(Broadcast::json(&json!({ "a": 1 })).to("a")).await.unwrap()
    }

    /// The outcome, with the status of every attempt or its error.
    async fn told(&self) -> String {
        let report = self.report().await;
        let delivery = &report.deliveries[0];
        let mut text = delivery.outcome.unwrap().to_string();
        for attempt in &delivery.attempts {
            let ended = attempt.ended.as_ref().unwrap();
            let error = ended.error.as_ref().map(|error| error.message.to_string());
            let status = ended.status.map(|status| status.to_string());
            text.push_str(&format!(", {}", status.or(error).unwrap_or_default()));
        }
        text
    }
}

#[tokio::test]
async fn a_client_is_known_by_its_secret_and_by_its_key() {
    let Some(server) = Server::start() else { return };
    let secret = |id: &str, auth: &str| json!({ "client_id": id, "client_secret": "p%+ss :x", "client_auth": auth, "scope": "contacts" });
    let assertion = |id: &str, algorithm: &str, file: &str| {
        let signed = json!({ "algorithm": algorithm, "key": key(file), "audience": server.issuer });
        json!({ "client_id": id, "client_auth": { "private_key_jwt": signed }, "scope": "contacts" })
    };
    for own in [
        secret("a:b c", "basic"),
        secret("post", "post"),
        assertion("es", "ES256", "es256.pem"),
        assertion("rs", "RS256", "rsa.pem"),
    ] {
        let stage = server.stage("/api/x", own.clone()).await;
        assert_eq!(stage.told().await, "delivered, 201", "{own}");
    }
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_so() {
    let Some(server) = Server::start() else { return };
    let refused = "failed (not authorised), no proof of who we are: not authorised (invalid_client): \
                   the token endpoint answered 401, invalid_client";
    let own = json!({ "client_id": "post", "client_secret": "wrong", "client_auth": "post" });
    assert_eq!(server.stage("/api/x", own).await.told().await, refused);
    let signed = json!({ "algorithm": "ES256", "key": key("es256.pem"), "audience": "https://other.example" });
    let own = json!({ "client_id": "es", "client_auth": { "private_key_jwt": signed } });
    assert_eq!(server.stage("/api/x", own).await.told().await, refused);
}

#[tokio::test]
async fn a_token_that_the_api_refuses_is_renewed() {
    let Some(server) = Server::start() else { return };
    let own = json!({ "client_id": "post", "client_secret": "p%+ss :x", "client_auth": "post" });
    // The API forgets the token when it has taken it.
    let stage = server.stage("/api/last", own).await;
    assert_eq!(stage.told().await, "delivered, 201");
    assert_eq!(stage.told().await, "delivered, 401, 201");
    assert_eq!(stage.told().await, "delivered, 401, 201");
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_the_next_one() {
    let Some(server) = Server::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("refresh");
    let own = |token: &str| {
        let kept = json!({ "token": token, "file": file.to_str().unwrap() });
        json!({ "client_id": "refresher", "client_secret": "s", "grant": { "refresh_token": kept } })
    };
    let stage = server.stage("/api/last", own(&server.refresh_token)).await;
    assert_eq!(stage.told().await, "delivered, 201");
    let first = fs::read_to_string(&file).unwrap();
    assert!(!first.contains(&server.refresh_token));
    // The token was refused: another one, by the second refresh token; the first one would be taken for stolen.
    assert_eq!(stage.told().await, "delivered, 401, 201");
    assert_ne!(fs::read_to_string(&file).unwrap(), first);
    stage.engine.shutdown().await;
    drop(stage);
    // As after a restart: what is asked for in another way has a source of its own, which knows the file alone.
    let mut own = own(&server.refresh_token);
    own["parameters"] = json!({ "other": "1" });
    let stage = server.stage("/api/last", own).await;
    assert_eq!(stage.told().await, "delivered, 201");
}

#[tokio::test]
async fn a_token_is_bound_to_a_key() {
    let Some(server) = Server::start() else { return };
    let dpop = json!({ "algorithm": "ES256", "key": key("es256.pem") });
    let own = json!({ "client_id": "bound", "client_secret": "s", "dpop": dpop });
    let stage = server.stage("/api/x?y=z", own).await;
    // The token endpoint asks for a nonce, and so does the API.
    assert_eq!(stage.told().await, "delivered, 401, 201");
    assert_eq!(stage.told().await, "delivered, 201");
}

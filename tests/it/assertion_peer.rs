//! Tokens that are asked for by a token of ours (RFC 7523), against an authorization server that others have written (Authlib),
//! which checks who signed it, for whom, and until when.
//!
//! It comes from PyPI into `target/auth-pypi` (`.ci/run` puts it there). Where it is not installed there is nobody to ask: the
//! test says so and ends, except in CI, where it fails.

use std::fs;

use fanfare::{Broadcast, Engine, config::load_str, engine::Clock, sdk::Timestamp};
use serde_json::{Value, json};

use crate::{
    auth_peer::Server,
    config::{Given, kinds},
};

/// It has refused the grant, not the client or the request.
const REFUSED: &str = "failed (not authorised), no proof of who we are: not authorised (invalid_grant): the token endpoint \
                       answered 400, invalid_grant: somebody has to sign in again, or to mend what is sent";

const HOUR: i64 = 3_600;

fn key(name: &str) -> String {
    fs::read_to_string(format!("{}/plugins/auth/tests/keys/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap()
}

/// What becomes of a delivery for which a token is asked for by that assertion, where our clock is so many seconds wrong.
async fn told(server: &Server, assertion: &Value, wrong_by: i64) -> String {
    let at = |path: &str| format!("http://127.0.0.1:{}/{path}", server.port);
    // What is asked for in the same way shares a token: here each asks for its own.
    let own = json!({ "wrong_by": wrong_by.to_string() });
    let oauth = json!({ "token_url": at("token"), "client_auth": "none", "scope": "contacts", "parameters": own,
                        "grant": { "jwt_bearer": assertion } });
    let target = json!({ "kind": "http", "url": at("api"), "auth": { "oauth2": oauth } });
    let text = json!({ "targets": { "a": target } }).to_string();
    let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
    let now = Timestamp::from_secs(Clock::system().now().as_secs() + wrong_by);
    let engine = Engine::builder().clock(Clock::starting_at(now)).configured(&mut config);
    let engine = engine.start().await.unwrap();
    let report = engine.broadcast(Broadcast::json(&json!({ "a": 1 })).to("a")).await.unwrap();
    let delivery = &report.deliveries[0];
    let mut told = delivery.outcome.unwrap().to_string();
    for attempt in &delivery.attempts {
        let ended = attempt.ended.as_ref().unwrap();
        let error = ended.error.as_ref().map(|error| error.message.to_string());
        let status = ended.status.map(|status| status.to_string());
        told.push_str(&format!(", {}", status.or(error).unwrap_or_default()));
    }
    told
}

#[tokio::test]
async fn an_assertion_is_good_for_whom_it_is_meant_and_as_long_as_it_says() {
    let needs = ["auth-pypi", "authlib"];
    let Some(server) = Server::start("assertion_peer/serve.py", needs).await else { return };
    let assertion = |algorithm: &str, pem: &str, claims: Value| json!({ "algorithm": algorithm, "key": key(pem), "claims": claims });
    let es = |claims: Value| assertion("ES256", "es256.pem", claims);
    let check = async |assertion: Value, wrong_by: i64, expected: &str| {
        let told = told(&server, &assertion, wrong_by).await;
        assert_eq!(told, expected, "{} {wrong_by}", assertion["claims"]);
    };
    check(es(json!({ "iss": "es", "sub": "ada" })), 0, "delivered, 201").await;
    let rs = assertion("RS256", "rsa.pem", json!({ "iss": "rs", "sub": "ada" }));
    check(rs, 0, "delivered, 201").await;
    // The key of somebody else, of the same curve and of another kind.
    check(es(json!({ "iss": "other", "sub": "ada" })), 0, REFUSED).await;
    check(es(json!({ "iss": "rs", "sub": "ada" })), 0, REFUSED).await;
    check(es(json!({ "iss": "nobody", "sub": "ada" })), 0, REFUSED).await;
    check(es(json!({ "iss": "es", "sub": "bob" })), 0, REFUSED).await;
    let aud = "https://other.example/token";
    check(es(json!({ "iss": "es", "sub": "ada", "aud": aud })), 0, REFUSED).await;
    // It has ended, by the server's clock; and it is not made yet.
    check(es(json!({ "iss": "es", "sub": "ada" })), -HOUR, REFUSED).await;
    check(es(json!({ "iss": "es", "sub": "ada" })), HOUR, REFUSED).await;
    let mut long = es(json!({ "iss": "es", "sub": "ada" }));
    long["lifetime"] = "1h".into();
    check(long, 60 - HOUR, "delivered, 201").await;
}

//! Tokens by OAuth 2.0: how they are asked for, kept, refreshed, refused.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{
    Authorizer, Call, Capture, Learn, Learned, Ready, ReplyHead, Stamp, Timestamp, Wire, check,
};
use fanfare_testkit::{Received, Script, Scripted, ScriptedTransport};
use futures_util::{FutureExt, future::join_all};
use http::{HeaderMap, Request};
use serde_json::{Value, json};

const KEY: &str = include_str!("../keys/es256.pem");
const VECTORS: &str = include_str!("../vectors/oauth2.json");

/// An authorizer, and the token endpoint that it asks.
pub(crate) struct Stage {
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) net: Arc<ScriptedTransport>,
    nonces: Mutex<u128>,
}

pub(crate) fn token(text: &str, expires_in: u32) -> Scripted {
    let body = json!({ "access_token": text, "token_type": "bearer", "expires_in": expires_in });
    Scripted::status(200).body(body.to_string())
}

pub(crate) fn error(status: u16, code: &str) -> Scripted {
    Scripted::status(status)
        .body(json!({ "error": code, "error_description": "s3cret" }).to_string())
}

/// Settings with the given ones beside `token_url` and the client's id; each test has a host of its own, since sources are
/// shared.
pub(crate) fn settings(host: &str, own: Value) -> Value {
    let mut all =
        json!({ "token_url": format!("https://{host}.example/token"), "client_id": "me" });
    let Value::Object(own) = own else { panic!("it is no map") };
    for (name, value) in own {
        all[name] = value;
    }
    json!({ "oauth2": all })
}

pub(crate) fn build(written: Value) -> Arc<dyn Authorizer> {
    let settings: AuthSettings = check::settings(written).expect("the settings have their form");
    settings.build().expect("the settings are right")
}

impl Stage {
    pub(crate) fn new(host: &str, own: Value, script: Vec<Scripted>) -> Self {
        let net = Arc::new(ScriptedTransport::playing(Script::new(script)));
        Self { authorizer: build(settings(host, own)), net, nonces: Mutex::new(1) }
    }

    fn secret(host: &str, script: Vec<Scripted>) -> Self {
        Self::new(host, json!({ "client_secret": "s3cret" }), script)
    }

    pub(crate) fn make_ready(&self, secs: i64) -> Ready {
        let mut nonces = self.nonces.lock().expect("no panic");
        *nonces += 1 << 64;
        let wire = Wire::new(self.net.clone()).capturing(Capture::Whole { bytes_max: 1024 });
        Ready::new(Timestamp::from_secs(secs), nonces.to_be_bytes(), wire)
    }

    /// The stamp, or the code of the error, with `!` where it is permanent, and when to ask again.
    pub(crate) async fn ready(&self, secs: i64) -> Result<Stamp, String> {
        self.authorizer.ready(self.make_ready(secs)).await.map_err(|error| {
            let at = error.not_before.map_or(0, |at| at.as_micros() / 1_000);
            let text = format!("{error} {:?}", error.source.as_ref().map(ToString::to_string));
            assert!(!text.contains("s3cret"), "{text}");
            format!("{}{} {at}", error.code, if error.permanent { "!" } else { "" })
        })
    }

    /// What a request carries then.
    pub(crate) fn carries(&self, stamp: Stamp, secs: i64) -> Request<Bytes> {
        let now = Timestamp::from_secs(secs);
        let call = Call::new("a".into(), "k".into(), now, Duration::from_secs(1));
        let mut request =
            Request::get("https://a.example/b?c=d").body(Bytes::new()).expect("right");
        let done = self.authorizer.authorize(stamp, &call, &mut request).now_or_never();
        done.expect("it does not wait").expect("it authorizes");
        assert!(request.headers()["authorization"].is_sensitive());
        request
    }

    #[track_caller]
    fn carried(&self, stamp: Stamp, secs: i64, expected: &str) {
        assert_eq!(self.carries(stamp, secs).headers()["authorization"], expected);
    }

    fn learns(&self, stamp: Stamp, status: u16) -> Learned {
        self.learns_of("https://a.example/b", stamp, &ReplyHead::http(status, HeaderMap::new()))
    }

    fn learns_of(&self, url: &str, stamp: Stamp, head: &ReplyHead) -> Learned {
        let now = Timestamp::default();
        let call = Call::new("a".into(), "k".into(), now, Duration::from_secs(1));
        let url = url.parse().expect("a URL");
        self.authorizer.learn(&Learn::new((stamp, &call), &url, head))
    }
}

/// The pairs of a form, in their order.
pub(crate) fn form(request: &Received) -> Vec<(String, String)> {
    form_urlencoded::parse(&request.body).into_owned().collect()
}

async fn asked(host: &str, own: Value) -> Received {
    let stage = Stage::new(host, own, vec![token("t", 60)]);
    stage.ready(0).await.expect("there is a token");
    stage.net.received().remove(0)
}

#[tokio::test]
async fn a_client_proves_who_it_is_as_the_server_wants_it() {
    // RFC 6749 section 2.3.1 and appendix B; taken, and refused in its raw form, by oidc-provider 9.13.3.
    let known: Value = serde_json::from_str(VECTORS).expect("it is JSON");
    let known = &known["client_secret_basic"][0];
    let (id, secret) = (&known["client_id"], &known["client_secret"]);
    let awkward =
        |auth: &str| json!({ "client_id": id, "client_secret": secret, "client_auth": auth });
    let basic = asked("basic", awkward("basic")).await;
    assert_eq!(basic.header("authorization"), known["authorization"].as_str());
    assert_eq!(basic.text(), "grant_type=client_credentials");
    assert_eq!(basic.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!((basic.method.as_str(), basic.path()), ("POST", "/token"));
    let raw =
        json!({ "client_id": "a b", "client_secret": "p%+ss :x", "client_auth": "basic_raw" });
    let raw = asked("raw", raw).await;
    assert_eq!(raw.header("authorization"), Some("Basic YSBiOnAlK3NzIDp4"));
    // RFC 7617 section 2.
    let raw = json!({ "client_id": "Aladdin", "client_secret": "open sesame", "client_auth": "basic_raw" });
    let raw = asked("known", raw).await;
    assert_eq!(raw.header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    let post = asked("post", awkward("post")).await;
    assert_eq!(post.header("authorization"), None);
    let expected = "grant_type=client_credentials&client_id=a%3Ab+c&client_secret=p%25%2Bss+%3Ax";
    assert_eq!(post.text(), expected);
    // RFC 8705 section 2.
    let tls = asked("tls", json!({ "client_auth": "tls" })).await;
    assert_eq!(tls.text(), "grant_type=client_credentials&client_id=me");
    let none = asked("none", json!({ "client_auth": "none" })).await;
    assert_eq!(none.text(), "grant_type=client_credentials&client_id=me");
}

#[tokio::test]
async fn what_the_token_is_for_stands_in_the_body() {
    let own = json!({
        "client_secret": "s", "client_auth": "post", "scope": "read write", "audience": "crm",
        "resource": ["https://a.example/", "urn:b"], "parameters": { "tenant": "ä" },
    });
    let expected = "grant_type=client_credentials&client_id=me&client_secret=s&scope=read+write\
                    &resource=https%3A%2F%2Fa.example%2F&resource=urn%3Ab&audience=crm&tenant=%C3%A4";
    assert_eq!(asked("for", own).await.text(), expected);
}

#[tokio::test]
async fn an_assertion_is_fresh_in_every_request() {
    let key = json!({ "private_key_jwt": { "algorithm": "ES256", "key": KEY, "audience": "https://issuer.example",
                      "headers": { "kid": "k1", "typ": "client-authentication+jwt" } } });
    let script = vec![Scripted::status(503), token("t", 60)];
    let stage = Stage::new("assertion", json!({ "client_auth": key }), script);
    assert!(stage.ready(100).await.is_err());
    stage.ready(200).await.expect("there is a token");
    let mut ids = Vec::new();
    for (request, iat) in stage.net.received().iter().zip([100, 200]) {
        let form = form(request);
        assert_eq!(form[1].0, "client_assertion_type");
        assert_eq!(form[1].1, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        let (head, claims) = parts(&form[2].1);
        assert_eq!(
            head,
            json!({ "alg": "ES256", "kid": "k1", "typ": "client-authentication+jwt" })
        );
        let jti = claims["jti"].clone();
        let expected = json!({ "iss": "me", "sub": "me", "aud": "https://issuer.example", "iat": iat,
                               "exp": iat + 60, "jti": jti });
        assert_eq!(claims, expected);
        ids.push(jti);
    }
    assert_ne!(ids[0], ids[1]);
    // Older servers want their own URL; a life is short.
    let own = json!({ "private_key_jwt": { "algorithm": "ES256", "key": KEY, "lifetime": "5m" } });
    let request = asked("older", json!({ "client_auth": own })).await;
    let (_, claims) = parts(&form(&request)[2].1);
    assert_eq!(
        (&claims["aud"], &claims["exp"]),
        (&json!("https://older.example/token"), &json!(300))
    );
}

/// Header and claims of a token, unverified.
pub(crate) fn parts(token: &str) -> (Value, Value) {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let mut parts = token.split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    (parts.next().expect("a header"), parts.next().expect("claims"))
}

#[tokio::test]
async fn a_token_that_we_sign_is_exchanged() {
    let grant = json!({ "jwt_bearer": { "algorithm": "ES256", "key": KEY, "claims": { "iss": "a", "scope": "s" } } });
    let own = json!({ "client_auth": "none", "client_id": null, "grant": grant });
    let form = form(&asked("bearer", own).await);
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (_, claims) = parts(&form[1].1);
    assert_eq!(form.len(), 2);
    assert_eq!(
        (&claims["aud"], &claims["exp"]),
        (&json!("https://bearer.example/token"), &json!(300))
    );
}

#[tokio::test]
async fn one_flight_serves_all_who_wait_and_all_who_share() {
    let script = vec![token("one", 3600).after(Duration::from_millis(5)), token("two", 3600)];
    let stage = Stage::secret("flight", script);
    let other = build(settings("flight", json!({ "client_secret": "s3cret" })));
    let asking = (0..50).map(|at| {
        let authorizer = if at % 2 == 0 { &stage.authorizer } else { &other };
        authorizer.ready(stage.make_ready(0))
    });
    for stamp in join_all(asking).await {
        stage.carried(stamp.expect("there is a token"), 0, "Bearer one");
    }
    assert_eq!(stage.net.count(), 1);
    // What is for something else, or for somebody else, is another token.
    let others = [
        json!({ "scope": "x" }),
        json!({ "audience": "x" }),
        json!({ "resource": ["https://x.example/"] }),
        json!({ "parameters": { "tenant": "x" } }),
        json!({ "client_id": "other" }),
        json!({ "client_auth": "post" }),
        json!({ "token_url": "https://flight.example/other" }),
    ];
    for (nth, mut own) in others.into_iter().enumerate() {
        own["client_secret"] = json!("s3cret");
        let other = build(settings("flight", own));
        other.ready(stage.make_ready(0)).await.expect("there is a token");
        assert_eq!(stage.net.count(), nth + 2);
    }
    // They do not drive out the first one.
    let again = build(settings("flight", json!({ "client_secret": "s3cret" })));
    again.ready(stage.make_ready(0)).await.expect("there is a token");
    assert_eq!(stage.net.count(), 8);
}

#[tokio::test]
async fn a_token_is_refreshed_early_while_the_old_one_serves() {
    let stage =
        Stage::secret("early", vec![token("one", 1000), Scripted::status(500), token("two", 1000)]);
    let first = stage.ready(0).await.expect("there is a token");
    assert_eq!(stage.ready(939).await, Ok(first));
    // It cannot be refreshed now; the old one is still good, and nobody asks again before the time.
    for _ in 0..2 {
        assert_eq!(stage.ready(980).await, Ok(first));
        assert_eq!(stage.net.count(), 2);
    }
    stage.carried(stage.ready(985).await.expect("there is a token"), 985, "Bearer two");
    assert_eq!(stage.net.count(), 3);
}

#[tokio::test]
async fn a_token_that_is_refused_is_dropped_and_fetched_once() {
    let tokens = ["one", "two", "three", "four"].map(|text| token(text, 3600));
    let stage = Stage::secret("refused", tokens.into());
    let one = stage.ready(0).await.expect("there is a token");
    assert_eq!(stage.learns(one, 403), Learned::Nothing);
    assert_eq!(stage.ready(1).await, Ok(one));
    assert_eq!(stage.learns(one, 401), Learned::TryAgain);
    // What is on its way keeps it.
    stage.carried(one, 1, "Bearer one");
    let two = stage.ready(1).await.expect("there is a token");
    stage.carried(two, 1, "Bearer two");
    // Refused too late: there is a newer one already.
    assert_eq!(stage.learns(one, 401), Learned::TryAgain);
    assert_eq!(stage.ready(1).await, Ok(two));
    // A new one that is refused at once does not make us fetch one for every delivery.
    assert_eq!(stage.learns(two, 401), Learned::Hopeless);
    assert_eq!(stage.ready(2).await, Ok(two));
    assert_eq!(stage.net.count(), 2);
    // Once it has been there for a minute, or was taken, it is worth another one.
    stage.carried(two, 61, "Bearer two");
    assert_eq!(stage.learns(two, 401), Learned::TryAgain);
    let three = stage.ready(62).await.expect("there is a token");
    stage.carried(three, 62, "Bearer three");
    // What is said of an older one says nothing of this one.
    assert_eq!(stage.learns(two, 200), Learned::Nothing);
    assert_eq!(stage.learns(three, 401), Learned::Hopeless);
    assert_eq!(stage.learns(three, 200), Learned::Nothing);
    assert_eq!(stage.learns(three, 401), Learned::TryAgain);
    let four = stage.ready(62).await.expect("there is a token");
    stage.carried(four, 62, "Bearer four");
    assert_eq!(stage.net.count(), 4);
}

#[tokio::test]
async fn a_failure_is_told_and_asked_again_in_its_time() {
    #[track_caller]
    fn check(host: &str, reply: Scripted, expected: &str) {
        let stage = Stage::secret(host, vec![reply]);
        let told = stage.ready(10).now_or_never().expect("it does not wait");
        assert_eq!(told.expect_err("no token"), expected);
        // Nobody else asks before its time.
        let again = stage.ready(10).now_or_never().expect("it does not wait");
        assert_eq!(again.expect_err("no token"), expected);
        assert_eq!(stage.net.count(), 1, "{expected}");
    }
    check("f1", error(401, "invalid_client"), "invalid_client! 70000");
    check("f2", error(400, "invalid_grant"), "invalid_grant! 70000");
    check("f3", error(400, "invalid_scope"), "invalid_scope! 70000");
    check("f4", error(400, "s3cret"), "token_endpoint! 70000");
    check("f5", error(503, "invalid_client"), "token_endpoint 10200");
    check("f6", Scripted::status(429).header("retry-after", "7"), "token_endpoint 17000");
    check("f7", Scripted::status(429).header("retry-after", "700"), "token_endpoint 310000");
    check("f8", Scripted::refused(), "token_endpoint 10200");
    check("f9", Scripted::status(302), "token_endpoint 10200");
    // What stands before the token endpoint while that is down.
    check("f11", Scripted::status(404).body("no healthy upstream"), "token_endpoint 10200");
    check("f12", Scripted::status(403).body("<html>s3cret"), "token_endpoint 10200");
    check("f13", Scripted::status(401), "token_endpoint 10200");
    check("f14", error(404, "s3cret"), "token_endpoint 10200");
    check("f15", error(403, "access_denied"), "access_denied! 70000");
    check("f16", error(200, "invalid_grant"), "invalid_grant! 70000");
    check("f10", error(400, "temporarily_unavailable"), "temporarily_unavailable 10200");
    check("f17", error(400, "slow_down").header("retry-after", "7"), "slow_down 17000");
    check("f18", Scripted::status(503).header("retry-after", "7"), "token_endpoint 17000");
    // A nonce is a reason to ask again only where it is asked for, and there.
    check("n1", error(400, "invalid_grant").header("dpop-nonce", "n"), "invalid_grant! 70000");
    check("n2", error(400, "use_dpop_nonce"), "use_dpop_nonce 10200");
    let reply = |body: &str| Scripted::status(200).body(body.to_owned());
    check("r1", reply("<html>s3cret"), "token_reply 10200");
    check("r2", reply(r#"{"token_type":"Bearer"}"#), "token_reply 10200");
    check("r3", reply(r#"{"access_token":"s3cret"}"#), "token_reply! 70000");
    check("r4", reply(r#"{"access_token":"s3cret","token_type":"mac"}"#), "token_reply! 70000");
    check("r5", reply(r#"{"access_token":"s3cret","token_type":"DPoP"}"#), "token_reply! 70000");
    check(
        "r6",
        reply("{\"access_token\":\"s3cret\\n\",\"token_type\":\"bearer\"}"),
        "token_reply! 70000",
    );
    check(
        "r7",
        reply(r#"{"access_token":"a","token_type":"bearer","expires_in":true}"#),
        "token_reply! 70000",
    );
    check("r8", reply(&format!("{{\"a\":\"{}\"}}", "x".repeat(2000))), "token_reply 10200");
}

#[tokio::test]
async fn pauses_double_and_a_success_ends_them() {
    let down = || Scripted::status(503);
    let stage = Stage::secret("pauses", vec![down(), down(), down(), token("t", 0), down()]);
    for (at, expected) in [(0, 200), (1, 1_400), (2, 2_800)] {
        assert_eq!(stage.ready(at).await, Err(format!("token_endpoint {expected}")));
    }
    stage.ready(3).await.expect("there is a token, for this time");
    assert_eq!(stage.ready(4).await, Err("token_endpoint 4200".to_owned()));
    let stage = Stage::secret("long", vec![error(401, "invalid_client"), token("t", 60)]);
    for secs in [0, 59] {
        assert_eq!(stage.ready(secs).await, Err("invalid_client! 60000".to_owned()));
    }
    stage.ready(60).await.expect("the pause is over at its end");
}

#[tokio::test]
async fn a_life_is_taken_as_it_is_said_or_as_an_hour() {
    #[track_caller]
    fn lives(host: &str, said: &str, good: i64, over: i64) {
        let body = format!(r#"{{"access_token":"a","token_type":"BEARER","new":1{said}}}"#);
        let script = vec![Scripted::status(200).body(body), Scripted::refused()];
        let stage = Stage::secret(host, script);
        let ready = |secs| stage.ready(secs).now_or_never().expect("it does not wait");
        let stamp = ready(0).expect("there is a token");
        assert_eq!(ready(good), Ok(stamp));
        assert!(ready(over).is_err(), "{said}");
    }
    lives("l1", "", 3_599, 3_600);
    lives("l2", r#","expires_in":null"#, 3_599, 3_600);
    lives("l3", r#","expires_in":100"#, 99, 100);
    lives("l4", r#","expires_in":"100""#, 99, 100);
    lives("l5", r#","expires_in":1e300"#, 300_000_000, 400_000_000);
    lives("l6", r#","expires_in":-5"#, -1, 0);
}

#[tokio::test]
async fn a_flight_that_is_cut_off_is_a_failure() {
    let stage = Stage::secret("cut", vec![Scripted::hang(), token("t", 60)]);
    assert!(stage.ready(0).now_or_never().is_none(), "dropped while it waits");
    assert_eq!(stage.ready(0).await, Err("timeout 200".to_owned()));
    stage.ready(1).await.expect("there is a token");
}

#[tokio::test]
async fn a_token_is_bound_to_a_key_where_it_is_asked_for() {
    let bound = json!({ "access_token": "t", "token_type": "DPoP", "expires_in": 60 }).to_string();
    let wants = error(400, "use_dpop_nonce").header("dpop-nonce", "n1");
    let script = vec![wants, Scripted::status(200).header("dpop-nonce", "n2").body(bound)];
    let own = json!({ "client_secret": "s", "dpop": { "algorithm": "ES256", "key": KEY } });
    let stage = Stage::new("dpop", own, script);
    let stamp = stage.ready(5).await.expect("there is a token");
    let proofs: Vec<_> =
        stage.net.received().iter().map(|it| parts(it.header("dpop").expect("a proof"))).collect();
    let (head, claims) = &proofs[0];
    assert_eq!((&head["typ"], &head["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
    assert_eq!((&head["jwk"]["kty"], &head["jwk"]["d"]), (&json!("EC"), &Value::Null));
    let jti = claims["jti"].clone();
    assert_eq!(
        *claims,
        json!({ "htm": "POST", "htu": "https://dpop.example/token", "iat": 5, "jti": jti })
    );
    assert_eq!(proofs[1].1["nonce"], "n1");
    assert_ne!(proofs[1].1["jti"], jti);

    let request = stage.carries(stamp, 6);
    assert_eq!(request.headers()["authorization"], "DPoP t");
    let proof =
        |request: &Request<Bytes>| parts(request.headers()["dpop"].to_str().expect("ASCII")).1;
    let (first, second) = (proof(&request), proof(&stage.carries(stamp, 6)));
    assert_eq!((&first["htm"], &first["htu"]), (&json!("GET"), &json!("https://a.example/b")));
    // SHA-256 of `t`.
    assert_eq!(first["ath"], "47mKTaMaEn1L3m5DAz9muidMqw636xxw7EFAK_YnPdg");
    assert_eq!(first["nonce"], Value::Null);
    assert_ne!(first["jti"], second["jti"]);
    // A nonce that is asked for is no refusal of the token.
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "n3".parse().expect("right"));
    headers.insert("www-authenticate", r#"DPoP error="use_dpop_nonce""#.parse().expect("right"));
    let head = ReplyHead::http(401, headers);
    assert_eq!(stage.learns_of("https://a.example/x", stamp, &head), Learned::TryAgain);
    assert_eq!(stage.ready(7).await, Ok(stamp));
    assert_eq!(proof(&stage.carries(stamp, 7))["nonce"], "n3");
    // Another server answers late: its nonce is its own, whoever was called last.
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "n4".parse().expect("right"));
    let head = ReplyHead::http(200, headers);
    assert_eq!(stage.learns_of("https://b.example/x", stamp, &head), Learned::Nothing);
    assert_eq!(proof(&stage.carries(stamp, 7))["nonce"], "n3");
    // One that only comes along does not excuse the token.
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "n5".parse().expect("right"));
    headers.insert("www-authenticate", r#"DPoP error="invalid_token""#.parse().expect("right"));
    let head = ReplyHead::http(401, headers);
    assert_eq!(stage.learns_of("https://a.example/x", stamp, &head), Learned::TryAgain);
    // Nonces are the server's: the token endpoint has its own.
    stage.ready(8).await.expect("there is a token");
    let last = stage.net.received().pop().expect("a request");
    assert_eq!(parts(last.header("dpop").expect("a proof")).1["nonce"], "n2");
}

#[tokio::test]
async fn a_nonce_is_of_no_use_to_a_token_that_is_not_bound() {
    let own = json!({ "client_secret": "s", "dpop": { "algorithm": "ES256", "key": KEY } });
    let stage = Stage::new("unbound", own, vec![token("one", 3600), token("two", 3600)]);
    let mut headers = HeaderMap::new();
    headers.insert("dpop-nonce", "n1".parse().expect("right"));
    headers.insert("www-authenticate", r#"DPoP error="use_dpop_nonce""#.parse().expect("right"));
    let head = ReplyHead::http(401, headers);
    let learns = |stamp| stage.learns_of("https://a.example/x", stamp, &head);
    // The token is dropped, as with any 401; another one fares no better, and that is the end.
    let one = stage.ready(0).await.expect("there is a token");
    assert_eq!(learns(one), Learned::TryAgain);
    let two = stage.ready(0).await.expect("there is a token");
    assert_ne!(two, one);
    assert_eq!(learns(two), Learned::Hopeless);
    assert_eq!(stage.net.count(), 2);
}

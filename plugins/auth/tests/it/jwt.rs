//! Tokens that we sign ourselves: what they say, and what others make of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{Authorizer, Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Value, json};

use crate::{oauth::parts, peer::Peer};

const ES256: &str = include_str!("../keys/es256.pem");
const SHARED: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn request(written: &Value, now: Timestamp) -> Request<Bytes> {
    let settings: AuthSettings =
        check::settings(json!({ "jwt": written })).expect("the settings have their form");
    let authorizer = settings.build().expect("the settings are right");
    let mut call = Call::new("a".into(), "k".into(), now, Duration::from_secs(1));
    call.nonce = [0xab; 16];
    let mut request = Request::get("https://a.example/").body(Bytes::new()).expect("right");
    let done = authorizer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    request
}

fn token(request: &Request<Bytes>) -> String {
    let value = &request.headers()["authorization"];
    assert!(value.is_sensitive());
    value.to_str().expect("ASCII").strip_prefix("Bearer ").expect("a bearer").to_owned()
}

#[test]
fn a_token_says_what_is_written_and_when_it_was_made() {
    let written = json!({ "algorithm": "HS256", "key": SHARED, "claims": { "iss": "me", "roles": ["a"] },
                          "headers": { "kid": "7", "x5t#S256": "abc", "tenant": "t" }, "lifetime": "20s" });
    let request = request(&written, Timestamp::from_secs(1_000));
    let (head, claims) = parts(&token(&request));
    let expected =
        json!({ "alg": "HS256", "typ": "JWT", "kid": "7", "x5t#S256": "abc", "tenant": "t" });
    assert_eq!(head, expected);
    let expected = json!({ "iss": "me", "roles": ["a"], "iat": 1_000, "exp": 1_020,
                           "jti": "abababababababababababababababab" });
    assert_eq!(claims, expected);
}

#[test]
fn a_token_may_stand_in_another_header() {
    let written = json!({ "algorithm": "HS256", "key": SHARED, "header": "X-Assertion" });
    let request = request(&written, Timestamp::from_secs(0));
    let value = &request.headers()["x-assertion"];
    assert!(value.is_sensitive() && value.to_str().expect("ASCII").matches('.').count() == 2);
    assert!(!request.headers().contains_key("authorization"));
}

#[expect(clippy::disallowed_methods, reason = "the verifier has a clock of its own")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    Timestamp::from_secs(i64::try_from(since.as_secs()).expect("it fits"))
}

/// RFC 7518, verified by PyJWT.
#[test]
fn others_verify_every_algorithm() {
    let rsa = (include_str!("../keys/rsa.pem"), include_str!("../keys/rsa.pub.pem"));
    let es256 = (ES256, include_str!("../keys/es256.pub.pem"));
    let es384 = (include_str!("../keys/es384.pem"), include_str!("../keys/es384.pub.pem"));
    let eddsa = (include_str!("../keys/eddsa.pem"), include_str!("../keys/eddsa.pub.pem"));
    let shared = (SHARED, SHARED);
    let all = [
        ("ES256", es256),
        ("ES384", es384),
        ("EdDSA", eddsa),
        ("RS256", rsa),
        ("RS384", rsa),
        ("RS512", rsa),
        ("PS256", rsa),
        ("PS384", rsa),
        ("PS512", rsa),
        ("HS256", shared),
        ("HS384", shared),
        ("HS512", shared),
    ];
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    for (algorithm, (key, public)) in all {
        let written =
            json!({ "algorithm": algorithm, "key": key, "claims": { "iss": "me", "aud": "you" } });
        let signed = token(&request(&written, now()));
        let case = |token: &str| json!({ "token": token, "key": public, "algorithm": algorithm });
        cases.push(case(&signed));
        expected.push("me".to_owned());
        // Not that of the claims any more.
        let (head, rest) = signed.split_once('.').expect("three parts");
        let (claims, signature) = rest.split_once('.').expect("three parts");
        let other = claims.replacen("ey", "ez", 1);
        cases.push(case(&format!("{head}.{other}.{signature}")));
        expected.push("refused".to_owned());
        // It has expired.
        let old = now().as_secs() - 3_600;
        cases.push(case(&token(&request(&written, Timestamp::from_secs(old)))));
        expected.push("refused".to_owned());
    }
    if let Some(answers) = Peer::Python("jwt_verify.py", "jwt").ask(&cases) {
        assert_eq!(answers, expected);
    }
}

#[track_caller]
fn wrong(written: Value, expected: &str) {
    let settings: AuthSettings =
        check::settings([("jwt".to_owned(), written)].into_iter().collect::<Value>())
            .expect("the settings have their form");
    let wrong = settings.build().map(|_: std::sync::Arc<dyn Authorizer>| ()).expect_err("wrong");
    assert_eq!(wrong.to_string(), expected);
}

#[test]
fn a_key_that_does_not_fit_is_refused() {
    let key = |algorithm: &str, key: &str| json!({ "algorithm": algorithm, "key": key });
    let no = |algorithm: &str, kind: &str| {
        format!(
            "/jwt/key: is no private key for {algorithm}: the PEM of {kind} in PKCS#8 would be right \
             (`-----BEGIN PRIVATE KEY-----`; `openssl pkcs8 -topk8 -nocrypt` writes it)"
        )
    };
    wrong(key("ES384", ES256), &no("ES384", "a key of the curve P-384"));
    wrong(key("EdDSA", ES256), &no("EdDSA", "a key of the curve Ed25519"));
    wrong(key("RS256", ES256), &no("RS256", "an RSA key of 2048 bits or more"));
    wrong(key("ES256", "s3cret"), &no("ES256", "a key of the curve P-256"));
    let short = include_str!("../keys/rsa1024.pem");
    wrong(key("PS256", short), &no("PS256", "an RSA key of 2048 bits or more"));
    for (algorithm, bytes) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let says = format!(
            "/jwt/key: is shorter than the {bytes} bytes that {algorithm} asks for (RFC 7518)"
        );
        wrong(key(algorithm, &"k".repeat(bytes - 1)), &says);
        request(&key(algorithm, &"k".repeat(bytes)), Timestamp::from_secs(0));
    }
    let empty = "/jwt/key: is empty: is the variable or file that it comes from empty too?";
    wrong(key("HS256", ""), empty);
}

#[test]
fn what_is_not_for_people_to_say_is_refused() {
    let written = json!({ "algorithm": "HS256", "key": SHARED, "claims": { "exp": 1 }, "lifetime": "25h",
                          "headers": { "alg": "none", "kid": "" }, "header": "host" });
    wrong(
        written,
        "/jwt/claims/exp: is fresh in each token: leave it out; /jwt/lifetime: is not from 1s to 1d; \
         /jwt/header: `host` is set by the engine: leave it out; /jwt/headers/alg: is set by whoever signs: leave it out; \
         /jwt/headers/kid: is empty, or contains a control character",
    );
}

#[test]
fn claims_of_the_standard_have_its_types() {
    let claims = |claims: Value| json!({ "algorithm": "ES256", "key": ES256, "claims": claims });
    for (name, value) in [("iss", json!(0)), ("sub", json!("")), ("iss", Value::Null)] {
        let says = format!("/jwt/claims/{name}: is to be text, and not empty (RFC 7519)");
        wrong(claims(json!({ name: value })), &says);
    }
    for value in [json!([]), json!(["a", 1]), json!({}), json!("")] {
        let says = "/jwt/claims/aud: is to be text or a list of texts (RFC 7519)";
        wrong(claims(json!({ "aud": value })), says);
    }
    let says = "/jwt/claims/nbf: is to be a number: seconds since 1970 (RFC 7519)";
    wrong(claims(json!({ "nbf": "today" })), says);
}

#[test]
fn the_public_half_of_a_key_is_no_secret() {
    let public = include_str!("../keys/es256.pub.pem");
    wrong(
        json!({ "algorithm": "HS256", "key": public }),
        "/jwt/key: is PEM: the secret that is shared with whoever checks it would be right",
    );
}

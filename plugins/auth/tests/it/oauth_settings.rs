//! What people write about OAuth 2.0 is checked, and never printed.

use fanfare_auth::AuthSettings;
use fanfare_sdk::check;
use serde_json::{Value, json};

use crate::oauth::{Stage, error, settings, token};

#[track_caller]
fn wrong(written: Value, expected: &[&str]) {
    let settings: AuthSettings =
        check::settings([("oauth2".to_owned(), written)].into_iter().collect::<Value>())
            .expect("the settings have their form");
    let wrong = settings.build().map(|_| ()).expect_err("wrong").to_string();
    assert_eq!(wrong.split("; ").collect::<Vec<_>>(), expected);
    assert!(!wrong.contains("s3cret") && !format!("{settings:?}").contains("s3cret"));
}

#[test]
fn what_could_never_be_sent_is_told() {
    let url = "https://a.example/token";
    let with = |more: Value| {
        let mut written = json!({ "token_url": url, "client_id": "a", "client_secret": "s3cret" });
        let more = more.as_object().cloned().unwrap_or_default();
        written.as_object_mut().expect("a map").extend(more);
        written
    };
    for resource in ["/a", "a b:c", "1a:b", "https://c.example/#d", "https://c.example/é", ":x"] {
        let says = "/oauth2/resource/0: is not an absolute URI without a fragment (RFC 8707)";
        wrong(with(json!({ "resource": [resource] })), &[says]);
    }
    let assertion = json!({ "algorithm": "ES256", "key": include_str!("../keys/es256.pem"), "audience": "a\nb" });
    wrong(
        json!({ "token_url": url, "client_id": "a", "client_auth": { "private_key_jwt": assertion } }),
        &[
            "/oauth2/client_auth/private_key_jwt/audience: is empty, or contains a control character",
        ],
    );
    wrong(
        json!({ "token_url": "HTTP://a.example/", "client_id": "a", "client_auth": "tls" }),
        &[
            "/oauth2/token_url: is not asked by TLS, and `client_auth: tls` needs it: `https://…` would be right",
        ],
    );
}

#[test]
fn the_file_of_a_refresh_token_can_be_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let check = |file: &str, says: &str| {
        let grant = json!({ "refresh_token": { "token": "s3cret", "file": file } });
        let written =
            json!({ "token_url": "https://a.example/", "client_auth": "none", "grant": grant });
        wrong(written, &[&format!("/oauth2/grant/refresh_token/file: {says}")]);
    };
    check("a.refresh", "is not an absolute path to a file");
    check(&at(""), "is a folder: a file in it would be right");
    check(&at("none/a"), "is in a folder that is not there");
    let grant = json!({ "refresh_token": { "token": "s3cret\n", "file": at("a") } });
    let control = "contains a control character, perhaps a line break at its end: remove it";
    wrong(
        json!({ "token_url": "https://a.example/", "client_auth": "none", "grant": grant }),
        &[&format!("/oauth2/grant/refresh_token/token: {control}")],
    );
}

#[test]
fn what_does_not_fit_together_is_told_at_once() {
    wrong(
        json!({ "token_url": "ftp://a/", "scope": "", "resource": ["s3cret"], "parameters": { "scope": "a" } }),
        &[
            "/oauth2/token_url: is neither `https://…` nor `http://…`",
            "/oauth2/client_secret: is missing: `client_auth` says how it would be sent",
            "/oauth2/client_id: is missing: it is how the token endpoint knows us",
            "/oauth2/scope: is empty, or contains a control character",
            "/oauth2/resource/0: is not an absolute URI without a fragment (RFC 8707)",
            "/oauth2/parameters/scope: has a setting of its own: leave it out here",
        ],
    );
    let url = "https://s3cret.example/";
    wrong(
        json!({ "token_url": url, "client_id": "a:b", "client_secret": "s3cret\n", "client_auth": "basic_raw" }),
        &[
            "/oauth2/client_secret: contains a control character, perhaps a line break at its end: remove it",
            "/oauth2/client_id: contains a `:`, where the secret would begin: `basic` encodes it",
        ],
    );
    let assertion = json!({ "algorithm": "ES256", "key": "s3cret", "lifetime": "5m1s" });
    let key = "is no private key for ES256: the PEM of a key of the curve P-256 in PKCS#8 would be right \
               (`-----BEGIN PRIVATE KEY-----`";
    let openssl = "`openssl pkcs8 -topk8 -nocrypt` writes it)";
    wrong(
        json!({ "token_url": url, "client_id": "a", "client_secret": "s3cret", "client_auth": { "private_key_jwt": assertion },
                "dpop": { "algorithm": "HS256", "key": "s3cret" },
                "grant": { "refresh_token": { "token": "", "file": "a" } } }),
        &[
            "/oauth2/client_secret: is not used with that `client_auth`: leave it out",
            "/oauth2/client_auth/private_key_jwt/lifetime: is not from 1s to 5m",
            &format!("/oauth2/client_auth/private_key_jwt/key: {key}"),
            openssl,
            "/oauth2/grant/refresh_token/token: is empty: is the variable or file that it comes from empty too?",
            "/oauth2/grant/refresh_token/file: is not an absolute path to a file",
            "/oauth2/dpop/algorithm: is shared with whoever checks it: one with a private key would be right",
        ],
    );
    let kept = json!({ "token": "s3cret", "file": "/no/such/folder/x" });
    wrong(
        json!({ "token_url": url, "client_id": "a", "client_secret": "s3cret", "grant": { "refresh_token": kept } }),
        &["/oauth2/grant/refresh_token/file: is in a folder that is not there"],
    );
    let bearer = json!({ "algorithm": "HS256", "key": "s3cret", "claims": { "jti": "s3cret" }, "lifetime": "999ms" });
    wrong(
        json!({ "token_url": url, "client_auth": "none", "grant": { "jwt_bearer": bearer } }),
        &[
            "/oauth2/grant/jwt_bearer/claims: has no `iss`: it says who asks (RFC 7523)",
            "/oauth2/grant/jwt_bearer/claims/jti: is fresh in each token: leave it out",
            "/oauth2/grant/jwt_bearer/lifetime: is not from 1s to 1h",
            "/oauth2/grant/jwt_bearer/key: is shorter than the 32 bytes that HS256 asks for (RFC 7518)",
        ],
    );
}

#[tokio::test]
async fn nothing_prints_what_was_written_or_fetched() {
    const CANARY: &str = "canary-71c0";
    let own = json!({ "client_id": CANARY, "client_secret": CANARY, "scope": CANARY, "parameters": { "a": CANARY } });
    let stage = Stage::new(CANARY, own.clone(), vec![token(CANARY, 10), error(400, CANARY)]);
    let written: AuthSettings = check::settings(settings(CANARY, own)).expect("right");
    let stamp = stage.ready(0).await.expect("there is a token");
    let request = stage.carries(stamp, 0);
    let error = stage.authorizer.ready(stage.make_ready(100)).await.expect_err("no token");
    let text = format!("{written:?} {:?} {request:?} {error} {error:?}", stage.authorizer);
    assert!(!text.contains(CANARY), "{text}");
    let jwt = json!({ "jwt": { "algorithm": "HS256", "key": CANARY.repeat(4), "claims": { "a": CANARY }, "headers": { "b": CANARY } } });
    let written: AuthSettings = check::settings(jwt).expect("right");
    let text = format!("{written:?} {:?}", written.build());
    assert!(!text.contains(CANARY), "{text}");
}

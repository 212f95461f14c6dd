//! Digest, as a server sees it: challenged, answered, counted, taught.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{Authorizer, Call, Learn, Learned, Ready, ReplyHead, Stamp, Timestamp, check};
use fanfare_testkit::{Scripted, ScriptedTransport};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::json;

fn digest(user: &str, auth_int: bool) -> Arc<dyn Authorizer> {
    let digest = json!({ "user": user, "password": "Circle of Life", "auth_int": auth_int });
    let settings: AuthSettings =
        check::settings(json!({ "digest": digest })).expect("the settings have their form");
    settings.build().expect("the settings are right")
}

/// The header of the next request; empty where there is none.
fn sent(digest: &Arc<dyn Authorizer>, nonce: u8) -> (Stamp, String) {
    let mut call = Call::new("a".into(), "k".into(), Timestamp::default(), Duration::ZERO);
    call.nonce = [nonce; 16];
    let wire = Arc::new(ScriptedTransport::playing(Scripted::status(500))).wire();
    let ready = digest.ready(Ready::new(call.now, call.nonce, wire)).now_or_never();
    let stamp = ready.expect("it does not wait").expect("ready");
    let mut request =
        Request::post("https://a.example/b?c=d").body(Bytes::from("body")).expect("right");
    let done = digest.authorize(stamp, &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it authorizes");
    let value = request.headers().get("authorization");
    assert!(value.is_none_or(HeaderValue::is_sensitive));
    (stamp, value.map_or_else(String::new, |it| it.to_str().expect("ASCII").to_owned()))
}

fn learned(digest: &Arc<dyn Authorizer>, stamp: Stamp, status: u16, header: &str) -> Learned {
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header.split_once(": ") {
        let name: HeaderName = name.parse().expect("it is a name");
        headers.insert(name, value.parse().expect("it is a value"));
    }
    let call = Call::new("a".into(), "k".into(), Timestamp::default(), Duration::ZERO);
    let url = "https://a.example/".parse().expect("a URL");
    digest.learn(&Learn::new((stamp, &call), &url, &ReplyHead::http(status, headers)))
}

fn parameter(header: &str, name: &str) -> String {
    let found =
        header.split(", ").find_map(|it| it.trim_start_matches("Digest ").strip_prefix(name));
    found.map_or_else(String::new, |it| it.trim_start_matches('=').trim_matches('"').to_owned())
}

/// Nonce, count, client nonce.
fn counted(header: &str) -> [String; 3] {
    ["nonce", "nc", "cnonce"].map(|name| parameter(header, name))
}

const CHALLENGE: &str =
    "www-authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256";

#[test]
fn a_nonce_serves_many_requests_and_counts_them() {
    let digest = digest("Mufasa", false);
    let (stamp, header) = sent(&digest, 1);
    assert_eq!(header, "", "nothing is known before the first challenge");
    assert_eq!(learned(&digest, stamp, 401, CHALLENGE), Learned::TryAgain);
    for count in 1..=11 {
        let (stamp, header) = sent(&digest, count);
        let cnonce = format!("{count:02x}").repeat(16);
        assert_eq!(counted(&header), ["n1".to_owned(), format!("{count:08x}"), cnonce]);
        assert_eq!(learned(&digest, stamp, 200, ""), Learned::Nothing);
    }
}

#[test]
fn a_wrong_password_is_final_and_a_stale_nonce_is_not() {
    let digest = digest("Mufasa", false);
    let (stamp, _) = sent(&digest, 1);
    learned(&digest, stamp, 401, CHALLENGE);
    let (stamp, _) = sent(&digest, 1);
    assert_eq!(learned(&digest, stamp, 401, CHALLENGE), Learned::Hopeless, "never let in");
    let (stamp, _) = sent(&digest, 1);
    let stale = format!("{}, stale=true", CHALLENGE.replace("n1", "n2"));
    assert_eq!(learned(&digest, stamp, 401, &stale), Learned::TryAgain);
    let (stamp, header) = sent(&digest, 2);
    assert_eq!(counted(&header)[..2], ["n2", "00000001"]);
    learned(&digest, stamp, 204, "");
    let (stamp, _) = sent(&digest, 3);
    let forgotten = CHALLENGE.replace("n1", "n3");
    assert_eq!(learned(&digest, stamp, 401, &forgotten), Learned::TryAgain, "a restarted server");
    let (stamp, header) = sent(&digest, 4);
    assert_eq!(counted(&header)[..2], ["n3", "00000001"]);
    assert_eq!(learned(&digest, stamp, 401, &forgotten), Learned::Hopeless, "another password");
    assert_eq!(learned(&digest, stamp, 403, ""), Learned::Nothing);
}

#[test]
fn what_another_request_has_learned_serves_this_one() {
    let digest = digest("Mufasa", false);
    let (first, _) = sent(&digest, 1);
    let (second, _) = sent(&digest, 2);
    assert_eq!(learned(&digest, first, 401, CHALLENGE), Learned::TryAgain);
    assert_eq!(learned(&digest, second, 401, &CHALLENGE.replace("n1", "n2")), Learned::TryAgain);
    assert_eq!(counted(&sent(&digest, 3).1)[..2], ["n1", "00000001"]);
}

#[test]
fn a_next_nonce_is_taken() {
    let digest = digest("Mufasa", false);
    let (stamp, _) = sent(&digest, 1);
    learned(&digest, stamp, 401, CHALLENGE);
    let (stamp, _) = sent(&digest, 1);
    let info = "authentication-info: nextnonce=\"n9\", qop=auth";
    assert_eq!(learned(&digest, stamp, 200, info), Learned::Nothing);
    let (stamp, header) = sent(&digest, 2);
    assert_eq!(counted(&header)[..2], ["n9", "00000001"]);
    learned(&digest, stamp, 200, info);
    assert_eq!(counted(&sent(&digest, 3).1)[..2], ["n9", "00000002"], "the same again is no other");
}

#[test]
fn no_challenge_that_can_be_answered_is_final() {
    for header in [
        "",
        "www-authenticate: Basic realm=\"r\"",
        "www-authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512",
    ] {
        let digest = digest("Mufasa", false);
        assert_eq!(learned(&digest, sent(&digest, 1).0, 401, header), Learned::Hopeless);
    }
}

#[test]
fn the_form_follows_the_challenge() {
    #[track_caller]
    fn check(user: &str, auth_int: bool, challenge: &str, expected: &str) {
        let digest = digest(user, auth_int);
        let (stamp, _) = sent(&digest, 1);
        let challenge = format!("www-authenticate: Digest realm=\"r\", nonce=\"n\"{challenge}");
        assert_eq!(learned(&digest, stamp, 401, &challenge), Learned::TryAgain);
        let header = sent(&digest, 0xaa).1;
        let (head, tail) = header.split_once(", response=\"").expect("there is a response");
        let tail = tail.split_once('"').expect("it ends").1;
        assert_eq!(format!("{head}{tail}"), expected);
    }
    let known = "realm=\"r\", uri=\"/b?c=d\"";
    let cnonce = "aa".repeat(16);
    let auth = format!("nonce=\"n\", nc=00000001, cnonce=\"{cnonce}\", qop=auth");
    check("a", false, "", &format!("Digest username=\"a\", {known}, algorithm=MD5, nonce=\"n\""));
    let both = ", qop=\"auth,auth-int\"";
    let right = format!("Digest username=\"a\", {known}, algorithm=MD5, {auth}");
    check("a", false, both, &right);
    check("a", true, both, &format!("{right}-int"));
    check("a", false, ", qop=auth-int", &format!("{right}-int"));
    check("a", true, ", qop=auth, opaque=\"\"", &format!("{right}, opaque=\"\""));
    check(
        "a\"b\\",
        false,
        ", qop=auth",
        &format!("Digest username=\"a\\\"b\\\\\", {known}, algorithm=MD5, {auth}"),
    );
    check(
        "é b",
        false,
        ", qop=auth, algorithm=SHA-256-sess, charset=UTF-8",
        &format!("Digest username*=UTF-8''%C3%A9%20b, {known}, algorithm=SHA-256-sess, {auth}"),
    );
}

#[test]
fn a_session_keeps_its_client_nonce() {
    let digest = digest("Mufasa", false);
    let (stamp, _) = sent(&digest, 1);
    learned(&digest, stamp, 401, &CHALLENGE.replace("SHA-256", "SHA-256-sess"));
    let cnonce = "02".repeat(16);
    assert_eq!(counted(&sent(&digest, 2).1), ["n1", "00000001", &cnonce]);
    let (stamp, header) = sent(&digest, 3);
    assert_eq!(counted(&header), ["n1", "00000002", &cnonce]);
    let info = "authentication-info: nextnonce=\"n2\"";
    assert_eq!(learned(&digest, stamp, 200, info), Learned::Nothing);
    let header = sent(&digest, 4).1;
    assert_eq!(counted(&header), ["n2", "00000001", &cnonce]);
    // Of the session that began with `n1`: worked out with hashlib as in vectors/digest.py.
    assert_eq!(
        parameter(&header, "response"),
        "d10e598f17d1abcbeb18e8d578a0054a81cc91f47308bd43787a02f207853da3"
    );
}

//! Where a target may be reached whose URL is not trusted.

use fanfare_testkit::{MockApi, Scripted};

use super::stage::{Folder, said, send, sent};

/// How a delivery to that URL ends under that rule; and nobody was connected to where it was refused.
async fn check(api: &MockApi, url: &str, addresses: &str, expected: &str) {
    let before = api.connections();
    let (engine, told) = Folder::new().guarded(url, addresses).await;
    // Where a name leads, and what is this machine's, only a connection shows.
    let is_late = url.contains("localhost") || expected.contains("this machine's");
    let is_refused = expected.starts_with("failed") && !is_late;
    assert_eq!(told.contains("is never called: "), is_refused, "{url} {addresses}: {told}");
    let report = send(&engine, "api").await;
    assert_eq!(said(&report), expected, "{url} {addresses}");
    let outcome = report.deliveries[0].outcome.unwrap().to_string();
    assert!(["delivered", "failed (the address may not be called)"].contains(&outcome.as_str()));
    let connects = usize::from(expected.starts_with("delivered"));
    assert_eq!(api.connections() - before, connects, "{url} {addresses}");
}

#[tokio::test]
async fn what_is_not_public_is_not_connected_to() {
    const LOOPBACK: &str = "failed: address: the address may not be called: it is not public (loopback), and `addresses.allow` does not have it";
    let api = MockApi::start(Scripted::status(200).body("ok")).await;
    let port = api.address().port();
    for host in ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"] {
        check(&api, &format!("http://{host}:{port}/?q=canary"), "public", LOOPBACK).await;
    }
    let url = api.url("/");
    check(&api, &url, "{ allow: [10.0.0.0/8] }", LOOPBACK).await;
    let own = "failed: address: the address may not be called: it is this machine's, and `addresses.allow` does not have it alone";
    check(&api, &url, "{ allow: [127.0.0.0/8] }", own).await;
    check(&api, &url, "{ allow: [127.0.0.1] }", "delivered: 200 ok").await;
    let by_name = format!("http://localhost:{port}/");
    check(&api, &by_name, "{ allow: [127.0.0.1, '::1'] }", "delivered: 200 ok").await;
    let denied = "failed: address: the address may not be called: `addresses.deny` has it";
    check(&api, &url, "{ allow: [127.0.0.1], deny: [127.0.0.0/8] }", denied).await;
    let https = "failed: address: the address may not be called: `addresses` allows https only";
    check(&api, &url, "{ allow: [127.0.0.1], https_only: true }", https).await;
    let other = format!(
        "failed: address: the address may not be called: `addresses.ports` does not have {port}"
    );
    check(&api, &url, "{ allow: [127.0.0.1], ports: [443] }", &other).await;
    check(&api, &url, &format!("{{ allow: [127.0.0.1], ports: [{port}] }}"), "delivered: 200 ok")
        .await;
}

#[tokio::test]
async fn who_may_be_reached_anywhere_shares_no_connection_with_who_may_not() {
    let api = MockApi::start(Scripted::status(200).body("ok")).await;
    let at = |more: &str| format!("url: http://localhost:{}/\n    {more}", api.address().port());
    let engine = Folder::new()
        .start(&[("trusted", at("timeout: 5s")), ("untrusted", at("addresses: public"))])
        .await
        .unwrap();
    assert_eq!(sent(&engine, "trusted").await, "delivered: 200 ok");
    // There is a connection to that host; it is not taken.
    let ended = sent(&engine, "untrusted").await;
    assert!(ended.starts_with("failed: address: "), "{ended}");
}

#[tokio::test]
async fn a_redirect_is_looked_at_too() {
    let hidden = MockApi::start(Scripted::status(200).body("hidden")).await;
    let port = hidden.address().port();
    for to in [format!("http://127.0.0.2:{port}/"), format!("http://localhost:{port}/")] {
        let api = MockApi::start(Scripted::status(307).header("location", &to)).await;
        let lines = format!(
            "url: '{}'\n    addresses: {{ allow: [127.0.0.1], deny: ['::1', 127.0.0.2], ports: [{}] }}\n    redirects: {{}}",
            api.url("/"),
            api.address().port()
        );
        let ended = sent(&Folder::new().one(lines).await, "api").await;
        let expected = "failed: address: the address may not be called: ";
        assert!(ended.starts_with(expected), "{to}: {ended}");
    }
    assert_eq!(hidden.connections(), 0);
}

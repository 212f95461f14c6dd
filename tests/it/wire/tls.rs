//! Private certificates, client certificates, and what happens when their files change.

use rustls::version::{TLS12, TLS13};

use super::{
    peer::{ALL, Authority, Pair, Peer, server},
    stage::{Folder, sent},
};

fn write(folder: &Folder, (cert, key): &Pair, name: &str) {
    folder.write(&format!("{name}.pem"), cert);
    folder.write(&format!("{name}.key"), key);
}

fn target(peer: &Peer, tls: &str) -> String {
    format!("url: {}\n    tls: {{ {tls} }}", peer.url())
}

#[tokio::test]
async fn who_asks_for_a_certificate_gets_that_of_the_target() {
    for version in [&TLS12, &TLS13] {
        let (servers, callers, folder) = (Authority::new(), Authority::new(), Folder::new());
        let peer = Peer::start(server(&servers, Some(&callers), &[version]), true).await;
        let (a, b, stranger) =
            (callers.sign("a"), callers.sign("b"), Authority::new().sign("stranger"));
        for (pair, name) in [(&a, "a"), (&b, "b"), (&stranger, "stranger")] {
            peer.knows(pair, name);
            write(&folder, pair, name);
        }
        folder.write("ca.pem", &servers.pem);
        let shows = |name: &str| {
            target(&peer, &format!("ca: ca.pem, certificate: {name}.pem, key: {name}.key"))
        };
        let engine = folder
            .start(&[
                ("a", shows("a")),
                ("also-a", shows("a")),
                ("b", shows("b")),
                ("stranger", shows("stranger")),
                ("nobody", target(&peer, "ca: ca.pem")),
                ("unknown", format!("url: {}", peer.url())),
            ])
            .await
            .unwrap();
        for (name, expected) in [
            ("a", "delivered: 200 a"),
            ("also-a", "delivered: 200 a"),
            ("b", "delivered: 200 b"),
            ("a", "delivered: 200 a"),
            ("b", "delivered: 200 b"),
        ] {
            assert_eq!(sent(&engine, name).await, expected, "{name}");
        }
        assert_eq!(peer.connections(), 2, "one for each identity, and never one for both");
        // Nobody has read the request, although in TLS 1.3 it may have been sent.
        for name in ["stranger", "nobody", "unknown"] {
            let ended = sent(&engine, name).await;
            assert!(
                ended.starts_with("failed: tls: no TLS session: "),
                "{version:?} {name}: {ended}"
            );
        }
    }
}

/// RFC 8705 section 2: the certificate proves at the token endpoint who the client is, and goes to the API too.
#[tokio::test]
async fn a_token_is_fetched_with_the_certificate_of_the_target() {
    let (servers, callers, folder) = (Authority::new(), Authority::new(), Folder::new());
    let peer = Peer::start(server(&servers, Some(&callers), ALL), true).await;
    for name in ["a", "b"] {
        let pair = callers.sign(name);
        peer.knows(&pair, name);
        write(&folder, &pair, name);
    }
    folder.write("ca.pem", &servers.pem);
    let oauth2 = format!("{{ token_url: '{}token', client_id: me, client_auth: tls }}", peer.url());
    let key = "{ in: { header: X-Key }, value: k3y }";
    let auth = format!("auth: [ {{ oauth2: {oauth2} }}, {{ api_key: {key} }} ]");
    let shows = |name: &str| {
        let tls = format!("ca: ca.pem, certificate: {name}.pem, key: {name}.key");
        format!(
            "{}\n    token_endpoint: {{ tls: {{ ca: ca.pem }} }}\n    {auth}",
            target(&peer, &tls)
        )
    };
    let engine = folder.start(&[("a", shows("a")), ("b", shows("b"))]).await.unwrap();
    for name in ["a", "b", "a"] {
        let expected = format!("delivered: 200 {name}, Bearer of-{name}, k3y");
        assert_eq!(sent(&engine, name).await, expected);
    }
}

/// A certificate is a credential like others.
#[tokio::test]
async fn another_origin_is_not_shown_the_certificate_of_the_target() {
    let (servers, callers, folder) = (Authority::new(), Authority::new(), Folder::new());
    let pair = callers.sign("a");
    write(&folder, &pair, "a");
    folder.write("ca.pem", &servers.pem);
    let peers = [Some(&callers), None, Some(&callers)];
    let [first, open, closed] =
        peers.map(|callers| Peer::start(server(&servers, callers, ALL), true));
    let (first, open, closed) = (first.await, open.await, closed.await);
    first.knows(&pair, "a");
    closed.knows(&pair, "a");
    let at = |peer: &Peer| {
        let to = format!("{}to/{}", first.url(), peer.address.port());
        let tls = "{ ca: ca.pem, certificate: a.pem, key: a.key }";
        format!("url: {to}\n    tls: {tls}\n    redirects: {{ max: 1 }}")
    };
    let targets = [("itself", at(&first)), ("open", at(&open)), ("closed", at(&closed))];
    let engine = folder.start(&targets).await.unwrap();
    assert_eq!(sent(&engine, "itself").await, "delivered: 200 a");
    assert_eq!(sent(&engine, "open").await, "delivered: 200 nobody");
    let ended = sent(&engine, "closed").await;
    assert!(ended.starts_with("failed: tls: no TLS session: "), "{ended}");
    assert_eq!(closed.connections(), 0);
}

#[tokio::test]
async fn files_that_change_hold_at_the_next_connection() {
    let (servers, callers, folder) = (Authority::new(), Authority::new(), Folder::new());
    let peer = Peer::start(server(&servers, Some(&callers), ALL), false).await;
    let (old, new) = (callers.sign("old"), callers.sign("new"));
    peer.knows(&old, "old");
    peer.knows(&new, "new");
    write(&folder, &old, "client");
    folder.write("ca.pem", &servers.pem);
    let tls = "ca: ca.pem, certificate: client.pem, key: client.key";
    let engine = folder.one(target(&peer, tls)).await;
    assert_eq!(sent(&engine, "api").await, "delivered: 200 old");
    // Between two writes: the certificate is there, its key is not yet.
    folder.write("client.pem", &new.0);
    assert_eq!(sent(&engine, "api").await, "delivered: 200 old");
    folder.write("client.key", &new.1);
    assert_eq!(sent(&engine, "api").await, "delivered: 200 new");
    folder.write("client.key", "canary");
    assert_eq!(sent(&engine, "api").await, "delivered: 200 new");
    // Another authority: the server is not trusted any more.
    folder.write("ca.pem", &Authority::new().pem);
    let ended = sent(&engine, "api").await;
    assert!(
        ended.starts_with("failed: tls: no TLS session: we do not take the server's certificate"),
        "{ended}"
    );
    folder.write("ca.pem", &servers.pem);
    assert_eq!(sent(&engine, "api").await, "delivered: 200 new");
}

#[tokio::test]
async fn an_older_version_is_not_spoken() {
    let (servers, folder) = (Authority::new(), Folder::new());
    folder.write("ca.pem", &servers.pem);
    let peer = Peer::start(server(&servers, None, &[&TLS12]), true).await;
    let engine = folder
        .start(&[
            ("newer", target(&peer, "ca: ca.pem, min_version: '1.3'")),
            ("any", target(&peer, "ca: ca.pem")),
        ])
        .await
        .unwrap();
    assert_eq!(sent(&engine, "any").await, "delivered: 200 nobody");
    let ended = sent(&engine, "newer").await;
    assert!(ended.starts_with("failed: tls: no TLS session: "), "{ended}");
}

#[tokio::test]
async fn what_is_wrong_with_files_is_said_at_the_start_and_shows_nothing_of_them() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let (one, other) = (authority.sign("one"), authority.sign("other"));
    write(&folder, &one, "one");
    write(&folder, &other, "other");
    folder.write("canary.pem", "canary");
    let lines = |tls: &str| format!("url: https://localhost/\n    tls: {{ {tls} }}");
    let started = folder
        .start(&[
            ("a", lines("ca: none.pem, certificate: canary.pem, key: canary.pem")),
            ("b", lines("certificate: one.pem, key: other.key")),
            ("c", lines("certificate: one.pem, key: one.key")),
        ])
        .await;
    let says = started.err().unwrap().to_string();
    let says = says.replace(&folder.at("").display().to_string(), "");
    let lines: Vec<_> = says.lines().collect();
    assert_eq!(
        lines,
        [
            "target `a` cannot be connected to: none.pem: No such file or directory (os error 2)",
            "canary.pem: has no certificate (PEM: `-----BEGIN CERTIFICATE-----`)",
            "canary.pem: has no private key (PEM: `-----BEGIN PRIVATE KEY-----`, not encrypted)",
            "target `b` cannot be connected to: other.key: is not the key of the certificate in one.pem",
        ]
    );
}

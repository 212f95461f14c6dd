//! `connection`, `tls`, `proxy` and `unix`, as they are written.

use std::time::Duration;

use fanfare::policy::{Addresses, By, Connection, HttpVersion, Redirects};

use super::{read, target};

#[test]
fn how_a_target_is_connected_to_is_what_is_written() {
    let connection =
        |lines: &str| read(&target(lines)).unwrap().targets[0].policy.connection.clone();
    assert_eq!(*connection(""), Connection::default());
    let pool = connection(
        "connection: { connect_timeout: 1s, idle_timeout: 2s, idle_max: 3, http: '1.1' }",
    );
    assert_eq!(
        (pool.connect_timeout, pool.idle_timeout),
        (Duration::from_secs(1), Duration::from_secs(2))
    );
    assert_eq!((pool.idle_per_host_max, pool.http), (3, HttpVersion::Http1));
    let tls = connection("tls: { ca: ca.pem, certificate: a.pem, key: a.key, min_version: '1.3' }");
    assert_eq!(
        format!("{:?}", tls.tls),
        "Tls { ca: Some(\"ca.pem\"), identity: Some(TlsIdentity { certificate: \"a.pem\", key: \"a.key\" }), version_min: Tls13 }"
    );
    let proxy =
        connection("proxy: { url: 'socks5://p.example:1080', user: me, password: '${env:TOKEN}' }");
    assert_eq!(format!("{:?}", proxy.by), "Proxy(Proxy(socks5://p.example:1080))");
    assert_eq!(connection("unix: /run/a.sock").by, By::Unix("/run/a.sock".into()));
    for (lines, says) in [
        (
            "connection: { connect_timeout: 0s }",
            "connection.connect_timeout: is nothing: longer than zero would be right",
        ),
        (
            "connection: { http: '3' }",
            "connection.http: is not right: `auto`, `1.1` or `2` would be",
        ),
        ("connection: { idle_max: 0 }", "connection.idle_max: is less than 1"),
        ("tls: { certificate: a.pem }", "tls.certificate: needs its private key: `key`"),
        ("tls: { key: a.key }", "tls.key: needs the certificate that it belongs to: `certificate`"),
        ("tls: { min_version: '1.1' }", "tls.min_version: is not right: `1.2` or `1.3` would be"),
        (
            "tls: { verify: false }",
            "tls.verify: is not a known key: `ca`, `certificate`, `key` or `min_version` would be",
        ),
        (
            "proxy: { url: 'http://u:s3cret@p.example' }",
            "proxy.url: has user info: `user` and `password` are its place",
        ),
        (
            "proxy: { url: 'ftp://p.example' }",
            "proxy.url: is no proxy: `http://HOST:PORT`, or the same with `https`, `socks5` or `socks5h` would be",
        ),
        (
            "proxy: { url: 'http://p.example', password: s3cret }",
            "proxy.password: has nobody whose it is: `user` is missing",
        ),
        (
            "unix: a.sock\n    proxy: { url: 'http://p.example' }",
            "unix: leads past `proxy`: one of them would be right",
        ),
    ] {
        let found = read(&target(lines)).err().unwrap_or_default();
        assert!(found.contains(says) && !found.contains("s3cret"), "{lines}:\n{found}");
    }
}

#[test]
fn where_a_target_may_be_reached_is_what_is_written() {
    let policy = |lines: &str| read(&target(lines)).unwrap().targets[0].policy.clone();
    let addresses = |lines: &str| policy(lines).connection.addresses.clone();
    assert_eq!(addresses(""), None);
    assert_eq!(addresses("addresses: public"), Some(Addresses::public()));
    let rules = "addresses: { allow: [10.1.0.0/16, 'fd00::1'], deny: [192.0.9.1], ports: [443], https_only: true }";
    let rules = addresses(rules).unwrap();
    assert_eq!(
        format!("{:?} {:?}", rules.allow, rules.deny),
        "[10.1.0.0/16, fd00::1/128] [192.0.9.1/32]"
    );
    assert_eq!((rules.ports.as_slice(), rules.https_only), ([443].as_slice(), true));
    let redirects = policy("redirects: { max: 3, keep_method: true }");
    assert_eq!(redirects.redirects, Some(Redirects { hops_max: 3, keeps_method: true }));
    assert_eq!(redirects.gate.exchanges_max, 4);
    assert_eq!(
        policy("redirects: {}").redirects,
        Some(Redirects { hops_max: 5, keeps_method: false })
    );
    for (lines, says) in [
        (
            "addresses: { allow: [10.0.0.1/8] }",
            "addresses.allow.0: has bits behind its length: its first address would be right",
        ),
        (
            "addresses: { deny: [example.com, '1.1.1.1'] }",
            "addresses.deny.0: is neither a range nor an address: `10.1.0.0/16` or `fd00:1::1` would be",
        ),
        (
            "addresses: { deny: ['::ffff:10.0.0.0/104'] }",
            "addresses.deny.0: is IPv4 in IPv6, and would never be met: IPv4 would be right",
        ),
        ("addresses: { ports: [0] }", "addresses.ports.0: is less than 1"),
        (
            "addresses: public\n    unix: a.sock",
            "addresses: is not looked at where `unix` leads: one of them would be right",
        ),
        (
            "addresses: public\n    proxy: { url: 'http://p.example' }",
            "addresses: is not looked at where `proxy` leads: one of them would be right",
        ),
        (
            "redirects: {}\n    unix: a.sock",
            "redirects: have nowhere to lead from a Unix socket (`unix`)",
        ),
        ("redirects: { max: 21 }", "redirects.max: is more than 20"),
    ] {
        let found = read(&target(lines)).err().unwrap_or_default();
        assert!(found.contains(says), "{lines}:\n{found}");
    }
}

#[test]
fn how_a_token_endpoint_is_connected_to_is_what_is_written() {
    const OAUTH2: &str =
        "auth: { oauth2: { token_url: 'https://a.example/', client_id: me, client_secret: s } }";
    const BY_TLS: &str =
        "auth: { oauth2: { token_url: 'https://a.example/', client_id: me, client_auth: tls } }";
    let policy = |lines: &str| read(&target(lines)).unwrap().targets[0].policy.clone();
    // Nothing of the target's own.
    let own = "tls: { ca: ca.pem, certificate: a.pem, key: a.key }\n    unix: a.sock";
    assert_eq!(policy(&format!("{own}\n    {OAUTH2}")).token_endpoint, None);
    let proxy =
        "token_endpoint: { proxy: { url: 'http://p.example' }, connection: { http: '1.1' } }";
    let proxy = policy(&format!("{own}\n    {OAUTH2}\n    {proxy}")).token_endpoint.unwrap();
    assert_eq!(format!("{:?} {:?}", proxy.by, proxy.http), "Proxy(Proxy(http://p.example)) Http1");
    assert_eq!(proxy.tls, Connection::default().tls);
    // But for its certificate, where that is who we are there, too.
    let shown = policy(&format!("{own}\n    {BY_TLS}")).token_endpoint.unwrap();
    assert_eq!((shown.by.clone(), &shown.tls.ca), (By::Host, &None));
    assert!(format!("{:?}", shown.tls.identity).contains("\"a.pem\""));
    let other = "token_endpoint: { tls: { certificate: b.pem, key: b.key } }";
    let other = policy(&format!("{own}\n    {BY_TLS}\n    {other}")).token_endpoint.unwrap();
    assert!(format!("{:?}", other.tls.identity).contains("\"b.pem\""));
    for (lines, says) in [
        (
            "token_endpoint: {}".to_owned(),
            "token_endpoint: is nobody's: there is no `auth` that asks it",
        ),
        (
            BY_TLS.to_owned(),
            "tls: has no certificate for `client_auth: tls`: `certificate` and `key` would be right",
        ),
        (
            format!("{OAUTH2}\n    addresses: public\n    token_endpoint: {{ unix: a.sock }}"),
            "token_endpoint.unix: leads past the target's `addresses`, which hold for it too",
        ),
        (
            format!("{OAUTH2}\n    token_endpoint: {{ tls: {{ key: a.key }} }}"),
            "token_endpoint.tls.key: needs the certificate that it belongs to: `certificate`",
        ),
    ] {
        let found = read(&target(&lines)).err().unwrap_or_default();
        assert!(found.contains(says), "{lines}:\n{found}");
    }
}

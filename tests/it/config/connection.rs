//! `connection`, `tls`, `proxy` and `unix`, as they are written.

use std::time::Duration;

use fanfare::policy::{By, Connection, HttpVersion};

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

//! Proxies, Unix sockets, and the limits of a pool.

use std::{net::SocketAddr, time::Duration};

use fanfare_testkit::{MockApi, Scripted};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixListener},
};

use super::{
    peer::spawn,
    stage::{Folder, sent},
};

#[tokio::test]
async fn a_request_to_plain_http_goes_to_the_proxy_with_who_we_are() {
    let proxy = MockApi::start(Scripted::status(200).body("by proxy")).await;
    let lines = format!(
        "url: http://no-such-host.invalid/path\n    proxy: {{ url: '{}', user: me, password: pa:ss }}",
        proxy.url("")
    );
    let engine = Folder::new().one(lines).await;
    assert_eq!(sent(&engine, "api").await, "delivered: 200 by proxy");
    let received = proxy.received().pop().unwrap();
    assert_eq!(received.uri.to_string(), "http://no-such-host.invalid/path");
    assert_eq!(received.header("proxy-authorization"), Some("Basic bWU6cGE6c3M="));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_has_sent_nothing() {
    let gone = MockApi::start(Scripted::status(200)).await;
    let proxy = gone.url("");
    gone.stop().await;
    for url in ["http://no-such-host.invalid/", "https://no-such-host.invalid/"] {
        let lines =
            format!("url: {url}\n    proxy: {{ url: '{proxy}', user: u, password: canary }}");
        let engine = Folder::new().one(lines).await;
        let ended = sent(&engine, "api").await;
        assert_eq!(ended, "failed: connect: no connection: connection refused");
    }
}

#[tokio::test]
async fn a_proxy_of_socks_is_told_where_to_go() {
    let api = MockApi::start(Scripted::status(200).body("by socks")).await;
    let proxy = socks(api.address()).await;
    let lines = format!(
        "url: http://no-such-host.invalid/\n    proxy: {{ url: 'socks5h://{proxy}', user: me, password: pass }}"
    );
    let engine = Folder::new().one(lines).await;
    assert_eq!(sent(&engine, "api").await, "delivered: 200 by socks");
}

/// A proxy (RFC 1928, RFC 1929) that wants `me` and `pass` and the name of a host, and connects to that address.
async fn socks(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut hello = [0; 2];
        caller.read_exact(&mut hello).await.unwrap();
        let mut methods = vec![0; usize::from(hello[1])];
        caller.read_exact(&mut methods).await.unwrap();
        assert!(hello[0] == 5 && methods.contains(&2));
        caller.write_all(&[5, 2]).await.unwrap();
        let mut user = [0; 9];
        caller.read_exact(&mut user).await.unwrap();
        assert_eq!(&user, b"\x01\x02me\x04pass");
        caller.write_all(&[1, 0]).await.unwrap();
        let mut asked = [0; 5];
        caller.read_exact(&mut asked).await.unwrap();
        assert_eq!(asked[..4], [5, 1, 0, 3]);
        let mut host = vec![0; usize::from(asked[4]) + 2];
        caller.read_exact(&mut host).await.unwrap();
        assert_eq!(host, b"no-such-host.invalid\x00\x50");
        caller.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
        let mut api = TcpStream::connect(to).await.unwrap();
        drop(copy_bidirectional(&mut caller, &mut api).await);
    });
    address
}

#[tokio::test]
async fn a_unix_socket_is_connected_to_whatever_the_host_is() {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.at("api.sock")).unwrap();
    let api = MockApi::start(Scripted::status(200).body("by socket")).await;
    let to = api.address();
    spawn(async move {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut api = TcpStream::connect(to).await.unwrap();
        drop(copy_bidirectional(&mut caller, &mut api).await);
    });
    let engine = folder
        .start(&[
            ("api", "url: http://no-such-host.invalid/\n    unix: api.sock".to_owned()),
            ("none", "url: http://localhost/\n    unix: none.sock".to_owned()),
        ])
        .await
        .unwrap();
    assert_eq!(sent(&engine, "api").await, "delivered: 200 by socket");
    assert_eq!(api.received().pop().unwrap().header("host"), Some("no-such-host.invalid"));
    assert_eq!(sent(&engine, "none").await, "failed: connect: no connection: entity not found");
}

#[tokio::test]
async fn a_pool_keeps_no_more_than_it_is_told() {
    let api = MockApi::start(Scripted::status(200).after(Duration::from_millis(50))).await;
    let lines = format!("url: '{}'\n    connection: {{ idle_max: 1 }}", api.url("/"));
    let engine = Folder::new().one(lines).await;
    for round in 0..3 {
        // All three are under way at once, and one connection is kept of them.
        let all = [sent(&engine, "api"), sent(&engine, "api"), sent(&engine, "api")];
        let all = futures_util::future::join_all(all).await;
        assert!(all.iter().all(|ended| ended == "delivered: 200 "), "{round}: {all:?}");
    }
    assert!(api.connections() >= 7, "{} connections", api.connections());
}

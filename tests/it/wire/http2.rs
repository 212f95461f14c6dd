//! HTTP/2: where it is spoken, and what a refused stream says of its request.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use h2::{Reason, server::Connection};
use http::Response;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    peer::{ALL, Authority, Peer, server, spawn},
    stage::{Folder, sent},
};

/// What becomes of a stream.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Answer,
    Reset(Reason),
}

/// A peer that speaks HTTP/2 without TLS, and does this with each stream.
async fn peer(does: Stream) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = h2::server::handshake(stream).await.unwrap();
            spawn(serve(connection, does));
        }
    });
    address
}

async fn serve(mut connection: Connection<tokio::net::TcpStream, Bytes>, does: Stream) {
    while let Some(Ok((_, mut respond))) = connection.accept().await {
        match does {
            Stream::Answer => {
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data("h2".into(), true).unwrap();
            }
            Stream::Reset(reason) => respond.send_reset(reason),
        }
    }
}

async fn check(does: Stream, expected: &str) {
    let address = peer(does).await;
    let lines = format!("url: http://{address}/\n    connection: {{ http: '2' }}");
    let engine = Folder::new().one(lines).await;
    assert_eq!(sent(&engine, "api").await, expected, "{does:?}");
}

#[tokio::test]
async fn a_stream_that_was_refused_was_not_acted_upon() {
    check(Stream::Answer, "delivered: 200 h2").await;
    let refused = "failed: reset: the connection broke: stream error received: refused stream before processing any application logic";
    check(Stream::Reset(Reason::REFUSED_STREAM), refused).await;
    let cancelled = "indeterminate: reset: the connection broke: stream error received: stream no longer needed";
    check(Stream::Reset(Reason::CANCEL), cancelled).await;
    let broken = "indeterminate: protocol: the peer broke its protocol: stream error received: unspecific protocol error detected";
    check(Stream::Reset(Reason::PROTOCOL_ERROR), broken).await;
}

#[tokio::test]
async fn a_stream_beyond_the_last_one_of_a_connection_was_not_acted_upon() {
    for (last, expected) in [(0, "failed: reset: "), (1, "indeterminate: reset: ")] {
        let lines = format!("url: http://{}/\n    connection: {{ http: '2' }}", going(last).await);
        let ended = sent(&Folder::new().one(lines).await, "api").await;
        assert!(ended.starts_with(expected), "{last}: {ended}");
        assert!(
            !ended.contains("canary"),
            "what the peer writes beside its reason is not told: {ended}"
        );
    }
}

/// A peer that says goodbye (GOAWAY) when it has the first request, whose stream is number 1: that is the last stream
/// that it has looked at.
async fn going(last: u8) -> SocketAddr {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let goaway = [0, 0, 14, 7, 0, 0, 0, 0, 0, 0, 0, 0, last, 0, 0, 0, 0];
    let goaway = [&goaway[..], b"canary"].concat();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        let (mut caller, _) = listener.accept().await.unwrap();
        caller.write_all(&SETTINGS).await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"{\"a\":1}") {
            read.push(caller.read_u8().await.unwrap());
        }
        caller.write_all(&goaway).await.unwrap();
        caller.shutdown().await.unwrap();
        drop(caller.read_to_end(&mut read).await);
    });
    address
}

#[tokio::test]
async fn what_is_spoken_is_negotiated_or_said() {
    let (authority, folder) = (Authority::new(), Folder::new());
    folder.write("ca.pem", &authority.pem);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let both = listener.local_addr().unwrap().port();
    let mut config = server(&authority, None, ALL);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let stream = acceptor.accept(stream).await.unwrap();
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                spawn(async move {
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let mut body = respond.send_response(Response::new(()), false).unwrap();
                        body.send_data("h2".into(), true).unwrap();
                    }
                });
            }
        }
    });
    let older = Peer::start(server(&authority, None, ALL), true).await;
    let at = |port: u16, http: &str| {
        format!(
            "url: https://localhost:{port}/\n    tls: {{ ca: ca.pem }}\n    connection: {{ http: {http} }}"
        )
    };
    let engine = folder
        .start(&[
            ("negotiated", at(both, "auto")),
            ("wanted", at(both, "'2'")),
            ("not-offered", at(older.address.port(), "auto")),
            ("older", at(both, "'1.1'")),
        ])
        .await
        .unwrap();
    assert_eq!(sent(&engine, "negotiated").await, "delivered: 200 h2");
    assert_eq!(sent(&engine, "wanted").await, "delivered: 200 h2");
    assert_eq!(sent(&engine, "not-offered").await, "delivered: 200 nobody");
    // The peer drops who does not take HTTP/2.
    let ended = sent(&engine, "older").await;
    assert!(ended.contains(": reset: "), "{ended}");
}

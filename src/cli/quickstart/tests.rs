//! What the three APIs answer on the wire, and that they end.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    apis::{Apis, PORTS},
    file,
};

/// The whole reply, but for its date.
async fn ask(api: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(api).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\n");
    let body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let noise = ["date: ", "connection: ", "content-length: "];
    let lines = reply.lines().filter(|line| !noise.iter().any(|name| line.starts_with(name)));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn each_api_has_its_habit() {
    let apis = Apis::start().await.unwrap();
    let [healthy, throttled, versioned] = [apis.healthy(), apis.throttled(), apis.versioned()];
    let json = "content-type: application/json\n";
    for id in [1, 2] {
        let created = format!("HTTP/1.1 201 Created\n{json}\n{{\"id\":{id}}}");
        assert_eq!(ask(healthy, "/contacts").await, created);
    }
    for _ in 0..2 {
        let later = "HTTP/1.1 429 Too Many Requests\nretry-after: 1\n";
        assert_eq!(ask(throttled, "/contacts").await, later);
        let queued = format!("HTTP/1.1 202 Accepted\n{json}\n{{\"state\":\"queued\"}}");
        assert_eq!(ask(throttled, "/contacts").await, queued);
    }
    assert_eq!(
        ask(versioned, "/v3/contacts").await,
        "HTTP/1.1 410 Gone\ncontent-type: application/problem+json\n\n\
         {\"detail\":\"this API speaks version 2\",\"status\":410,\"title\":\"Version 3 is gone\"}"
    );
    assert_eq!(
        ask(versioned, "/v2/contacts").await,
        format!(
            "HTTP/1.1 200 OK\n{json}deprecation: @1767225600\nsunset: Tue, 31 Dec 2030 23:59:59 GMT\n\
             link: </v4/contacts>; rel=\"successor-version\"\n\n{{\"state\":\"stored\"}}"
        )
    );
    apis.stop().await;
    for api in [healthy, throttled, versioned] {
        assert!(TcpStream::connect(api).await.is_err(), "{api} is free again");
    }
}

#[test]
fn the_file_names_the_ports_and_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fanfare.yaml");
    assert_eq!(file::write(dir.path()).unwrap(), file::Written::New(path.clone()));
    let text = std::fs::read_to_string(&path).unwrap();
    for port in PORTS {
        assert!(text.contains(&format!("http://127.0.0.1:{port}/")), "{port}");
    }
    std::fs::write(&path, "mine").unwrap();
    assert_eq!(file::write(dir.path()).unwrap(), file::Written::LeftAsItWas(path.clone()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    assert!(file::write(&dir.path().join("none")).is_err());
}

//! A token endpoint is another party: what a target is connected to by sees nothing of what it is sent.

use fanfare_testkit::{MockApi, Scripted};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

use super::{
    peer::{ALL, Authority, Peer, server, spawn},
    stage::{Folder, sent},
};

/// A token endpoint.
async fn issuer() -> MockApi {
    let body = r#"{"access_token":"t0k","token_type":"Bearer"}"#;
    MockApi::start(Scripted::status(200).body(body)).await
}

fn auth(token_url: &str) -> String {
    format!(
        "auth: {{ oauth2: {{ token_url: '{token_url}', client_id: me, client_secret: s3cret, client_auth: post }} }}"
    )
}

/// The one form that the token endpoint was sent.
#[track_caller]
fn asked(issuer: &MockApi) {
    let forms: Vec<_> = issuer.received().iter().map(|it| it.text().to_owned()).collect();
    assert_eq!(forms, ["grant_type=client_credentials&client_id=me&client_secret=s3cret"]);
}

#[tokio::test]
async fn the_proxy_of_a_target_does_not_see_it() {
    let (issuer, proxy) = (issuer().await, MockApi::start(Scripted::status(200).body("ok")).await);
    let auth = auth(&issuer.url("/token"));
    let lines = format!(
        "url: http://no-such-host.invalid/\n    proxy: {{ url: '{}' }}\n    {auth}",
        proxy.url("")
    );
    assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "delivered: 200 ok");
    asked(&issuer);
    let seen = proxy.received();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].header("authorization"), Some("Bearer t0k"));
    assert!(!seen[0].text().contains("s3cret"));
}

#[tokio::test]
async fn the_socket_of_a_target_does_not_see_it() {
    let (issuer, folder) = (issuer().await, Folder::new());
    let listener = UnixListener::bind(folder.at("api.sock")).unwrap();
    let seen = std::sync::Arc::<std::sync::Mutex<String>>::default();
    let heard = seen.clone();
    spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = caller.read(&mut request).await.unwrap();
            heard.lock().unwrap().push_str(&String::from_utf8_lossy(&request[..read]));
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            caller.write_all(reply).await.unwrap();
        }
    });
    let auth = auth(&issuer.url("/token"));
    let lines = format!("url: http://crm.invalid/\n    unix: api.sock\n    {auth}");
    assert_eq!(sent(&folder.one(lines).await, "api").await, "delivered: 200 ok");
    asked(&issuer);
    let seen = seen.lock().unwrap().to_ascii_lowercase();
    assert!(seen.contains("authorization: bearer t0k") && !seen.contains("s3cret"), "{seen}");
}

#[tokio::test]
async fn it_has_an_authority_and_a_proxy_of_its_own() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let peer = Peer::start(server(&authority, None, ALL), true).await;
    folder.write("ca.pem", &authority.pem);
    let issuer = issuer().await;
    let own = format!("token_endpoint: {{ proxy: {{ url: '{}' }} }}", issuer.url(""));
    let auth = auth("http://login.invalid/token");
    let lines = format!("url: '{}'\n    tls: {{ ca: ca.pem }}\n    {own}\n    {auth}", peer.url());
    let ended = sent(&folder.one(lines).await, "api").await;
    assert!(ended.starts_with("delivered: 200 ") && ended.ends_with("Bearer t0k"), "{ended}");
    asked(&issuer);
    // The target's authority is none of the token endpoint: nothing is sent there.
    let auth = super::token_endpoint::auth(&format!("{}token", peer.url()));
    let api = MockApi::start(Scripted::status(200)).await;
    let lines = format!(
        "url: '{}'\n    tls: {{ ca: ca.pem }}\n    give_up_after: 300ms\n    {auth}",
        api.url("/")
    );
    let connections = peer.connections();
    let ended = sent(&folder.one(lines).await, "api").await;
    assert!(ended.contains("failed: auth: ") && ended.contains("TLS"), "{ended}");
    assert_eq!((peer.connections(), api.received().len()), (connections, 0));
}

#[tokio::test]
async fn it_is_no_freer_than_its_target() {
    let (issuer, api) = (issuer().await, MockApi::start(Scripted::status(200).body("ok")).await);
    let auth = auth(&issuer.url("/token"));
    let port = api.address().port();
    let only = format!("addresses: {{ allow: [127.0.0.1], ports: [{port}] }}");
    let lines = format!("url: '{}'\n    {only}\n    {auth}", api.url("/"));
    let ended = sent(&Folder::new().one(lines.clone()).await, "api").await;
    assert!(ended.starts_with("failed: auth: "), "{ended}");
    assert_eq!((issuer.connections(), api.connections()), (0, 0));
    let wider = "token_endpoint: { addresses: { allow: [127.0.0.1] } }";
    // Another URL: what has failed is not asked again within the minute.
    let auth = super::token_endpoint::auth(&issuer.url("/other"));
    let lines = format!("url: '{}'\n    {only}\n    {wider}\n    {auth}", api.url("/"));
    assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "delivered: 200 ok");
    asked(&issuer);
}

//! What is said of an attempt that brought no reply: who did not do what, and whether it may have been applied.

use fanfare_testkit::{MockApi, Scripted};
use tokio::net::TcpListener;

use super::{
    peer::{ALL, Authority, Peer, server},
    stage::{Folder, send},
};

/// How a delivery to a target with these lines ends: the outcome with its reason, and what its last attempt died of.
async fn told(folder: &Folder, lines: String) -> String {
    let report = send(&folder.one(lines).await, "api").await;
    let delivery = &report.deliveries[0];
    let ended = delivery.attempts.last().and_then(|it| it.ended.as_ref()).unwrap();
    format!("{}: {}", delivery.outcome.unwrap(), ended.error.as_ref().unwrap().message)
}

#[tokio::test]
async fn it_is_said_what_happened_on_the_wire() {
    let folder = Folder::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused = told(&folder, format!("url: http://{closed}/")).await;
    assert_eq!(refused, "failed (all attempts used up): no connection: connection refused");
    let nowhere = told(&folder, "url: http://nobody.invalid/".to_owned()).await;
    assert!(nowhere.starts_with("failed (all attempts used up): the host's name has no address: "));
    for (script, expected) in [
        (Scripted::reset_after(), "indeterminate (all attempts used up): the connection broke"),
        (Scripted::garbage(), "indeterminate (all attempts used up): the peer broke its protocol"),
        (Scripted::hang(), "indeterminate (all attempts used up): no answer in time"),
    ] {
        let api = MockApi::start(script).await;
        let lines =
            format!("url: '{}'\n    repeat: same_endpoint\n    timeout: 300ms", api.url("/"));
        let found = told(&folder, lines).await;
        assert!(found.starts_with(expected), "{found}");
    }
    // Here nobody was asked.
    let lines = format!("url: http://localhost:{}/\n    addresses: public", closed.port());
    let address = told(&folder, lines).await;
    assert_eq!(
        address,
        "failed (the address may not be called): the address may not be called: \
         it is not public (loopback), and `addresses.allow` does not have it"
    );
}

#[tokio::test]
async fn it_is_said_whose_certificate_is_not_taken() {
    let (servers, callers, folder) = (Authority::new(), Authority::new(), Folder::new());
    folder.write("ca.pem", &servers.pem);
    folder.write("other.pem", &callers.pem);
    let peer = Peer::start(server(&servers, None, ALL), true).await;
    let wants = Peer::start(server(&servers, Some(&callers), ALL), true).await;
    let tls = |url: &str, ca: &str| format!("url: {url}\n    tls: {{ ca: {ca} }}");
    let port = peer.address.port();
    let plain = MockApi::start(Scripted::status(200)).await;
    for (lines, expected) in [
        (
            tls(&peer.url(), "other.pem"),
            "we do not take the server's certificate: nobody who is trusted has signed it; `tls.ca` says who is trusted",
        ),
        (
            tls(&format!("https://127.0.0.1:{port}/"), "ca.pem"),
            "we do not take the server's certificate: it is for another name than that of the URL",
        ),
        (
            tls(&wants.url(), "ca.pem"),
            "the server wants a certificate of ours, `tls.certificate` (CertificateRequired)",
        ),
        (
            tls(&plain.url("/").replace("http:", "https:"), "ca.pem"),
            "received corrupt message of type InvalidContentType",
        ),
    ] {
        let expected = format!("failed (no TLS session): no TLS session: {expected}");
        assert_eq!(told(&folder, lines).await, expected);
    }
}

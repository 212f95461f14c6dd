//! Configurations, secrets and targets are exchanged while clients send: nothing is lost, nothing comes twice.

use std::{
    collections::HashMap,
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fanfare_testkit::{MockApi, Scripted};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use crate::child::{Daemon, ask};

/// Clients at the same time.
const CLIENTS: usize = 3;

/// Configurations that are taken over.
const RELOADS: usize = 12;

/// Those that are not right, between them.
const BAD_EACH: usize = 4;

struct Apis {
    steady: MockApi,
    secret: MockApi,
    guest: MockApi,
}

/// The `turn`th: a token that changes each time, a target that is there every second time, another endpoint.
fn config(folder: &Path, apis: &Apis, turn: usize) {
    let has_guest = turn % 2 == 1;
    let guest = format!("  guest: {{ kind: http, url: '{}' }}\n", apis.guest.url("/"));
    let (guest, to) = if has_guest { (guest.as_str(), ", guest") } else { ("", "") };
    fs::write(folder.join("token"), format!("token {turn}\n")).unwrap();
    let text = format!(
        "engine: {{ on_removed: finish }}\ntargets:\n{guest}  steady: {{ kind: http, url: '{}' }}\n  \
         secret: {{ kind: http, url: '{}', headers: {{ x-token: '${{file:token}}' }} }}\n\
         routes:\n  all: {{ to: [steady, secret{to}] }}\n",
        apis.steady.url("/"),
        apis.secret.url(&format!("/{}", turn / 3)),
    );
    fs::write(folder.join("fanfare.yaml"), text).unwrap();
}

/// Sends until it is told to end. Gives what was accepted. Whoever is refused has found a bug.
async fn client(address: SocketAddr, ends: Arc<AtomicBool>) -> Vec<String> {
    let mut accepted = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let sent = ask(address, "POST /v1/broadcasts", "", r#"{"route":"all","payload":1}"#).await;
        let (status, told) = sent.unwrap();
        assert_eq!(status, 202, "{told}");
        accepted.push(told["id"].as_str().unwrap().to_owned());
    }
    accepted
}

async fn settled(address: SocketAddr, id: &str) -> Value {
    let line = format!("GET /v1/broadcasts/{id}?until=settled");
    ask(address, &line, "prefer: wait=60\r\n", "").await.unwrap().1
}

fn targets(report: &Value) -> String {
    let names = report["deliveries"].as_array().unwrap().iter();
    names.map(|it| it["target"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_comes_twice_while_configurations_are_exchanged() {
    let ok = || MockApi::start(Scripted::status(200));
    let apis = Apis { steady: ok().await, secret: ok().await, guest: ok().await };
    let folder = TempDir::new().unwrap();
    config(folder.path(), &apis, 0);
    let daemon = Daemon::start(folder.path(), &[]).await;
    let address = daemon.address;
    let ends = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(address, ends.clone()));
    }
    for turn in 1..=RELOADS {
        if turn % BAD_EACH == 0 {
            fs::write(folder.path().join("fanfare.yaml"), "targets: { odd: {} }\n").unwrap();
            let (status, told) = ask(address, "POST /v1/reload", "", "").await.unwrap();
            assert_eq!(status, 422, "{told}");
        }
        config(folder.path(), &apis, turn);
        let (status, told) = ask(address, "POST /v1/reload", "", "").await.unwrap();
        assert!(status == 200 && told["changed"] == true, "{told}");
        // Who comes after it sees it.
        let body = r#"{"route":"all","payload":1}"#;
        let sent = ask(address, "POST /v1/broadcasts", "", body).await.unwrap().1;
        let report = settled(address, sent["id"].as_str().unwrap()).await;
        let expected = if turn % 2 == 1 { "steady secret guest" } else { "steady secret" };
        assert_eq!(targets(&report), expected, "{report:#}");
        let key = report["deliveries"][1]["attempts"][0]["idempotency_key"].as_str().unwrap();
        let arrived = apis.secret.received();
        let arrived = arrived.iter().find(|it| it.header("idempotency-key") == Some(key)).unwrap();
        assert_eq!(arrived.header("x-token"), Some(format!("token {turn}").as_str()));
    }
    ends.store(true, Ordering::Relaxed);
    let accepted = clients.join_all().await.concat();
    assert!(accepted.len() > RELOADS, "they have sent something: {}", accepted.len());
    let mut reports = Vec::new();
    for id in &accepted {
        reports.push(settled(address, id).await);
    }
    let mut arrived: HashMap<String, usize> = HashMap::new();
    for request in [&apis.steady, &apis.secret, &apis.guest].iter().flat_map(|it| it.received()) {
        *arrived.entry(request.header("idempotency-key").unwrap().to_owned()).or_default() += 1;
    }
    for report in reports {
        assert!(["steady secret", "steady secret guest"].contains(&targets(&report).as_str()));
        for delivery in report["deliveries"].as_array().unwrap() {
            assert_eq!(delivery["outcome"], "delivered", "{report:#}");
            let key = delivery["attempts"][0]["idempotency_key"].as_str().unwrap();
            assert_eq!(arrived.get(key), Some(&1), "{report:#}");
        }
    }
    assert_eq!(daemon.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_has_the_configuration_read_again() {
    let ok = || MockApi::start(Scripted::status(200));
    let apis = Apis { steady: ok().await, secret: ok().await, guest: ok().await };
    let folder = TempDir::new().unwrap();
    config(folder.path(), &apis, 0);
    let daemon = Daemon::start(folder.path(), &[]).await;
    let ready = async || ask(daemon.address, "GET /readyz", "", "").await.unwrap().1;
    assert_eq!(ready().await["reload"], Value::Null);
    config(folder.path(), &apis, 1);
    daemon.hang_up().await;
    while ready().await["reload"].is_null() {
        sleep(Duration::from_millis(10)).await;
    }
    let routes = ask(daemon.address, "GET /v1/routes", "", "").await.unwrap().1;
    assert_eq!(routes["routes"][0]["to"].as_array().unwrap().len(), 3, "{routes}");
    assert_eq!(daemon.end().await, Some(0));
}

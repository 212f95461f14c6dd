//! `fanfare tail` beside a daemon that comes and goes.

use std::{fs, process::Stdio};

use fanfare_testkit::{MockApi, Scripted};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

use crate::child::{Daemon, ask};

struct Tail {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Tail {
    fn start(daemon: &Daemon, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["tail", "--server", &format!("http://{}", daemon.address)])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    /// The lines up to the first one with that in it.
    async fn until(&mut self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.out.next_line().await.unwrap() {
            lines.push(line);
            if lines.last().is_some_and(|line| line.contains(text)) {
                return lines;
            }
        }
        panic!("`{text}` did not come: {lines:?}");
    }

    /// Waits until standard error says so.
    async fn warned(&mut self, text: &str) {
        while let Some(line) = self.err.next_line().await.unwrap() {
            if line.contains(text) {
                return;
            }
        }
        panic!("`{text}` was not said");
    }
}

async fn stage() -> (TempDir, MockApi) {
    let (folder, crm) = (TempDir::new().unwrap(), MockApi::start(Scripted::status(201)).await);
    let config = format!("targets:\n  crm: {{ kind: http, url: '{}' }}\n", crm.url("/"));
    fs::write(folder.path().join("fanfare.yaml"), config).unwrap();
    (folder, crm)
}

async fn send(daemon: &Daemon) -> String {
    let body = r#"{"to":["crm"],"payload":1}"#;
    let wait = "prefer: wait=30\r\n";
    let (status, report) = ask(daemon.address, "POST /v1/broadcasts", wait, body).await.unwrap();
    assert_eq!(status, 200, "{report}");
    report["id"].as_str().unwrap().to_owned()
}

/// Sends until the tail has seen one of them: it may not have been there before.
async fn first_seen(tail: &mut Tail, daemon: &Daemon) {
    loop {
        send(daemon).await;
        let soon = std::time::Duration::from_secs(1);
        if tokio::time::timeout(soon, tail.until("settled after")).await.is_ok() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_the_daemon_was_killed() {
    let (folder, _crm) = stage().await;
    let daemon = Daemon::start(folder.path(), &[]).await;
    let mut tail = Tail::start(&daemon, &[]);
    first_seen(&mut tail, &daemon).await;
    let (address, id) = (daemon.address, send(&daemon).await);
    tail.until(&format!("{id}  settled after")).await;
    daemon.kill().await;
    tail.warned("disconnected: ").await;
    let daemon = Daemon::start_at(address, folder.path(), &[], &[]).await;
    tail.warned("connected again").await;
    let gap = tail.until("missing").await;
    assert!(gap.last().unwrap().ends_with("some events are missing: the daemon was started again"));
    let again = send(&daemon).await;
    let lines = tail.until(&format!("{again}  settled after")).await;
    assert!(lines.iter().all(|line| line.contains(&again)), "{lines:?}");

    // What is in the journal is told also of what happened before the kill.
    let mut one = Tail::start(&daemon, &["--broadcast", &id]);
    let story = one.until("settled after").await;
    let says: Vec<_> = story.iter().map(|line| line.split("  ").nth(1).unwrap()).collect();
    assert_eq!(says[..2], ["accepted: 1 recipient", "crm: attempt 1 begins"]);
    assert!(says[2].starts_with("crm: attempt 1: 201, "), "{says:?}");
    assert!(says[3].starts_with("crm: delivered, "), "{says:?}");
    assert_eq!(says[4], "satisfied by all");
    assert_eq!(one.child.wait().await.unwrap().code(), Some(0));

    let pid = tail.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    assert_eq!(tail.child.wait().await.unwrap().code(), Some(130));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_nobody_reads_it() {
    let (folder, _crm) = stage().await;
    let daemon = Daemon::start(folder.path(), &[]).await;
    let id = send(&daemon).await;
    let mut one = Tail::start(&daemon, &["--broadcast", &id, "--output", "json"]);
    let first = one.out.next_line().await.unwrap().unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    assert_eq!((&first["kind"], &first["broadcast"]), (&"broadcast_accepted".into(), &id.into()));

    let mut tail = Tail::start(&daemon, &[]);
    first_seen(&mut tail, &daemon).await;
    let Tail { mut child, out, err } = tail;
    drop(out);
    while child.try_wait().unwrap().is_none() {
        send(&daemon).await;
    }
    assert_eq!(child.wait().await.unwrap().code(), Some(0));
    drop(err);

    let mut wrong = Tail::start(&daemon, &["--kind", "odd"]);
    wrong.warned("kind: `odd` must be some of").await;
    assert_eq!(wrong.child.wait().await.unwrap().code(), Some(2));
}

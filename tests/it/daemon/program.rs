//! `fanfare serve` and the commands that ask it, as a person types them.

use std::{fs, path::Path, process::Stdio};

use fanfare_testkit::{MockApi, Scripted};
use tempfile::TempDir;
use tokio::process::Command;

use crate::child::Daemon;

/// Exit status, standard output, standard error.
pub(super) type Said = (Option<i32>, String, String);

pub(super) struct Shell {
    pub(super) folder: TempDir,
    pub(super) server: String,
}

impl Shell {
    pub(super) async fn run(&self, typed: &str) -> Said {
        // What stands in quotes is one word.
        let words = typed.split('\'').enumerate().flat_map(|(place, part)| {
            let quoted = place % 2 == 1;
            let words: Vec<_> = if quoted { vec![part] } else { part.split_whitespace().collect() };
            words.into_iter().map(str::to_owned).collect::<Vec<_>>()
        });
        let output = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(words)
            .current_dir(self.folder.path())
            .env("FANFARE_SERVER", &self.server)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

/// Two targets, and a route to both.
pub(super) fn config(folder: &TempDir, crm: &MockApi, audit: &MockApi) {
    let config = format!(
        "targets:\n  crm: {{ kind: http, url: '{}', retry: {{ attempts: 1 }} }}\n  \
         audit: {{ kind: http, url: '{}', retry: {{ attempts: 1 }} }}\nroutes:\n  both: {{ to: [crm, audit] }}\n",
        crm.url("/"),
        audit.url("/")
    );
    fs::write(folder.path().join("fanfare.yaml"), config).unwrap();
}

async fn shell(folder: TempDir, crm: &MockApi, audit: &MockApi) -> (Shell, Daemon) {
    config(&folder, crm, audit);
    let daemon = Daemon::start(folder.path(), &[]).await;
    let server = format!("http://{}", daemon.address);
    (Shell { folder, server }, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_found_and_sent_again() {
    let refused = vec![Scripted::status(422), Scripted::status(200)];
    let (crm, audit) = (MockApi::start(Scripted::status(201)).await, MockApi::start(refused).await);
    let (shell, daemon) = shell(TempDir::new().unwrap(), &crm, &audit).await;
    let send = format!("send '{{\"n\": 1.50}}' --server {} --route both", shell.server);
    let (status, out, err) = shell.run(&send).await;
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.starts_with("delivered  crm    201"), "{out}");
    assert!(out.contains("failed     audit  422"), "{out}");
    assert_eq!(audit.received()[0].text(), "{\"n\": 1.50}", "as it was typed");

    let (status, out, _) = shell.run("dead-letters").await;
    assert_eq!(status, Some(0));
    assert!(out.contains("failed  audit") && out.ends_with("refused by the API\n"), "{out}");
    let (_, out, _) = shell.run("replay --target audit --dry-run").await;
    assert_eq!(out, "1 would be sent again\n");
    let (status, out, _) = shell.run("replay --target audit").await;
    assert!(status == Some(0) && out.ends_with("1 sent again\n"), "{out}");
    assert_eq!(audit.at_least(2).await.len(), 2);
    let keys: Vec<_> =
        audit.received().iter().map(|it| it.header("idempotency-key").map(str::to_owned)).collect();
    assert_eq!(keys[0], keys[1], "the same key");
    assert_eq!(shell.run("dead-letters").await.1, "");
    let (_, out, _) = shell.run("broadcasts --route both").await;
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(out.lines().next().is_some_and(|line| line.contains("replays ")), "{out}");
    let id = out.lines().last().unwrap().split(' ').next().unwrap();
    assert!(shell.run(&format!("broadcasts {id}")).await.1.contains("failed     audit  422"));

    assert_eq!(daemon.end().await, Some(0));
    let (status, out, _) = shell.run("journal check").await;
    assert_eq!((status, out.as_str()), (Some(0), "fanfare.db: all is as it must be\n"));
    assert!(shell.run("journal stats").await.1.starts_with("broadcasts    2 (0 open)\n"));
    let (status, _, err) = shell.run("dead-letters").await;
    assert_eq!(status, Some(3), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lever_is_pulled_and_outlives_the_daemon() {
    let ok = || MockApi::start(Scripted::status(200));
    let (crm, audit) = (ok().await, ok().await);
    let (first, daemon) = shell(TempDir::new().unwrap(), &crm, &audit).await;
    let (status, out, _) =
        first.run(&format!("targets --server {} --pause crm", first.server)).await;
    assert!(status == Some(0) && out.contains("crm    http  paused"), "{out}");
    daemon.kill().await;
    let (second, daemon) = shell(first.folder, &crm, &audit).await;
    let (_, out, _) = second.run(&format!("targets --server {}", second.server)).await;
    assert!(out.contains("crm    http  paused") && out.contains("audit  http  ready"), "{out}");
    let (status, _, err) =
        second.run(&format!("targets --server {} --pause odd", second.server)).await;
    assert_eq!((status, err.as_str()), (Some(2), "error: there is no target `odd`\n"));
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_before_anything_begins() {
    let shell = Shell { folder: TempDir::new().unwrap(), server: String::new() };
    let check = async |typed: &str, status: i32, expected: &str| {
        let (code, _, err) = shell.run(typed).await;
        assert_eq!((code, err.as_str()), (Some(status), expected), "{typed}");
    };
    let file =
        |text: &str| fs::write(Path::new(shell.folder.path()).join("fanfare.yaml"), text).unwrap();
    file("targets: { a: { kind: http, url: 'http://127.0.0.1:9/' } }\n");
    check(
        "serve --listen 0.0.0.0:8080 --grace soon",
        2,
        "error: --grace: `soon` is not a duration: `250ms`, `5s` or `1m30s` would be right\n\
         error: --listen: 0.0.0.0:8080 can be reached from elsewhere, and callers need no key: 127.0.0.1:8080 would be right\n",
    )
    .await;
    fs::write(shell.folder.path().join("other.db"), "no journal, but a text of some length")
        .unwrap();
    check("journal check other.db", 2, "error: other.db: file is not a database\n").await;
    check(
        "send '1' --server ftp://x --route a",
        2,
        "error: --server: `http://127.0.0.1:8080` would be right\n",
    )
    .await;
    check(
        "send '1' --server http://127.0.0.1:9",
        2,
        "error: nobody to send to: add `--route NAME` or `--target NAME`\n",
    )
    .await;
}

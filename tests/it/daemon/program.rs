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
        self.run_as(typed, "FANFARE_NOTHING", "").await
    }

    /// With that in the environment.
    async fn run_as(&self, typed: &str, name: &str, value: &str) -> Said {
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
            .env_remove("FANFARE_KEYS")
            .env_remove("FANFARE_KEY")
            .env(name, value)
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
    shell_with(folder, (crm, audit), &[]).await
}

async fn shell_with(
    folder: TempDir,
    (crm, audit): (&MockApi, &MockApi),
    variables: &[(String, String)],
) -> (Shell, Daemon) {
    config(&folder, crm, audit);
    let daemon = Daemon::start(folder.path(), variables).await;
    let server = format!("http://{}", daemon.address);
    (Shell { folder, server }, daemon)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_found_and_sent_again() {
    let no = Scripted::status(422).body("{\"error\":{\"message\":\"no such customer\"}}");
    let refused = vec![no, Scripted::status(200)];
    let (crm, audit) = (MockApi::start(Scripted::status(201)).await, MockApi::start(refused).await);
    let (shell, daemon) = shell(TempDir::new().unwrap(), &crm, &audit).await;
    let send = format!("send '{{\"n\": 1.50}}' --server {} --route both", shell.server);
    let (status, out, err) = shell.run(&send).await;
    assert_eq!((status, err.as_str()), (Some(1), ""), "{out}");
    assert!(out.starts_with("delivered  crm    201"), "{out}");
    assert!(out.contains("failed     audit  422"), "{out}");
    assert!(out.contains("refused by the API: no such customer\n"), "{out}");
    assert_eq!(audit.received()[0].text(), "{\"n\": 1.50}", "as it was typed");

    let (status, out, _) = shell.run("dead-letters").await;
    assert_eq!(status, Some(0));
    let says = "refused by the API: no such customer\n";
    assert!(out.contains("failed  audit") && out.ends_with(says), "{out}");
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
         error: --listen: 0.0.0.0:8080 can be reached from elsewhere, and callers need no key: `fanfare key create --name NAME` \
         makes one, `--keys keys.json` asks for it; or 127.0.0.1:8080 would be right\n",
    )
    .await;
    let made = shell.run("key create --name shop --scope send").await;
    assert_eq!(made.0, Some(0), "{}", made.2);
    check(
        "serve --listen 0.0.0.0:8080 --keys keys.json",
        2,
        "error: --listen: 0.0.0.0:8080 can be reached from elsewhere, and keys could be read on the way: `--tls-cert` and \
         `--tls-key` are right, or `--insecure-http` where something in front does TLS; or 127.0.0.1:8080\n",
    )
    .await;
    check(
        "key create --name 'a b' --scope sned,read --expires never",
        2,
        "error: --scope: `sned` is none: `send`, `read` and `operate` are\n\
         error: --expires: `never` is not a duration: `250ms`, `5s` or `1m30s` would be right\n",
    )
    .await;
    check("key revoke nobody", 2, "error: there is no key `nobody` that was not revoked\n").await;
    fs::write(shell.folder.path().join("bad.json"), "{ \"keys\": [ { \"id\": 7 } ] }").unwrap();
    let (status, _, err) = shell.run("serve --keys bad.json").await;
    assert_eq!(status, Some(2));
    assert!(err.contains("error: bad.json:1:21: keys.0.id: "), "{err}");
    assert!(
        err.contains("error: bad.json:1:") && err.contains("keys.0.sha256: is missing"),
        "{err}"
    );
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

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_used_and_taken_back_while_the_daemon_runs() {
    let ok = || MockApi::start(Scripted::status(200));
    let (crm, audit) = (ok().await, ok().await);
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("keys.json");
    let bare = Shell { folder: TempDir::new().unwrap(), server: String::new() };
    let file = keys.display().to_string();
    let (status, out, err) = bare
        .run(&format!("key create --keys {file} --name shop --scope send,read --route both"))
        .await;
    assert_eq!(status, Some(0), "{err}");
    let key = out.trim_end().to_owned();
    assert!(key.starts_with("ffk_") && key.len() == 85, "{key}");
    let (id, secret) = (&key[4..20], &key[21..]);
    assert!(err.contains(id) && !err.contains(secret), "{err}");
    let (_, list, _) = bare.run(&format!("key list --keys {file}")).await;
    assert_eq!(list, format!("{id}  shop  send,read  both  50/s, 20 at once  good\n"));
    let (_, json, _) = bare.run(&format!("key list --keys {file} --output json")).await;
    assert!(json.contains("\"standing\": \"good\""), "{json}");
    assert!(
        ![&list, &json, &fs::read_to_string(&keys).unwrap()].iter().any(|it| it.contains(secret))
    );

    let asks = [("FANFARE_KEYS".to_owned(), file.clone())];
    let (shell, daemon) = shell_with(folder, (&crm, &audit), &asks).await;
    let server = &shell.server;
    let (status, _, err) = shell.run("broadcasts").await;
    assert_eq!(status, Some(2), "{err}");
    assert!(err.contains("must have a key that is good"), "{err}");
    let send = format!("send '1' --server {server} --route both --key-env SHOP_KEY");
    let (status, out, err) = shell.run_as(&send, "SHOP_KEY", &key).await;
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    let (status, _, err) = shell.run_as("dead-letters --discard", "FANFARE_KEY", &key).await;
    assert_eq!(
        (status, err.as_str()),
        (Some(2), "error: the key does not have the scope `operate`\n")
    );
    let (status, _, err) = shell.run(&format!("targets --server {server} --key-env ODD")).await;
    assert_eq!(status, Some(2));
    assert!(err.contains("`ODD` is not set"), "{err}");

    let (status, out, _) = shell.run(&format!("key revoke shop --keys {file}")).await;
    assert_eq!((status, out.as_str()), (Some(0), format!("{id}\n").as_str()));
    // The daemon looks each second; how long that takes does not matter.
    while shell.run_as("broadcasts", "FANFARE_KEY", &key).await.0 == Some(0) {}
    let refused = shell.run_as("broadcasts", "FANFARE_KEY", &key).await;
    assert!(refused.2.contains("must have a key that is good"), "{}", refused.2);
    assert_eq!(daemon.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_in_the_log_leads_to_the_trace_and_says_no_secret() {
    let (crm, audit) =
        (MockApi::start(Scripted::status(200)).await, MockApi::start(Scripted::status(422)).await);
    // Each line that there is.
    let all = [("FANFARE_LOG".to_owned(), "info,fanfare=debug".to_owned())];
    let (shell, daemon) = shell_with(TempDir::new().unwrap(), (&crm, &audit), &all).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = format!("prefer: wait=60\r\ntraceparent: 00-{trace}-00f067aa0ba902b7-01\r\n");
    let body = r#"{"route":"both","payload":{"password":"hunter2"}}"#;
    let answer =
        crate::child::ask(daemon.address, "POST /v1/broadcasts?key=hunter2", &headers, body);
    let id = answer.await.unwrap().1["id"].as_str().unwrap().to_owned();
    let line = "GET /v1/odd/hunter2";
    assert_eq!(crate::child::ask(daemon.address, line, "", "").await.unwrap().0, 404);
    let log = daemon.end_with_log().await;
    drop(shell);
    let said = |message: &str| {
        let line = log.iter().find(|line| line["message"] == message);
        line.unwrap_or_else(|| panic!("no `{message}` in {log:#?}")).clone()
    };
    let ended = said("a delivery has ended without success");
    assert_eq!(ended["level"], "INFO");
    assert_eq!((&ended["broadcast"], &ended["trace_id"]), (&id.as_str().into(), &trace.into()));
    assert_eq!((&ended["target"], &ended["outcome"]), (&"audit".into(), &"failed".into()));
    assert_eq!(ended["span_id"].as_str().map(str::len), Some(16), "{ended}");
    let answered = said("answered");
    assert_eq!(answered["level"], "DEBUG", "an accepted broadcast is no news");
    assert_eq!(
        (&answered["http.request.method"], &answered["http.route"]),
        (&"POST".into(), &"/v1/broadcasts".into())
    );
    assert_eq!(
        (&answered["http.response.status_code"], &answered["broadcast"]),
        (&200.into(), &id.as_str().into())
    );
    assert_eq!(
        (&answered["trace_id"], &answered["span_id"]),
        (&trace.into(), &"00f067aa0ba902b7".into())
    );
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("\"http.response.status_code\":404"), "{text}");
}

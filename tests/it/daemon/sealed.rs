//! A sealed journal, and what is done with its file: as a person types it, with a daemon that goes on afterwards.

use std::{fs, time::Duration};

use fanfare_testkit::{MockApi, Scripted};
use tempfile::TempDir;
use tokio::time::sleep;

use super::program::{Shell, config};
use crate::child::{Daemon, ask};

const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECOND: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA=";

/// A daemon on that journal finds `crm` paused, lets it go on, and ends what is open.
async fn goes_on(shell: &Shell, args: &[&str]) {
    let daemon = Daemon::start_with(shell.folder.path(), &[], args).await;
    let targets = ask(daemon.address, "GET /v1/targets", "", "").await.unwrap().1;
    let crm = targets["targets"].as_array().unwrap().iter().find(|it| it["name"] == "crm");
    assert_eq!(crm.unwrap()["state"], "paused", "{args:?}");
    ask(daemon.address, "POST /v1/targets/crm/resume", "", "").await.unwrap();
    for looks in 0.. {
        assert!(looks < 3_000, "{args:?}: it does not come to an end");
        let line = "GET /v1/broadcasts?state=open";
        let open = ask(daemon.address, line, "", "").await.unwrap().1;
        if open["broadcasts"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(daemon.end().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_journal_goes_from_key_to_key_and_from_place_to_place() {
    let ok = || MockApi::start(Scripted::status(200));
    let (crm, audit) = (ok().await, ok().await);
    let folder = TempDir::new().unwrap();
    config(&folder, &crm, &audit);
    fs::write(folder.path().join("first.key"), FIRST).unwrap();
    fs::write(folder.path().join("second.key"), format!("{SECOND}\n")).unwrap();
    let shell = Shell { folder, server: String::new() };
    let with_first = ["--master-key-file", "first.key"];
    let daemon = Daemon::start_with(shell.folder.path(), &[], &with_first).await;
    ask(daemon.address, "POST /v1/targets/crm/pause", "", "").await.unwrap();
    let body = r#"{"route":"both","payload":{"word":"canary"}}"#;
    assert_eq!(ask(daemon.address, "POST /v1/broadcasts", "", body).await.unwrap().0, 202);
    audit.at_least(1).await;
    let (status, _, err) = shell.run("journal backup --to copy.db").await;
    assert_eq!((status, err.as_str()), (Some(0), ""), "beside the daemon");
    assert_eq!(shell.run("journal vacuum").await.0, Some(2), "the daemon has it");
    daemon.kill().await;

    let (status, _, err) = shell.run("serve --listen 127.0.0.1:0").await;
    let says = "fanfare.db: sealed with the master key 13fd793807590a37, which was not given\n";
    assert!(status == Some(2) && err.contains(says), "{err}");
    let (status, _, err) = shell.run("journal export").await;
    assert!(status == Some(2) && err.contains(says.trim_end()), "{err}");
    let (_, out, _) = shell.run("journal stats").await;
    assert!(out.contains("sealed        with the master key 13fd793807590a37\n"), "{out}");
    let (status, out, _) = shell.run("journal check").await;
    assert!(status == Some(0) && out.contains("1 sealed broadcasts were not opened"), "{out}");
    let (_, out, _) = shell.run("journal check --master-key-command 'cat first.key'").await;
    assert_eq!(out, "fanfare.db: all is as it must be\n");

    let rekey = "journal rekey --journal fanfare.db --from file:first.key --to file:second.key";
    let (status, out, err) = shell.run(rekey).await;
    assert_eq!((status, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("1 keys of broadcasts wrapped anew"), "{out}");
    let export = "journal export --to lines --master-key-file second.key";
    assert_eq!(shell.run(export).await, (Some(0), String::new(), String::new()));
    let lines = fs::read_to_string(shell.folder.path().join("lines")).unwrap();
    assert!(lines.contains(r#""payload":{"word":"canary"}"#), "{lines}");
    assert_eq!(shell.run(export).await.0, Some(2), "it is there already");
    let (status, out, _) = shell.run("journal import --journal other.db --from lines").await;
    let expected = "1 broadcasts imported, 0 were there already, 0 lines are wrong\n";
    assert_eq!((status, out.as_str()), (Some(0), expected));
    assert_eq!(shell.run("journal vacuum other.db").await.0, Some(0));

    goes_on(&shell, &["--master-key-file", "second.key"]).await;
    goes_on(&shell, &["--journal", "copy.db", "--master-key-file", "first.key"]).await;
    goes_on(&shell, &["--journal", "other.db"]).await;
    assert_eq!((crm.received().len(), audit.received().len()), (3, 1), "each went on where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_stops_nobody_else() {
    let ok = || MockApi::start(Scripted::status(200));
    let (crm, audit) = (ok().await, ok().await);
    let folder = TempDir::new().unwrap();
    config(&folder, &crm, &audit);
    fs::write(folder.path().join("key"), FIRST).unwrap();
    let shell = Shell { folder, server: String::new() };
    let key = ["--master-key-file", "key"];
    let daemon = Daemon::start_with(shell.folder.path(), &[], &key).await;
    ask(daemon.address, "POST /v1/targets/crm/pause", "", "").await.unwrap();
    let mut ids = Vec::new();
    for word in ["first", "second"] {
        let body = format!(r#"{{"route":"both","payload":{{"word":"{word}"}}}}"#);
        let told = ask(daemon.address, "POST /v1/broadcasts", "", &body).await.unwrap();
        ids.push(told.1["id"].as_str().unwrap().to_owned());
    }
    audit.at_least(2).await;
    assert_eq!(daemon.end().await, Some(0));
    let file = rusqlite::Connection::open(shell.folder.path().join("fanfare.db")).unwrap();
    let changed = "UPDATE payload SET bytes = zeroblob(length(bytes)) WHERE broadcast = 1";
    assert_eq!(file.execute(changed, []).unwrap(), 1);
    drop(file);
    let (status, _, err) = shell.run("journal check --master-key-file key").await;
    let says = format!(
        "broadcast {}: its payload (`payload.bytes`) was changed since it was sealed",
        ids[0]
    );
    assert!(status == Some(1) && err.contains(&says), "{err}");

    let daemon = Daemon::start_with(shell.folder.path(), &[], &key).await;
    ask(daemon.address, "POST /v1/targets/crm/resume", "", "").await.unwrap();
    assert!(crm.at_least(1).await[0].text().contains("second"), "the other one goes on");
    let line = format!("GET /v1/broadcasts/{}?until=settled", ids[1]);
    let (status, report) = ask(daemon.address, &line, "prefer: wait=30\r\n", "").await.unwrap();
    assert_eq!((status, report["verdict"].as_str()), (200, Some("satisfied")), "{report}");
    let line = format!("GET /v1/broadcasts/{}", ids[0]);
    for wait in ["", "prefer: wait=30\r\n"] {
        let (status, told) = ask(daemon.address, &line, wait, "").await.unwrap();
        assert_eq!(
            (status, told["type"].as_str()),
            (500, Some("https://fanfare.dev/problems/internal"))
        );
    }
    let body = r#"{"route":"both","payload":{"word":"third"}}"#;
    let told = ask(daemon.address, "POST /v1/broadcasts", "prefer: wait=30\r\n", body).await;
    assert_eq!(told.unwrap().0, 200, "and what is new");
    assert_eq!((daemon.end().await, crm.received().len()), (Some(0), 2));
}

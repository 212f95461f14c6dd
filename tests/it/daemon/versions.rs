//! `fanfare versions`, as a person types it: beside a daemon, its journal, and with a configuration alone.

use std::fs;

use fanfare_testkit::{MockApi, Scripted};
use serde_json::Value;
use tempfile::TempDir;

use super::program::Shell;
use crate::child::Daemon;

/// Two versions that an API knows, and one that has no place.
async fn shell(crm: &MockApi) -> (Shell, Daemon) {
    let folder = TempDir::new().unwrap();
    let config = format!(
        "targets:\n  audit: {{ kind: http, url: 'http://127.0.0.1:1/' }}\n  crm:\n    kind: http\n    \
         url: '{}'\n    version_in: {{ query: v }}\n    versions:\n    - '3'\n    \
         - {{ name: '2', deprecated: 2001-02-03, successor: '3', guide: 'https://crm.example/3' }}\n",
        crm.url("/")
    );
    fs::write(folder.path().join("fanfare.yaml"), config).unwrap();
    let daemon = Daemon::start(folder.path(), &[]).await;
    let server = format!("http://{}", daemon.address);
    (Shell { folder, server }, daemon)
}

/// Without what differs from run to run.
fn steady(out: &str) -> String {
    let line = |line: &str| match line.split_once("again from ") {
        Some((start, _)) => format!("{start}again from … on"),
        None => match line.split_once(" (in ") {
            Some((start, end)) => {
                format!("{start} (in …{}", &end[end.find(')').unwrap()..])
            }
            None => line.to_owned(),
        },
    };
    out.lines().map(|it| line(it) + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_and_what_ends_is_listed() {
    let old = Scripted::status(200).header("sunset", "Thu, 31 Dec 2099 23:59:59 GMT");
    let crm = MockApi::start(vec![Scripted::status(410), old]).await;
    let (shell, daemon) = shell(&crm).await;
    let alone = "\
audit  -  no versions
crm    3  preferred
crm    2  deprecated since 2001-02-03, then 3, see https://crm.example/3
";
    let (status, out, err) = shell.run("versions --warn-days 3000").await;
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), alone, ""));

    let send = format!("send 1 --server {} --target crm", shell.server);
    assert_eq!(shell.run(&send).await.0, Some(0));
    let learned = "\
audit  -  no versions
crm    3  preferred, rejected, asked for again from … on
crm    2  used now, deprecated since 2001-02-03, ends 2099-12-31 (in …), then 3, see https://crm.example/3
";
    let of_daemon = format!("versions --server {}", shell.server);
    let (status, out, _) = shell.run(&of_daemon).await;
    assert_eq!((status, steady(&out).as_str()), (Some(0), learned));
    assert_eq!(shell.run(&format!("{of_daemon} --warn-days 30")).await.0, Some(0));
    let (status, _, err) = shell.run(&format!("{of_daemon} --warn-days 99999")).await;
    assert_eq!(status, Some(1));
    assert!(err.starts_with("warning: crm 2: ends 2099-12-31 (in "), "{err}");
    assert!(err.ends_with("), then 3, see https://crm.example/3\n"), "{err}");

    assert_eq!(daemon.end().await, Some(0));
    let (status, out, _) = shell.run("versions --journal fanfare.db").await;
    assert_eq!((status, steady(&out).as_str()), (Some(0), learned), "the same without the daemon");
    let (_, out, _) = shell.run("versions --journal fanfare.db --output json").await;
    let json: Value = serde_json::from_str(&out).unwrap();
    let two = &json["targets"][1]["versions"][1];
    assert_eq!((&two["used"], &two["sunset"]), (&true.into(), &"2099-12-31T23:59:59Z".into()));
    let (status, _, err) = shell.run("versions --journal fanfare.yaml").await;
    assert_eq!(status, Some(2), "{err}");
}

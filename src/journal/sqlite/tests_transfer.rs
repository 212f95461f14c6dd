//! Out of one journal, and into another one.

use std::path::Path;

use tempfile::TempDir;

use super::{
    Imported, OpenError, SqliteJournal, SqliteSettings, TransferError,
    tests::{at, broadcast, delivery, settings},
    tests_sealed::{fill, master, sealed},
};
use crate::{
    journal::{Entry, Journal, NewBroadcast},
    policy::gate::GateSnapshot,
    report::{Boot, BroadcastId, CancelledBy, Outcome},
};

pub(super) async fn full(settings: SqliteSettings) {
    let journal = SqliteJournal::open(settings).unwrap();
    assert_eq!(journal.boot(at(1)).await.unwrap(), Boot(1));
    fill(&journal).await;
    // A payload that is no JSON, one that is `null`, one of several lines, and no recipient with anything of its own.
    for (number, bytes) in [(3, &b"\x00\xFF"[..]), (4, b"null"), (5, b"{\n}"), (6, b" 1")] {
        let payload = fanfare_sdk::Payload::new("text/plain", bytes.to_vec());
        let mut new = NewBroadcast { payload, caller_key: None, ..broadcast(number) };
        new.recipients.iter_mut().for_each(|it| it.order_key = None);
        drop(journal.accept(new).await.unwrap());
    }
    let cancelled =
        journal.ask_cancel(BroadcastId(uuid::Uuid::from_u128(3)), CancelledBy::Caller, at(8));
    drop(cancelled.await.unwrap());
    for name in ["crm", "audit"] {
        let claim = journal.claim(&name.into(), Boot(1), at(2)).await.unwrap();
        let settled = [3, 4].map(|it| Entry::Settled(delivery(it, name), Outcome::Expired));
        drop(journal.append(&claim, settled.to_vec(), at(9)).await.unwrap());
    }
    assert_eq!(journal.discard(&[delivery(3, "crm")]).await.unwrap(), 1);
    journal.keep_gate(&"crm".into(), paused()).await.unwrap();
}

fn paused() -> GateSnapshot {
    let mut gate = serde_json::to_value(GateSnapshot::default()).unwrap();
    gate["paused"] = true.into();
    serde_json::from_value(gate).unwrap()
}

pub(super) fn export(path: &Path, keys: &[u8]) -> String {
    let keys: Vec<_> = keys.iter().copied().map(master).collect();
    let mut lines = Vec::new();
    let exported = SqliteJournal::export(path, &keys, &mut lines).unwrap();
    assert_eq!(exported.left, [""; 0]);
    String::from_utf8(lines).unwrap()
}

fn import(settings: &SqliteSettings, lines: &str) -> Imported {
    SqliteJournal::import(settings, &mut lines.as_bytes()).unwrap()
}

#[tokio::test]
async fn what_is_exported_and_imported_is_exported_the_same() {
    for (from, to) in [(&[][..], &[][..]), (&[1], &[2]), (&[], &[1])] {
        let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        full(sealed(&first, from)).await;
        let path = settings(&first).path;
        let lines = export(&path, from);
        let imported = import(&sealed(&second, to), &lines);
        assert_eq!(imported, Imported { broadcasts: 6, ..Imported::default() });
        assert_eq!(export(&settings(&second).path, to), lines);
        let again = import(&sealed(&second, to), &lines);
        assert_eq!(again, Imported { known: 6, ..Imported::default() }, "a second time");
        assert_eq!(export(&settings(&second).path, to), lines);
        let to: Vec<_> = to.iter().copied().map(master).collect();
        let checked = SqliteJournal::check(&settings(&second).path, &to).unwrap();
        assert_eq!(checked.wrong, [""; 0]);
    }
}

#[tokio::test]
async fn what_is_sealed_is_not_exported_without_its_key() {
    let folder = TempDir::new().unwrap();
    full(sealed(&folder, &[1])).await;
    let mut lines = Vec::new();
    let error = SqliteJournal::export(&settings(&folder).path, &[], &mut lines).unwrap_err();
    assert!(matches!(error, TransferError::Journal(OpenError::KeyMissing { .. })), "{error}");
    assert_eq!(lines, b"");
}

#[tokio::test]
async fn lines_that_are_wrong_are_told_and_the_others_taken() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    full(settings(&first)).await;
    let lines = export(&settings(&first).path, &[]);
    let mut lines: Vec<_> = lines.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 1 + 2 + 6 + 1);
    lines[3] = lines[3].replace("\"settled_at\":7", "\"settled_at\":null");
    lines[4] = lines[4]
        .replace("\"serving\":\"crm\"", "\"serving\":\"\"")
        .replace("\"recipient\":\"audit\"", "\"recipient\":\"crm\"");
    lines[5] = lines[5].replace("\"payload_base64\":\"", "\"payload_base64\":\"-");
    lines[6].truncate(40);
    let imported = import(&settings(&second), &lines.join("\n"));
    assert_eq!((imported.broadcasts, imported.known, imported.lines_wrong), (2, 0, 4));
    insta::assert_snapshot!(imported.wrong.join("\n"));
    lines.pop();
    let cut = import(&settings(&second), &lines[..3].join("\n"));
    assert_eq!(cut.wrong, ["there is no last line: something was cut off"]);
    for (lines, expected) in [
        ("", "line 1: this is not what a journal has exported"),
        (
            "{\"journal\":{\"format\":2,\"boots\":1}}",
            "line 1: it has the form 2, and this release knows 1",
        ),
    ] {
        let third = TempDir::new().unwrap();
        let error = SqliteJournal::import(&settings(&third), &mut lines.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!settings(&third).path.exists(), "nothing was made");
    }
}

#[tokio::test]
async fn a_copy_is_taken_while_it_is_used_and_goes_on() {
    let folder = TempDir::new().unwrap();
    full(settings(&folder)).await;
    let journal = SqliteJournal::open(settings(&folder)).unwrap();
    let path = settings(&folder).path;
    let copy = folder.path().join("copy.db");
    drop(journal.accept(broadcast(7)).await.unwrap());
    let bytes = SqliteJournal::backup(&path, &copy).unwrap();
    assert_eq!(std::fs::metadata(&copy).unwrap().len(), bytes);
    #[cfg(unix)]
    {
        let mode = std::fs::metadata(&copy)
            .map(|it| std::os::unix::fs::PermissionsExt::mode(&it.permissions()));
        assert_eq!(mode.unwrap() & 0o777, 0o600);
    }
    assert!(SqliteJournal::backup(&path, &copy).is_err(), "it is there already");
    let before = export(&path, &[]);
    drop(journal.accept(broadcast(8)).await.unwrap());
    assert_eq!(export(&copy, &[]), before, "of one moment");
    drop(journal);
    let copied = SqliteJournal::open(SqliteSettings::new(&copy)).unwrap();
    let gates = copied.gates().await.unwrap();
    assert_eq!(gates, [("crm".into(), paused())]);
    let claim = copied.claim(&"audit".into(), Boot(2), at(9)).await.unwrap();
    assert_eq!(copied.due(&claim, at(i64::MAX), 10).await.unwrap().open.len(), 5);
}

#[tokio::test]
async fn a_closed_file_is_made_small() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::open(settings(&folder)).unwrap();
    let payload = fanfare_sdk::Payload::new("text/plain", vec![b'x'; 2_000_000]);
    drop(journal.accept(NewBroadcast { payload, ..broadcast(1) }).await.unwrap());
    let path = settings(&folder).path;
    assert!(SqliteJournal::vacuum(&path).is_err(), "somebody has it open");
    for name in ["crm", "audit"] {
        let claim = journal.claim(&name.into(), Boot(1), at(2)).await.unwrap();
        let settled = vec![Entry::Settled(delivery(1, name), Outcome::Delivered { attempt: 1 })];
        drop(journal.append(&claim, settled, at(3)).await.unwrap());
    }
    drop(journal.judge(broadcast(1).id, at(9_000_001)).await.unwrap());
    while journal.prune(at(i64::MAX)).await.unwrap() {}
    drop(journal);
    let done = SqliteJournal::vacuum(&path).unwrap();
    assert!(done.before > 2_000_000 && done.after < 200_000, "{done:?}");
    assert!(SqliteJournal::vacuum(&folder.path().join("none.db")).is_err());
    assert!(!folder.path().join("none.db").exists());
}

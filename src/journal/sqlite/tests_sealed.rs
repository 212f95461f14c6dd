//! A sealed journal: what was said is not to be found in its files, what was changed is found, and keys go round.

use std::{fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use fanfare_sdk::{Effect, Learned, Meaning, Payload, Secret, SendErrorKind};
use http::HeaderMap;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{
    MasterKey, OpenError, SqliteJournal, SqliteSettings,
    tests::{at, broadcast, delivery, events, settings},
};
use crate::{
    journal::{Accepted, CallerKey, Entry, Journal, JournalError, NewBroadcast},
    report::{AttemptError, Boot, CapturedReply, Ended, Event, Outcome, Reason},
};

/// One of 256.
pub(super) fn master(number: u8) -> MasterKey {
    MasterKey::from_base64(&Secret::new(STANDARD.encode([number; 32]))).unwrap()
}

pub(super) fn sealed(folder: &TempDir, keys: &[u8]) -> SqliteSettings {
    let master_keys = keys.iter().copied().map(master).collect();
    SqliteSettings { master_keys, ..settings(folder) }
}

/// Words that stand in all that is not to be seen.
const SAID: [&str; 9] = [
    "canary-payload",
    "canary-metadata",
    "canary-baggage",
    "canary-caller",
    "canary-order",
    "canary-header",
    "canary-body",
    "canary-captured",
    "canary-error",
];

fn said(number: u128) -> NewBroadcast {
    let mut new = broadcast(number);
    new.payload = Payload::new("application/json", br#"{"name":"canary-payload"}"#.to_vec());
    let metadata = [("order".to_owned(), "canary-metadata".into())];
    new.metadata = Some(std::sync::Arc::new(metadata.into()));
    new.trace.baggage = Some("user=canary-baggage".into());
    let key = format!("canary-caller {number}");
    new.caller_key = Some(CallerKey { key, fingerprint: [7; 32] });
    new.recipients.iter_mut().for_each(|it| it.order_key = Some("canary-order".into()));
    new
}

fn answered() -> Event {
    let mut headers = HeaderMap::new();
    headers.insert("x-note", "canary-header".parse().unwrap());
    let reply = CapturedReply {
        status: Some(422),
        headers,
        body: b"canary-body".to_vec().into(),
        truncated: false,
        captured: [("id".to_owned(), "canary-captured".into())].into(),
    };
    let message = "canary-error".into();
    Event::Ended(Ended {
        attempt: 1,
        meaning: Meaning::Permanent,
        effect: Effect::None,
        retry_after: None,
        learned: Learned::Nothing,
        status: Some(422),
        error: Some(AttemptError { kind: SendErrorKind::Timeout, message }),
        said: None,
        reply: Some(reply.into()),
        notice: None,
        at: at(6),
    })
}

/// Accepts two broadcasts; the first one's delivery to `crm` has an answer, and has failed.
pub(super) async fn fill(journal: &SqliteJournal) {
    for number in [1, 2] {
        drop(journal.accept(said(number)).await.unwrap());
    }
    let claim = journal.claim(&"crm".into(), Boot(1), at(2)).await.unwrap();
    let of = delivery(1, "crm");
    let failed = Outcome::Failed(Reason::Permanent);
    let [started, ..] = events();
    let entries = [started, answered()].map(|event| Entry::Event(of.clone(), event));
    let entries = entries.into_iter().chain([Entry::Settled(of, failed)]).collect();
    drop(journal.append(&claim, entries, at(7)).await.unwrap());
}

/// The words that are found in any file of that folder.
fn found(folder: &Path) -> Vec<&'static str> {
    let files = fs::read_dir(folder).unwrap().map(|it| fs::read(it.unwrap().path()).unwrap());
    let all: Vec<u8> = files.collect::<Vec<_>>().concat();
    let stands = |word: &&str| all.windows(word.len()).any(|it| it == word.as_bytes());
    SAID.into_iter().filter(stands).collect()
}

#[tokio::test]
async fn what_was_said_is_not_to_be_found() {
    for (keys, expected) in [(&[][..], &SAID[..]), (&[1], &[])] {
        let folder = TempDir::new().unwrap();
        let journal = SqliteJournal::open(sealed(&folder, keys)).unwrap();
        fill(&journal).await;
        assert_eq!(found(folder.path()), expected, "in use, in its log");
        let before = format!("{:?}", journal.view(said(1).id).await.unwrap());
        drop(journal);
        assert_eq!(found(folder.path()), expected, "closed");
        let journal = SqliteJournal::open(sealed(&folder, keys)).unwrap();
        assert_eq!(format!("{:?}", journal.view(said(1).id).await.unwrap()), before);
        assert!(before.contains("canary-metadata") && before.contains("canary-error"), "{before}");
        let report = journal.view(said(1).id).await.unwrap().unwrap();
        let reply = report.deliveries[0].reply.clone().unwrap();
        assert_eq!(
            (&reply.headers["x-note"], &reply.body[..]),
            (&"canary-header".parse().unwrap(), &b"canary-body"[..])
        );
        assert_eq!(reply.captured["id"], "canary-captured");
        let sent = journal.sent(said(1).id).await.unwrap().unwrap();
        assert_eq!(sent.recipients, said(1).recipients);
        assert_eq!(sent.caller_key, said(1).caller_key);
        let again = journal.accept(said(1)).await.unwrap();
        assert!(matches!(again, Accepted::Same(_)), "its id is known");
        let same_key = NewBroadcast { id: broadcast(9).id, ..said(1) };
        assert!(matches!(journal.accept(same_key.clone()).await.unwrap(), Accepted::Same(_)));
        let key = same_key.caller_key.clone().map(|key| CallerKey { fingerprint: [8; 32], ..key });
        let other = NewBroadcast { caller_key: key, ..same_key };
        assert_eq!(journal.accept(other).await.unwrap_err(), JournalError::KeyReused);
        // What is forgotten leaves free pages behind.
        let settled =
            journal.ask_cancel(said(2).id, crate::report::CancelledBy::Caller, at(8)).await;
        drop(settled.unwrap());
        while journal.prune(at(i64::MAX)).await.unwrap() {}
        assert_eq!(found(folder.path()), expected, "after something was forgotten");
    }
}

/// Inverts the last bit of a column's value.
fn flip(path: &Path, column: &str, condition: &str) {
    let file = Connection::open(path).unwrap();
    let (table, column) = column.split_once('.').unwrap();
    let sql = format!("SELECT {column} FROM {table} WHERE {condition}");
    let mut value: Vec<u8> = file.query_row(&sql, [], |row| row.get(0)).unwrap();
    *value.last_mut().unwrap() ^= 1;
    let sql = format!("UPDATE {table} SET {column} = $1 WHERE {condition}");
    assert_eq!(file.execute(&sql, [value]).unwrap(), 1);
}

#[tokio::test]
async fn a_changed_value_is_found_and_stops_nobody_else() {
    for (column, condition, what) in [
        ("broadcast.wrapped", "seq = 1", "its data key (`broadcast.wrapped`)"),
        ("broadcast.sealed", "seq = 1", "what is pinned (`broadcast.sealed`)"),
        ("payload.bytes", "broadcast = 1", "its payload (`payload.bytes`)"),
        ("event.body", "delivery = 1 AND number = 1", "event 1 of its recipient 0 (`event.body`)"),
    ] {
        let folder = TempDir::new().unwrap();
        let journal = SqliteJournal::open(sealed(&folder, &[1])).unwrap();
        fill(&journal).await;
        drop(journal);
        let path = settings(&folder).path;
        flip(&path, column, condition);
        let checked = SqliteJournal::check(&path, &[master(1)]).unwrap();
        let says = format!("broadcast {}: {what} was changed since it was sealed", said(1).id);
        assert_eq!(checked.wrong, [says]);
        assert_eq!(SqliteJournal::check(&path, &[]).unwrap().locked, 2, "without the key");

        let journal = SqliteJournal::open(sealed(&folder, &[1])).unwrap();
        assert_eq!(journal.view(said(1).id).await.unwrap_err(), JournalError::Unreadable);
        let claim = journal.claim(&"audit".into(), Boot(2), at(9)).await.unwrap();
        let page = journal.due(&claim, at(i64::MAX), 1).await.unwrap();
        let due: Vec<_> = page.open.iter().map(|open| open.id().to_string()).collect();
        assert_eq!(due, [delivery(2, "audit").to_string()], "{column}: it is not kept waiting");
        // What is decided for both of them is written for one.
        let settled = [1, 2].map(|it| Entry::Settled(delivery(it, "audit"), Outcome::Expired));
        drop(journal.append(&claim, settled.to_vec(), at(10)).await.unwrap());
        let report = journal.view(said(2).id).await.unwrap().unwrap();
        assert_eq!(report.deliveries[1].outcome, Some(Outcome::Expired), "{column}");
        drop(journal.judge(said(1).id, at(11)).await.unwrap());
        let cancelled = journal.ask_cancel(said(1).id, crate::report::CancelledBy::Caller, at(11));
        drop(cancelled.await.unwrap());
        assert!(matches!(journal.accept(said(3)).await.unwrap(), Accepted::New(_)));
        assert_eq!(journal.trouble(), None, "{column}");
    }
}

#[tokio::test]
async fn rows_cannot_be_swapped() {
    for sql in [
        "UPDATE payload SET bytes = (SELECT bytes FROM payload WHERE broadcast = 3) WHERE broadcast = 1",
        "UPDATE payload SET content_type = 'text/html' WHERE broadcast = 1",
        "UPDATE event SET delivery = 9 WHERE delivery = 2; UPDATE event SET delivery = 2 WHERE delivery = 1; \
         UPDATE event SET delivery = 1 WHERE delivery = 9",
        "UPDATE event SET number = 5 WHERE number = 0",
        "UPDATE broadcast SET (wrapped, sealed) = (SELECT wrapped, sealed FROM broadcast WHERE seq = 3) WHERE seq = 1",
    ] {
        let folder = TempDir::new().unwrap();
        let journal = SqliteJournal::open(sealed(&folder, &[1])).unwrap();
        fill(&journal).await;
        drop(journal);
        let path = settings(&folder).path;
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let checked = SqliteJournal::check(&path, &[master(1)]).unwrap();
        let told = |says: &String| says.ends_with("was changed since it was sealed");
        assert!(checked.wrong.iter().any(told), "{sql}: {:?}", checked.wrong);
    }
}

#[tokio::test]
async fn without_the_key_it_opens_for_nothing_but_numbers() {
    let folder = TempDir::new().unwrap();
    fill(&SqliteJournal::open(sealed(&folder, &[1])).unwrap()).await;
    let path = settings(&folder).path;
    let id = master(1).id().to_string();
    for keys in [&[][..], &[2]] {
        let error = SqliteJournal::open(sealed(&folder, keys)).unwrap_err();
        assert!(
            matches!(&error, OpenError::KeyMissing { missing, .. } if *missing == [master(1).id()])
        );
        let says = format!("sealed with the master key {id}, which was not given");
        assert!(error.to_string().ends_with(&says), "{error}");
        let checked = SqliteJournal::check(&path, &[]).unwrap();
        assert_eq!((checked.wrong.len(), checked.locked), (0, 2));
    }
    assert_eq!(SqliteJournal::stats(&path).unwrap().master_keys, [id]);
    // The right one, but what is noted of it was changed: that is not a wrong key.
    flip(&path, "master_key.wrapped", "1");
    let error = SqliteJournal::open(sealed(&folder, &[1])).unwrap_err().to_string();
    assert!(
        error.ends_with("what is noted of the master key") || error.contains("was changed"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_not_sealed_does_not_become_so_by_a_key_alone() {
    let folder = TempDir::new().unwrap();
    fill(&SqliteJournal::open(sealed(&folder, &[])).unwrap()).await;
    let error = SqliteJournal::open(sealed(&folder, &[1])).unwrap_err();
    assert!(matches!(error, OpenError::NotSealed { .. }), "{error}");
}

/// All that a journal tells of the two broadcasts.
async fn told(settings: SqliteSettings) -> String {
    let journal = SqliteJournal::open(settings).unwrap();
    let mut told = String::new();
    for number in [1, 2] {
        let view = journal.view(said(number).id).await.unwrap().unwrap();
        let sent = journal.sent(said(number).id).await.unwrap().unwrap();
        told += &format!("{view:#?} {:?} {:?}\n", sent.payload.bytes(), sent.recipients);
        assert_eq!(sent.caller_key, said(number).caller_key);
    }
    told
}

#[tokio::test]
async fn keys_go_round_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    fill(&SqliteJournal::open(sealed(&folder, &[])).unwrap()).await;
    let path = settings(&folder).path;
    let before = told(sealed(&folder, &[])).await;
    let rekey = |from: &[u8], to: Option<u8>| {
        let from: Vec<_> = from.iter().copied().map(master).collect();
        let done = SqliteJournal::rekey(&path, &from, to.map(master).as_ref()).unwrap();
        (done.wrapped, done.sealed, done.unsealed, done.left)
    };
    assert_eq!(rekey(&[], Some(1)), (0, 2, 0, 0));
    assert_eq!(found(folder.path()), [""; 0], "nothing is left of it in free pages");
    assert_eq!(told(sealed(&folder, &[1])).await, before);
    // With another key first, what is new is sealed with that, and what is old opens.
    let journal = SqliteJournal::open(sealed(&folder, &[2, 1])).unwrap();
    drop(journal.accept(said(3)).await.unwrap());
    assert!(SqliteJournal::rekey(&path, &[], None).is_err(), "somebody has it open");
    drop(journal);
    assert_eq!(SqliteJournal::stats(&path).unwrap().master_keys.len(), 2);
    assert!(matches!(
        SqliteJournal::rekey(&path, &[master(1)], None),
        Err(OpenError::KeyMissing { .. })
    ));
    assert_eq!(rekey(&[1], Some(2)), (2, 0, 0, 0));
    assert_eq!(rekey(&[1], Some(2)), (0, 0, 0, 0), "again");
    assert_eq!(told(sealed(&folder, &[2])).await, before);
    assert_eq!(rekey(&[2], None), (0, 0, 3, 0));
    assert_eq!(told(sealed(&folder, &[])).await, before);
    assert_eq!(SqliteJournal::check(&path, &[]).unwrap(), super::Checked::default());
}

/// As it stands after a crash: some is sealed, and the change has not ended.
#[tokio::test]
async fn a_change_that_was_interrupted_goes_on() {
    let folder = TempDir::new().unwrap();
    fill(&SqliteJournal::open(sealed(&folder, &[1])).unwrap()).await;
    let path = settings(&folder).path;
    let before = told(sealed(&folder, &[1])).await;
    let file = Connection::open(&path).unwrap();
    // The second one is taken to a journal that is not sealed, and its rows come back as they are there.
    let plain = TempDir::new().unwrap();
    fill(&SqliteJournal::open(sealed(&plain, &[])).unwrap()).await;
    let other = settings(&plain).path;
    file.execute_batch(&format!(
        "ATTACH '{}' AS other; \
         DELETE FROM broadcast WHERE seq = 3; INSERT INTO broadcast SELECT * FROM other.broadcast WHERE seq = 3; \
         DELETE FROM payload WHERE broadcast = 3; INSERT INTO payload SELECT * FROM other.payload WHERE broadcast = 3; \
         DELETE FROM delivery WHERE seq > 2; INSERT INTO delivery SELECT * FROM other.delivery WHERE seq > 2; \
         INSERT INTO counter (name, value) VALUES ('resealing', 1)",
        other.display()
    ))
    .unwrap();
    drop(file);
    let error = SqliteJournal::open(sealed(&folder, &[1])).unwrap_err();
    assert!(matches!(error, OpenError::HalfSealed { .. }), "{error}");
    let done = SqliteJournal::rekey(&path, &[], Some(&master(1))).unwrap();
    assert_eq!((done.sealed, done.left), (1, 0));
    assert_eq!(told(sealed(&folder, &[1])).await, before);
    assert_eq!(found(folder.path()), [""; 0]);
}

//! A journal on disk is a journal, and what it has said yes to is there again.

use std::{fs, sync::Mutex};

use fanfare_sdk::{Effect, Learned, Meaning, Payload, RetryAfter, SendErrorKind, Timestamp};
use http::HeaderMap;
use rusqlite::Connection;
use tempfile::TempDir;
use uuid::Uuid;

use super::{OpenError, SqliteJournal, SqliteSettings, rows, tests_sealed::sealed};
use crate::{
    journal::{
        Accepted, BroadcastFilter, CallerKey, DeadLetterFilter, Entry, Journal, JournalError,
        NewBroadcast, NewDelivery, conformance,
    },
    report::{
        AttemptError, Because, Boot, BroadcastId, CancelledBy, CapturedReply, Completion,
        DeliveryId, Ended, Event, Kind, Notice, Outcome, Priority, ProblemDetails, Reason, Rest,
        Said, Started, Trace, Way, Why,
    },
};

pub(super) fn settings(folder: &TempDir) -> SqliteSettings {
    SqliteSettings::new(folder.path().join("journal.db"))
}

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn broadcast(number: u128) -> NewBroadcast {
    let recipient = |name: &str| NewDelivery {
        recipient: name.into(),
        required: true,
        seed: u64::MAX - 1,
        expires: at(i64::MAX),
        span_id: [0xFF; 8],
        skipped: false,
        order_key: Some("customer 7".into()),
        carried: None,
    };
    NewBroadcast {
        id: BroadcastId(Uuid::from_u128(number)),
        route: Some("signup".to_owned()),
        payload: Payload::new("application/octet-stream", vec![0, 159, 146, 150]),
        recipients: vec![recipient("crm"), recipient("audit")],
        completion: Completion::Quorum(2),
        rest: Rest::Cancel,
        accept_substituted: false,
        priority: Priority::High,
        deadline: Some(at(9_000_000)),
        accepted_at: at(1),
        caller_key: Some(CallerKey { key: number.to_string(), fingerprint: [7; 32] }),
        metadata: Some(std::sync::Arc::new([("order".to_owned(), 7.into())].into())),
        replay_of: None,
        notify: None,
        notice_of: None,
        trace: Trace {
            link: None,
            trace_id: [0xAB; 16],
            span_id: [0xCD; 8],
            parent_id: Some([0xEF; 8]),
            parent_is_remote: true,
            flags: 3,
            state: Some("vendor=1".into()),
            baggage: None,
        },
    }
}

pub(super) fn delivery(number: u128, recipient: &str) -> DeliveryId {
    DeliveryId { broadcast: BroadcastId(Uuid::from_u128(number)), recipient: recipient.into() }
}

/// Every kind of event, with every field that it can have.
pub(super) fn events() -> [Event; 5] {
    let mut headers = HeaderMap::new();
    headers.insert("x-note", http::HeaderValue::from_bytes(b"caf\xE9").unwrap());
    let started = Started {
        attempt: 1,
        way: Way {
            target: "crm".into(),
            endpoint: Some("https://crm.example/v2".into()),
            version: Some("2".into()),
        },
        kind: Kind::Challenge,
        because: Because::VersionRejected,
        key: "key".into(),
        span_id: [1; 8],
        boot: Boot(3),
        due: at(2),
        held: Some(Why::RateLimit),
        at: at(3),
    };
    let reply = CapturedReply {
        status: Some(201),
        headers,
        body: vec![0xFF, 0x00].into(),
        truncated: true,
        captured: [("id".to_owned(), 1.into())].into(),
    };
    let notice = Notice {
        deprecated: true,
        deprecated_at: Some(at(4)),
        sunset: None,
        successor: Some("https://crm.example/v3".to_owned()),
        documentation: None,
        malformed: false,
        old_form: false,
    };
    let problem = ProblemDetails { kind: "about:blank".to_owned(), title: None, status: Some(410) };
    let rule = Some("gone".to_owned());
    let said = Said { rule, problem: Some(problem), ..Said::default() };
    let ended = Ended {
        attempt: 1,
        meaning: Meaning::TargetDisabled,
        effect: Effect::Unknown,
        retry_after: Some(RetryAfter::At(at(5))),
        learned: Learned::Nothing,
        status: Some(410),
        error: Some(AttemptError { kind: SendErrorKind::Timeout, message: "late".into() }),
        said: Some(said.into()),
        reply: Some(reply.into()),
        notice: Some(notice.into()),
        at: at(6),
    };
    [
        Event::Started(started),
        Event::Ended(ended),
        Event::Lost { attempt: 2, at: at(7) },
        Event::CancelAsked { by: CancelledBy::Verdict, at: at(8) },
        Event::Moved { to: "stand-in".into(), because: Reason::Refused(Why::Breaker), at: at(9) },
    ]
}

type Open = fn(SqliteSettings) -> Result<SqliteJournal, OpenError>;

async fn conforms(open: Open, keys: &[u8]) {
    let folders = Mutex::new(Vec::new());
    let make = async || {
        let folder = TempDir::new().unwrap();
        // The smallest cache that there is: most is read again.
        let settings = SqliteSettings { cached_max: 2, ..sealed(&folder, keys) };
        folders.lock().unwrap().push(folder);
        open(settings).unwrap()
    };
    let broken = conformance::run(make).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn with_a_thread_it_conforms() {
    conforms(SqliteJournal::open, &[]).await;
}

#[tokio::test]
async fn in_the_callers_thread_it_conforms() {
    conforms(SqliteJournal::inline, &[]).await;
}

#[tokio::test]
async fn sealed_it_conforms() {
    conforms(SqliteJournal::open, &[1]).await;
    conforms(SqliteJournal::inline, &[1]).await;
}

#[tokio::test]
async fn what_was_written_is_there_again() {
    is_there_again(&[]).await;
    is_there_again(&[1]).await;
}

async fn is_there_again(keys: &[u8]) {
    let folder = TempDir::new().unwrap();
    let before = {
        let journal = SqliteJournal::open(sealed(&folder, keys)).unwrap();
        let accepted = journal.accept(broadcast(1)).await.unwrap();
        assert!(matches!(accepted, Accepted::New(_)));
        let claim = journal.claim(&"crm".into(), Boot(3), at(2)).await.unwrap();
        let of = delivery(1, "crm");
        let entries = events().map(|event| Entry::Event(of.clone(), event)).to_vec();
        drop(journal.append(&claim, entries, at(9)).await.unwrap());
        let audit = journal.claim(&"audit".into(), Boot(3), at(2)).await.unwrap();
        let failed = Outcome::Indeterminate(Reason::Refused(Why::Throttled));
        let settled = vec![Entry::Settled(delivery(1, "audit"), failed)];
        drop(journal.append(&audit, settled, at(10)).await.unwrap());
        format!("{:#?}", journal.view(broadcast(1).id).await.unwrap().unwrap())
    };
    let mut log = settings(&folder).path.into_os_string();
    log.push("-wal");
    assert!(!std::path::Path::new(&log).exists(), "it was closed in peace");
    let journal = SqliteJournal::open(sealed(&folder, keys)).unwrap();
    let after = journal.view(broadcast(1).id).await.unwrap().unwrap();
    assert_eq!(format!("{after:#?}"), before);
    let again = journal.accept(broadcast(1)).await.unwrap();
    assert!(matches!(again, Accepted::Same(_)), "{again:?}");
    let claim = journal.claim(&"stand-in".into(), Boot(4), at(11)).await.unwrap();
    assert_eq!(claim.epoch, 1);
    let page = journal.due(&claim, at(i64::MAX), 10).await.unwrap();
    let [open] = &page.open[..] else { panic!("{page:?}") };
    let (pinned, new) = (&open.broadcast, broadcast(1));
    assert_eq!(pinned.recipients, new.recipients);
    assert_eq!(pinned.payload.bytes(), new.payload.bytes());
    assert_eq!(pinned.payload.content_type(), new.payload.content_type());
    assert_eq!((&pinned.caller_key, &pinned.metadata), (&new.caller_key, &new.metadata));
    assert_eq!((&pinned.trace, pinned.deadline), (&new.trace, new.deadline));
    assert_eq!((pinned.rest, pinned.priority), (new.rest, new.priority));
    let kept = open.history.events();
    assert_eq!(kept, events());
    let claim = journal.claim(&"crm".into(), Boot(4), at(11)).await.unwrap();
    assert_eq!(claim.epoch, 2);
    let letters =
        journal.dead_letters(&DeadLetterFilter::default(), None, 10).await.unwrap().letters;
    assert_eq!(
        letters.iter().map(|l| l.id.to_string()).collect::<Vec<_>>(),
        [delivery(1, "audit").to_string()]
    );
}

/// What stands in files that exist is read by later releases: a change of this is a migration.
#[test]
fn events_are_stored_in_this_form() {
    let forms = events().map(|event| {
        let (text, body) = rows::event(&event).unwrap();
        format!("{text} {body:?}")
    });
    insta::assert_snapshot!(forms.join("\n"));
    insta::assert_snapshot!(rows::pinned(&broadcast(1)).unwrap());
}

#[test]
fn what_cannot_be_a_journal_is_not_opened() {
    #[track_caller]
    fn check(prepare: fn(&std::path::Path), expected: &str) {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        prepare(&settings.path);
        let error = SqliteJournal::open(settings).unwrap_err().to_string();
        let found = error.replace(&folder.path().display().to_string(), "");
        assert_eq!(found, expected);
    }
    check(
        |path| {
            fs::write(path, "a text, and none of ours, of more than a hundred bytes".repeat(4))
                .unwrap();
        },
        "/journal.db: file is not a database",
    );
    check(
        |path| {
            let other = Connection::open(path).unwrap();
            other.execute_batch("CREATE TABLE shop (price INTEGER)").unwrap();
        },
        "/journal.db: this is not a journal of fanfare",
    );
    check(
        |path| {
            let newer = SqliteJournal::open(SqliteSettings::new(path)).unwrap();
            drop(newer);
            let newer = Connection::open(path).unwrap();
            newer.pragma_update(None, "user_version", 99).unwrap();
        },
        "/journal.db: written by a newer release (schema 99, this one knows 4)",
    );
    check(
        |path| fs::create_dir(path).unwrap(),
        "/journal.db: unable to open database file: /journal.db",
    );
}

#[test]
fn one_process_has_it() {
    let folder = TempDir::new().unwrap();
    let first = SqliteJournal::open(settings(&folder)).unwrap();
    let second = SqliteJournal::open(settings(&folder)).unwrap_err().to_string();
    assert!(second.ends_with("another process has this journal open"), "{second}");
    drop(first);
    SqliteJournal::open(settings(&folder)).unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_and_heals() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::inline(settings(&folder)).unwrap();
    let pages = |count: u32| {
        move |store: &mut super::store::Store| {
            store.connection.execute_batch(&format!("PRAGMA max_page_count = {count}"))?;
            Ok(())
        }
    };
    journal.write(pages(1)).await.unwrap();
    let large = || NewBroadcast {
        payload: Payload::new("text/plain", vec![b'x'; 1 << 20]),
        ..broadcast(1)
    };
    assert_eq!(journal.accept(large()).await.unwrap_err(), JournalError::Unavailable);
    assert_eq!(journal.trouble().unwrap(), "database or disk is full");
    assert!(journal.view(large().id).await.unwrap().is_none(), "nothing of it is written");
    journal.write(pages(1_000_000)).await.unwrap();
    assert_eq!(journal.trouble(), None);
    assert!(matches!(journal.accept(large()).await.unwrap(), Accepted::New(_)));
}

#[tokio::test]
async fn a_broken_file_stops_the_writer_for_good() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::inline(settings(&folder)).unwrap();
    drop(journal.accept(broadcast(1)).await.unwrap());
    let broken = journal.write(|store| {
        store.connection.execute_batch("UPDATE broadcast SET pinned = 'torn'")?;
        Ok(())
    });
    broken.await.unwrap();
    journal.write(|store| Ok(store.recall()?)).await.unwrap();
    let judged = journal.judge(broadcast(1).id, at(3)).await;
    assert_eq!(judged.unwrap_err(), JournalError::Unavailable);
    let says = journal.trouble().unwrap();
    assert!(says.starts_with("expected"), "{says}");
    assert_eq!(journal.accept(broadcast(2)).await.unwrap_err(), JournalError::Unavailable);
    assert_eq!(journal.trouble().unwrap(), says);
}

#[tokio::test]
async fn a_reader_that_finds_the_file_broken_stops_the_writer() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::open(settings(&folder)).unwrap();
    drop(journal.accept(broadcast(1)).await.unwrap());
    journal
        .write(|store| {
            Ok(store.connection.execute_batch("COMMIT; PRAGMA wal_checkpoint; BEGIN")?)
        })
        .await
        .unwrap();
    let file = fs::OpenOptions::new().write(true).open(settings(&folder).path).unwrap();
    let pages = file.metadata().unwrap().len();
    std::os::unix::fs::FileExt::write_all_at(
        &file,
        &vec![0xA5; usize::try_from(pages).unwrap() - 4_096],
        4_096,
    )
    .unwrap();
    assert_eq!(
        journal.broadcasts(&BroadcastFilter::default(), None, 9).await.unwrap_err(),
        JournalError::Unavailable
    );
    assert_eq!(journal.trouble().unwrap(), "database disk image is malformed");
    assert_eq!(journal.accept(broadcast(2)).await.unwrap_err(), JournalError::Unavailable);
}

#[tokio::test]
async fn who_is_refused_by_a_disk_that_is_still_full_knows_that_nothing_was_written() {
    let folder = TempDir::new().unwrap();
    let journal = SqliteJournal::inline(settings(&folder)).unwrap();
    let full = journal.write(|_| {
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        Err::<(), _>(rusqlite::Error::SqliteFailure(full, None).into())
    });
    assert_eq!(full.await.unwrap_err(), JournalError::Unavailable);
    // His own commit would fail at its very end.
    fs::remove_file(settings(&folder).path).unwrap();
    assert_eq!(journal.accept(broadcast(1)).await.unwrap_err(), JournalError::Unavailable);
}

//! Notices: promised, owed, told.

use fanfare_sdk::TargetName;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    error::{Failure, Stop},
    rows,
    store::Store,
    targets::Targets,
};
use crate::{
    journal::{
        JournalError, NewBroadcast,
        ledger::{self, Books, Record},
    },
    report::{BroadcastId, NoticeOf, Occasion, Occasions},
};

/// How many are still to come of a broadcast.
pub(super) fn promised(new: &NewBroadcast) -> u64 {
    new.notify.as_ref().map_or(0, |notify| notify.on.count()) as u64
}

impl Store {
    /// A notice is accepted: it is owed no more.
    pub(super) fn tell(&mut self, new: &NewBroadcast) -> Result<(), Stop> {
        let Some(NoticeOf { broadcast, occasion }) = new.notice_of else { return Ok(()) };
        let cached = self.find(broadcast)?.ok_or(JournalError::NotOwed)?;
        ledger::tell(&mut cached.record, occasion)?;
        let told = cached.record.order;
        self.connection
            .prepare_cached("DELETE FROM notice WHERE broadcast = $1 AND occasion = $2")?
            .execute(params![told.cast_signed(), occasion.code()])?;
        Ok(())
    }

    /// Gives up what is owed to a target.
    pub(super) fn forgo(&mut self, target: &TargetName) -> Result<usize, Stop> {
        let number = self.targets.known(target);
        let given_up = self
            .connection
            .prepare_cached("DELETE FROM notice WHERE target = $1 AND due = 1")?
            .execute([number])?;
        self.open -= given_up as u64;
        // What is at hand does not know of it.
        self.cache.clear();
        Ok(given_up)
    }
}

/// Writes those that are still to come.
pub(super) fn promise(
    connection: &Connection,
    targets: &mut Targets,
    record: &Record,
    seq: u64,
) -> Result<(), Failure> {
    let Some(notify) = &record.broadcast.notify else { return Ok(()) };
    let target = targets.number(&notify.target);
    for occasion in record.promised().iter() {
        connection
            .prepare_cached(
                "INSERT INTO notice (broadcast, occasion, target, due) VALUES ($1, $2, $3, $4)",
            )?
            .execute(params![seq.cast_signed(), occasion.code(), target, record.owes(occasion)])?;
    }
    targets.write_names(connection)
}

/// The occasion has come: from now on its notice is owed, where there is to be one.
pub(super) fn mark_due(
    connection: &Connection,
    record: &Record,
    occasion: Occasion,
) -> Result<(), Failure> {
    if record.owes(occasion) {
        connection
            .prepare_cached("UPDATE notice SET due = 1 WHERE broadcast = $1 AND occasion = $2")?
            .execute(params![record.order.cast_signed(), occasion.code()])?;
    }
    Ok(())
}

/// Those of its notices that were accepted, or given up.
pub(super) fn told(
    connection: &Connection,
    seq: u64,
    broadcast: &NewBroadcast,
) -> Result<Occasions, Failure> {
    let Some(notify) = &broadcast.notify else { return Ok(Occasions::default()) };
    let mut statement =
        connection.prepare_cached("SELECT occasion FROM notice WHERE broadcast = $1")?;
    let mut found = statement.query([seq.cast_signed()])?;
    let mut promised = Occasions::default();
    while let Some(row) = found.next()? {
        promised = promised.with(occasion(row, 0)?);
    }
    Ok(notify.on.without(promised))
}

fn occasion(row: &rusqlite::Row<'_>, at: usize) -> Result<Occasion, Failure> {
    rows::from_word(row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?)
}

/// From the columns `notice_of` and `occasion`.
pub(super) fn notice_of(
    row: &rusqlite::Row<'_>,
    first: usize,
) -> Result<Option<NoticeOf>, Failure> {
    let Some(id) = row.get::<_, Option<[u8; 16]>>(first)? else { return Ok(None) };
    let broadcast = BroadcastId(Uuid::from_bytes(id));
    Ok(Some(NoticeOf { broadcast, occasion: occasion(row, first + 1)? }))
}

/// How many are owed, by target.
pub(super) fn owing(connection: &Connection) -> Result<Vec<(TargetName, u64)>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT t.name, count(*) FROM notice AS n JOIN target AS t ON t.number = n.target \
         WHERE n.due = 1 GROUP BY n.target ORDER BY t.name",
    )?;
    let found = statement.query_map([], |row| {
        Ok((TargetName::from(row.get::<_, String>(0)?), row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Those that are owed to a target; the oldest broadcasts first.
pub(super) fn owed(
    connection: &Connection,
    target: &TargetName,
    count_max: usize,
) -> Result<Vec<NoticeOf>, Failure> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, n.occasion FROM notice AS n JOIN broadcast AS b ON b.seq = n.broadcast \
         WHERE n.due = 1 AND n.target = (SELECT number FROM target WHERE name = $1) \
         ORDER BY n.broadcast, n.occasion DESC LIMIT $2",
    )?;
    let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut found = statement.query(params![target.as_str(), count_max])?;
    let mut owed = Vec::new();
    while let Some(row) = found.next()? {
        owed.extend(notice_of(row, 0)?);
    }
    Ok(owed)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::super::{
        OpenError, SqliteJournal, SqliteSettings,
        tests::{at, broadcast, delivery, settings},
        tests_sealed::{master, sealed},
    };
    use crate::{
        journal::{Entry, Journal, JournalError, NewBroadcast},
        report::{Boot, NoticeOf, Notify, Occasion, Outcome},
    };

    fn notifying(number: u128) -> NewBroadcast {
        let on = Occasion::ALL.into_iter().collect();
        NewBroadcast { notify: Some(Notify { target: "ops".into(), on }), ..broadcast(number) }
    }

    fn notice(number: u128, occasion: Occasion) -> NewBroadcast {
        let notice_of = Some(NoticeOf { broadcast: broadcast(1).id, occasion });
        let mut recipients = broadcast(number).recipients;
        recipients.truncate(1);
        NewBroadcast { notice_of, recipients, ..broadcast(number) }
    }

    async fn settle(journal: &SqliteJournal) {
        for name in ["crm", "audit"] {
            let claim = journal.claim(&name.into(), Boot(1), at(2)).await.unwrap();
            let settled = Entry::Settled(delivery(1, name), Outcome::Delivered { attempt: 1 });
            drop(journal.append(&claim, vec![settled], at(3)).await.unwrap());
        }
    }

    /// What is owed is there again after each of these.
    async fn owed(journal: &SqliteJournal) -> String {
        let owed = journal.owed(&"ops".into(), 9).await.unwrap();
        owed.iter().map(|it| it.occasion.code()).collect::<Vec<_>>().join(" ")
    }

    #[tokio::test]
    async fn what_is_owed_has_a_place_and_is_there_again() {
        let folder = TempDir::new().unwrap();
        let small = || SqliteSettings {
            deliveries_open_max: 4,
            keep: Duration::from_secs(1),
            keep_dead_letters: Duration::from_secs(1),
            ..settings(&folder)
        };
        let journal = SqliteJournal::inline(small()).unwrap();
        drop(journal.accept(notifying(1)).await.unwrap());
        drop(journal);
        let journal = SqliteJournal::inline(small()).unwrap();
        assert_eq!(owed(&journal).await, "");
        let full = journal.accept(broadcast(2)).await.unwrap_err();
        assert_eq!(full, JournalError::Full, "two deliveries, and two notices to come");
        settle(&journal).await;
        drop(journal.accept(broadcast(2)).await.unwrap());
        drop(journal);
        let journal = SqliteJournal::inline(small()).unwrap();
        assert_eq!(owed(&journal).await, "verdict settled");
        assert_eq!(journal.accept(broadcast(3)).await.unwrap_err(), JournalError::Full);
        let late = at(100_000_000);
        while journal.prune(late).await.unwrap() {}
        assert!(journal.view(broadcast(1).id).await.unwrap().is_some(), "it owes a notice");
        assert_eq!(SqliteJournal::check(&small().path, &[]).unwrap().wrong, [""; 0]);
        drop(journal.accept(notice(4, Occasion::Verdict)).await.unwrap());
        assert_eq!(owed(&journal).await, "settled");
        while journal.prune(late).await.unwrap() {}
        assert!(journal.view(broadcast(1).id).await.unwrap().is_some(), "it owes another one");
        drop(journal.accept(notice(5, Occasion::Settled)).await.unwrap());
        assert_eq!(owed(&journal).await, "");
        drop(journal);
        let journal = SqliteJournal::inline(small()).unwrap();
        assert_eq!(owed(&journal).await, "");
        let again = journal.accept(notice(6, Occasion::Verdict)).await.unwrap_err();
        assert_eq!(again, JournalError::NotOwed);
        while journal.prune(late).await.unwrap() {}
        assert!(journal.view(broadcast(1).id).await.unwrap().is_none(), "all is told");
        assert_eq!(SqliteJournal::check(&small().path, &[]).unwrap().wrong, [""; 0]);
    }

    #[tokio::test]
    async fn what_is_owed_goes_with_its_broadcast() {
        let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let journal = SqliteJournal::inline(settings(&first)).unwrap();
        drop(journal.accept(notifying(1)).await.unwrap());
        settle(&journal).await;
        drop(journal.accept(notice(4, Occasion::Verdict)).await.unwrap());
        drop(journal);
        let mut lines = Vec::new();
        SqliteJournal::export(&settings(&first).path, &[], &mut lines).unwrap();
        SqliteJournal::import(&sealed(&second, &[1]), &mut &lines[..]).unwrap();
        let is_the_same = async |journal: SqliteJournal| {
            assert_eq!(owed(&journal).await, "settled");
            let again = journal.accept(notice(6, Occasion::Verdict)).await.unwrap_err();
            assert_eq!(again, JournalError::NotOwed);
            let report = journal.view(broadcast(4).id).await.unwrap().unwrap();
            assert_eq!(report.notice_of, notice(4, Occasion::Verdict).notice_of);
        };
        is_the_same(SqliteJournal::inline(sealed(&second, &[1])).unwrap()).await;
        let path = settings(&second).path;
        SqliteJournal::rekey(&path, &[master(1)], None).unwrap();
        is_the_same(SqliteJournal::inline(settings(&second)).unwrap()).await;
        assert_eq!(SqliteJournal::check(&path, &[]).unwrap().wrong, [""; 0]);
    }

    /// A file of the first schema, as the releases before this one made it.
    #[tokio::test]
    async fn a_file_of_the_schema_before_is_brought_up_to_date() {
        let folder = TempDir::new().unwrap();
        let path = settings(&folder).path;
        let before = Connection::open(&path).unwrap();
        before.execute_batch(include_str!("schema.sql")).unwrap();
        before.pragma_update(None, "application_id", 0x666E_6672).unwrap();
        before.pragma_update(None, "user_version", 1).unwrap();
        before
            .execute_batch(
                "INSERT INTO target (number, name) VALUES (0, 'crm'); \
                 INSERT INTO broadcast (seq, id, recipients, accepted_at, pinned) VALUES (1, \
                 x'00000000000000000000000000000001', 1, 1, '{\"completion\":\"all\",\"rest\":\"finish\", \
                 \"priority\":\"normal\",\"trace\":{\"trace_id\":\"01010101010101010101010101010101\", \
                 \"span_id\":\"0101010101010101\",\"parent_id\":null,\"parent_is_remote\":false,\"flags\":0, \
                 \"state\":null,\"baggage\":null}}'); \
                 INSERT INTO payload (broadcast, content_type, bytes) VALUES (1, 'text/plain', x'41'); \
                 INSERT INTO delivery (seq, broadcast, recipient, required, skipped, seed, span_id, \
                 expires_at, priority, serving, due_at) VALUES (1, 1, 0, 1, 0, 0, 1, 9, 1, 0, 1);",
            )
            .unwrap();
        drop(before);
        let older = SqliteJournal::stats(&path).unwrap_err();
        assert!(matches!(older, OpenError::Older { found: 1, .. }), "{older}");
        let journal = SqliteJournal::inline(settings(&folder)).unwrap();
        let report = journal.view(broadcast(1).id).await.unwrap().unwrap();
        assert_eq!((report.deliveries.len(), report.notice_of), (1, None));
        let claim = journal.claim(&"crm".into(), Boot(1), at(2)).await.unwrap();
        let settled = Entry::Settled(delivery(1, "crm"), Outcome::Expired);
        let committed = journal.append(&claim, vec![settled], at(3)).await.unwrap();
        assert_eq!((committed.settled.len(), committed.owed.len()), (1, 0));
        assert_eq!(SqliteJournal::check(&path, &[]).unwrap().wrong, [""; 0]);
    }
}

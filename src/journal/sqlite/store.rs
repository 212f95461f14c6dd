//! The one that writes: every change of the journal, as rows, inside of a transaction.

use std::{path::Path, sync::Arc};

use fanfare_sdk::{TargetName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;
use uuid::Uuid;

use super::{
    OpenError, SqliteSettings,
    broadcasts::{self, Which},
    cache::{Cache, Cached},
    error::{Failure, Stop},
    notices, open,
    place::Place,
    retention::Mark,
    rows,
    seals::Seals,
    targets::Targets,
    writing::{self, Row},
};
use crate::{
    journal::{
        Accepted, Claim, Committed, Entry, JournalError, NewBroadcast, NewDelivery,
        ledger::{self, Books, Record, Slot},
    },
    policy::gate::GateSnapshot,
    report::{Boot, BroadcastId, CancelledBy, DeliveryId, Event, History, Occasion, Verdict},
};

/// What the writer knows beside the file.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) connection: Connection,
    pub(super) place: Place,
    pub(super) seals: Arc<Seals>,
    pub(super) targets: Targets,
    pub(super) cache: Cache,
    /// Number of the next delivery.
    pub(super) next_seq: u64,
    /// Deliveries that have not settled, and notices that are still to come.
    pub(super) open: u64,
    open_max: u64,
    /// How far it has been looked for what is too old.
    pub(super) pruned: Mark,
}

impl Store {
    pub(super) fn open(settings: &SqliteSettings) -> Result<Self, OpenError> {
        let path: &Path = &settings.path;
        let connection = open::writer(path)?;
        let seals = Arc::new(Seals::load(&connection, path, &settings.master_keys)?);
        let mut store = Self {
            connection,
            place: Place::of(path),
            seals,
            targets: Targets::default(),
            cache: Cache::new(settings.cached_max),
            next_seq: 1,
            open: 0,
            open_max: settings.deliveries_open_max,
            pruned: Mark::default(),
        };
        let says =
            |failure: Failure| OpenError::Sqlite { path: path.to_owned(), says: failure.says };
        store.recall().map_err(says)?;
        Ok(store)
    }

    /// Reads again what is known beside the file: nothing of what was not committed stays.
    pub(super) fn recall(&mut self) -> Result<(), Failure> {
        self.cache.clear();
        self.targets = Targets::read(&self.connection)?;
        let number = |sql: &str| {
            let number = self.connection.query_row(sql, [], |row| row.get::<_, Option<i64>>(0))?;
            Ok::<_, Failure>(number.unwrap_or(0).cast_unsigned())
        };
        let last = number(
            "SELECT max(seq + recipients) FROM (SELECT seq, recipients FROM broadcast ORDER BY seq DESC LIMIT 1)",
        )?;
        self.next_seq = last
            .max(number("SELECT value FROM counter WHERE name = 'seq' UNION ALL SELECT 0 LIMIT 1")?)
            .max(1);
        self.open = number("SELECT count(*) FROM delivery WHERE settled_at IS NULL")?
            + number("SELECT count(*) FROM notice")?;
        Ok(())
    }

    pub(super) fn open_deliveries(&self) -> u64 {
        self.open
    }

    pub(super) fn accept(&mut self, new: NewBroadcast) -> Result<Accepted, Stop> {
        if let Some(same) = self.known(&new)? {
            return Ok(Accepted::Same(same));
        }
        if !ledger::are_distinct(&new) {
            return Err(JournalError::Invalid("a recipient is named twice").into());
        }
        let count = new.recipients.len() as u64;
        // A notice has the place that was kept for it.
        let (places, kept) = (count + notices::promised(&new), u64::from(new.notice_of.is_some()));
        if kept == 0 && self.open + places > self.open_max {
            return Err(JournalError::Full.into());
        }
        self.replay(&new)?;
        self.tell(&new)?;
        let seq = self.next_seq;
        let key = writing::insert(&self.connection, &self.seals, &mut self.targets, &new, seq)?;
        (self.next_seq, self.open) = (seq + count.max(1), self.open + places - kept);
        let broadcast = Arc::new(new);
        let slot = |new: &NewDelivery| Slot {
            serving: self.targets.number(&new.recipient),
            history: History::default(),
            due: broadcast.accepted_at,
            settled: None,
        };
        let slots: SmallVec<[Slot; 1]> = broadcast.recipients.iter().map(slot).collect();
        let written = slots.iter().map(|_| 0).collect();
        let record = Record::new(Arc::clone(&broadcast), slots, seq);
        notices::promise(&self.connection, &mut self.targets, &record, seq)?;
        self.cache
            .insert(broadcast.id, Box::new(Cached { record, written, has_verdict: false, key }));
        Ok(Accepted::New(broadcast))
    }

    /// The broadcast that this one repeats.
    fn known(&self, new: &NewBroadcast) -> Result<Option<BroadcastId>, Stop> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM broadcast WHERE id = $1")?;
        if statement.exists([new.id.0.as_bytes()])? {
            return Ok(Some(new.id));
        }
        let Some(key) = &new.caller_key else { return Ok(None) };
        let mut statement = self
            .connection
            .prepare_cached("SELECT id, fingerprint FROM broadcast WHERE caller_key = $1")?;
        let hashed = self.seals.name("caller key", &key.key);
        let same = self.seals.fingerprint(&key.fingerprint).unwrap_or(key.fingerprint);
        let before = statement.query_row([hashed.as_ref().unwrap_or(&key.key)], |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 32]>(1)?))
        });
        match before.optional()? {
            None => Ok(None),
            Some((id, fingerprint)) if fingerprint == same => {
                Ok(Some(BroadcastId(Uuid::from_bytes(id))))
            }
            Some(_) => Err(JournalError::KeyReused.into()),
        }
    }

    pub(super) fn claim(
        &mut self,
        serving: &TargetName,
        boot: Boot,
        now: Timestamp,
    ) -> Result<Claim, Stop> {
        let number = self.targets.number(serving);
        for (id, place) in self.started_before(number, boot)? {
            // One that cannot be read stops nobody else.
            let Some(cached) = self.find_readable(id)? else { continue };
            let history = &cached.record.slots[place].history;
            let lost: SmallVec<[u32; 4]> =
                history.in_flight().filter(|s| s.boot < boot).map(|s| s.attempt).collect();
            for attempt in lost {
                let lost = Event::Lost { attempt, at: now };
                let (cached, targets) = self.parts(id)?;
                ledger::happen(&mut cached.record, targets, place, lost);
            }
            self.write(id)?;
        }
        let epoch = self.targets.claim(&self.connection, number)?;
        Ok(Claim { serving: serving.clone(), epoch, boot })
    }

    /// The open deliveries of that target with a start of an older boot that has no end.
    fn started_before(&self, serving: u32, boot: Boot) -> Result<Vec<(BroadcastId, usize)>, Stop> {
        let mut statement = self.connection.prepare_cached(
            "SELECT b.id, d.seq - d.broadcast FROM delivery AS d JOIN broadcast AS b ON b.seq = d.broadcast \
             WHERE d.serving = $1 AND d.boot < $2 AND d.settled_at IS NULL ORDER BY d.seq",
        )?;
        let mut found = statement.query(params![serving, boot.0.cast_signed()])?;
        let mut all = Vec::new();
        while let Some(row) = found.next()? {
            let place = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
            all.push((BroadcastId(Uuid::from_bytes(row.get(0)?)), place));
        }
        Ok(all)
    }

    pub(super) fn append(
        &mut self,
        claim: &Claim,
        entries: Vec<Entry>,
        now: Timestamp,
    ) -> Result<Committed, Stop> {
        let serving = self.targets.known(&claim.serving).ok_or(JournalError::Fenced)?;
        if self.targets.epoch(serving) != claim.epoch {
            return Err(JournalError::Fenced.into());
        }
        let mut places = SmallVec::<[Option<usize>; 4]>::new();
        for (at, entry) in entries.iter().enumerate() {
            places.push(match self.check(serving, entry, &entries[at + 1..]) {
                // What was decided for it cannot be written, and must not keep others waiting.
                Err(Stop::Refused(JournalError::Unreadable)) => None,
                place => Some(place?),
            });
        }
        let mut committed = Committed::default();
        let mut touched = SmallVec::<[BroadcastId; 4]>::new();
        let placed = |(entry, place): (_, Option<_>)| place.map(|place| (entry, place));
        let mut entries = entries.into_iter().zip(places).filter_map(placed).peekable();
        while let Some((entry, place)) = entries.next() {
            let id = entry.delivery().broadcast;
            let (cached, targets) = self.parts(id)?;
            let open = cached.record.open;
            ledger::apply(&mut cached.record, targets, (place, serving), entry, now);
            if cached.record.open < open {
                self.open -= 1;
                touched.push(id);
            }
            // Before another one is looked up: only what is written may be forgotten.
            if entries.peek().is_none_or(|(next, _)| next.delivery().broadcast != id) {
                self.write(id)?;
            }
        }
        touched.dedup();
        for id in touched {
            let (cached, targets) = self.parts(id)?;
            ledger::fold(&mut cached.record, targets, now, &mut committed);
            self.retire(id, now, &mut committed)?;
        }
        Ok(committed)
    }

    /// The place of the delivery that an entry is about, where it may be written.
    fn check(&mut self, serving: u32, entry: &Entry, after: &[Entry]) -> Result<usize, Stop> {
        let id = entry.delivery();
        let unknown = JournalError::Invalid("the delivery is not known");
        let record = &self.find(id.broadcast)?.ok_or(unknown)?.record;
        let place = record.place(&id.recipient).ok_or(unknown)?;
        record.slots[place].check(serving, entry)?;
        let moves = matches!(entry, Entry::Event(_, Event::Moved { .. }));
        if moves && after.iter().any(|entry| entry.delivery() == id) {
            return Err(JournalError::Invalid("the delivery is handed over before").into());
        }
        Ok(place)
    }

    pub(super) fn record(&mut self, id: &DeliveryId, fact: Event) -> Result<(), Stop> {
        if !matches!(fact, Event::Started(_) | Event::Ended(_)) {
            return Err(JournalError::Invalid("only starts and ends are facts").into());
        }
        let Some(cached) = self.find_readable(id.broadcast)? else { return Ok(()) };
        let Some(place) = cached.record.place(&id.recipient) else { return Ok(()) };
        if cached.record.slots[place].settled.is_none() {
            let (cached, targets) = self.parts(id.broadcast)?;
            ledger::happen(&mut cached.record, targets, place, fact);
        }
        self.write(id.broadcast)
    }

    /// A life of the process begins.
    pub(super) fn boot(&mut self) -> Result<Boot, Stop> {
        let number: i64 = self
            .connection
            .prepare_cached(
                "INSERT INTO counter (name, value) VALUES ('boot', 1) \
                 ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(Boot(number.cast_unsigned()))
    }

    /// Keeps what a gate must not forget.
    pub(super) fn keep_gate(
        &mut self,
        target: &TargetName,
        kept: &GateSnapshot,
    ) -> Result<(), Stop> {
        let number = self.targets.number(target);
        self.targets.write_names(&self.connection)?;
        self.connection
            .prepare_cached("UPDATE target SET gate = $1 WHERE number = $2")?
            .execute(params![rows::json(kept)?, number])?;
        Ok(())
    }

    pub(super) fn ask_cancel(
        &mut self,
        id: BroadcastId,
        by: CancelledBy,
        now: Timestamp,
    ) -> Result<Committed, Stop> {
        let mut committed = Committed::default();
        if self.find_readable(id)?.is_none() {
            return Ok(committed);
        }
        let (cached, targets) = self.parts(id)?;
        match by {
            CancelledBy::Caller | CancelledBy::Shutdown => {
                ledger::give_up(&mut cached.record, now, &mut committed);
            }
            CancelledBy::Verdict => {}
        }
        ledger::cancel(&mut cached.record, targets, by, now, &mut committed);
        self.retire(id, now, &mut committed)?;
        Ok(committed)
    }

    pub(super) fn judge(&mut self, id: BroadcastId, now: Timestamp) -> Result<Committed, Stop> {
        let mut committed = Committed::default();
        if self.find_readable(id)?.is_none() {
            return Ok(committed);
        }
        let (cached, targets) = self.parts(id)?;
        ledger::fold(&mut cached.record, targets, now, &mut committed);
        self.retire(id, now, &mut committed)?;
        Ok(committed)
    }

    /// Writes what has changed of a broadcast, and takes note once that it has settled.
    fn retire(
        &mut self,
        id: BroadcastId,
        now: Timestamp,
        committed: &mut Committed,
    ) -> Result<(), Stop> {
        self.write(id)?;
        let (cached, _) = self.parts(id)?;
        if ledger::retire(&mut cached.record, committed) {
            let Some(cached) = self.cache.remove(id) else { return Ok(()) };
            self.connection
                .prepare_cached("UPDATE broadcast SET settled_at = $1 WHERE seq = $2")?
                .execute(params![now.as_micros(), cached.record.order.cast_signed()])?;
            notices::mark_due(&self.connection, &cached.record, Occasion::Settled)?;
        }
        Ok(())
    }

    /// Writes what has changed of a broadcast.
    fn write(&mut self, id: BroadcastId) -> Result<(), Stop> {
        let touched = self.targets.take_touched();
        self.targets.write_names(&self.connection)?;
        let Some(cached) = self.cache.get_mut(id) else { return Ok(()) };
        let Cached { record, written, has_verdict, key } = cached;
        for order in touched {
            let place = record.place_of(order);
            let Some(slot) = record.slots.get(place) else { continue };
            let (broadcast, key) = (id, key.as_ref());
            let row = Row { seq: order, broadcast, place, key };
            writing::write_slot(&self.connection, row, slot, &mut written[place])?;
        }
        if let Some(Verdict { satisfied, by, at }) = record.verdict.filter(|_| !*has_verdict) {
            self.connection
                .prepare_cached(
                    "UPDATE broadcast SET satisfied = $1, completed_by = $2, verdict_at = $3 WHERE seq = $4",
                )?
                .execute(params![satisfied, by.code(), at.as_micros(), record.order.cast_signed()])?;
            *has_verdict = true;
            notices::mark_due(&self.connection, record, Occasion::Verdict)?;
        }
        Ok(())
    }

    /// The broadcast; none also where it cannot be read.
    fn find_readable(&mut self, id: BroadcastId) -> Result<Option<&mut Cached>, Stop> {
        match self.find(id) {
            Err(Stop::Refused(JournalError::Unreadable)) => Ok(None),
            found => found,
        }
    }

    /// The broadcast, read where it is not at hand.
    pub(super) fn find(&mut self, id: BroadcastId) -> Result<Option<&mut Cached>, Stop> {
        if self.cache.get_mut(id).is_none() {
            let read = match broadcasts::read(&self.connection, &self.seals, Which::Id(id)) {
                Err(failure) if failure.is_of_one() => {
                    tracing::error!(target: "fanfare", error = %failure.says, "it cannot be read, and is left");
                    return Err(JournalError::Unreadable.into());
                }
                read => read?,
            };
            let Some((record, key)) = read else { return Ok(None) };
            let written = record.slots.iter().map(|slot| slot.history.events().len()).collect();
            let has_verdict = record.verdict.is_some();
            self.cache.insert(id, Box::new(Cached { record, written, has_verdict, key }));
        }
        Ok(self.cache.get_mut(id))
    }

    /// A broadcast that was found before, and the books beside it.
    fn parts(&mut self, id: BroadcastId) -> Result<(&mut Cached, &mut Targets), Stop> {
        self.find(id)?;
        match self.cache.get_mut(id) {
            Some(cached) => Ok((cached, &mut self.targets)),
            None => Err(Failure::corrupt("a broadcast is gone that was there").into()),
        }
    }
}

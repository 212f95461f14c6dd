//! Lines of JSON into a journal that nobody has open, or a new one.
//!
//! A broadcast is taken whole or not at all; one that is there already stays as it is. So the same lines again change
//! nothing, and lines that were mended may be brought again with all others.

use std::{
    io::{BufRead, Read},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fanfare_sdk::{Payload, TargetName, Timestamp};
use rusqlite::{OptionalExtension, params};
use smallvec::SmallVec;
use uuid::Uuid;

use super::{
    OpenError, SqliteJournal, SqliteSettings,
    error::Failure,
    export::TransferError,
    line::{BroadcastLine, CallerKeyLine, DeliveryLine, EventLine, FORMAT, Line, TargetLine},
    open::Lock,
    place, rows,
    store::Store,
    whole::{self, Whole},
};
use crate::{
    journal::{
        CallerKey, NewBroadcast, NewDelivery,
        ledger::{self, Books, Record, Slot},
    },
    report::{BroadcastId, CapturedReply, Event, History, NoticeOf, Verdict},
};

/// A line is no longer than that: it is held in memory.
const LINE_BYTES_MAX: u64 = 256 << 20;

/// Broadcasts that are written in one commit.
const AT_ONCE: usize = 100;

/// How many mistakes are told.
const TOLD_MAX: usize = 100;

/// What became of the lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Imported {
    /// Broadcasts that were taken.
    pub broadcasts: u64,
    /// Those that were there already.
    pub known: u64,
    /// What is wrong, each with its line. Of those lines nothing was taken.
    pub wrong: Vec<String>,
    /// Lines that are wrong.
    pub lines_wrong: u64,
}

impl SqliteJournal {
    /// Takes what was exported.
    ///
    /// # Errors
    /// Where somebody has the journal open, it cannot be read or written, or the lines are none of a journal.
    pub fn import(
        settings: &SqliteSettings,
        from: &mut impl BufRead,
    ) -> Result<Imported, TransferError> {
        let mut lines = Lines { from, number: 0 };
        let boots = head(&mut lines)?;
        let io = |source| OpenError::Io { path: settings.path.clone(), source };
        let path = place::resolved(&settings.path).map_err(io)?;
        let settings = &SqliteSettings { path, ..settings.clone() };
        let _lock = Lock::take(&settings.path)?;
        let says = |failure: Failure| OpenError::Sqlite {
            path: settings.path.clone(),
            says: failure.says,
        };
        let mut store = Store::open(settings)?;
        note_boots(&store, boots).map_err(says)?;
        let (mut imported, mut told) = (Imported::default(), None);
        let mut is_over = false;
        while !is_over {
            begin(&store).map_err(says)?;
            for _ in 0..AT_ONCE {
                let Some(line) = lines.next()? else {
                    is_over = true;
                    break;
                };
                let wrong = match line {
                    Ok(line) => take(&mut store, line, &mut imported, &mut told).map_err(says)?,
                    Err(wrong) => vec![wrong],
                };
                imported.lines_wrong += u64::from(!wrong.is_empty());
                let room = TOLD_MAX.saturating_sub(imported.wrong.len());
                let number = lines.number;
                let wrong = wrong.into_iter().take(room);
                imported.wrong.extend(wrong.map(|says| format!("line {number}: {says}")));
            }
            store.connection.execute_batch("COMMIT").map_err(|error| says(error.into()))?;
        }
        if told.is_none() {
            imported.lines_wrong += 1;
            imported.wrong.push("there is no last line: something was cut off".to_owned());
        }
        Ok(imported)
    }
}

fn begin(store: &Store) -> Result<(), Failure> {
    Ok(store.connection.execute_batch("BEGIN IMMEDIATE")?)
}

/// Lines, by number.
struct Lines<'a, R> {
    from: &'a mut R,
    number: u64,
}

impl<R: BufRead> Lines<'_, R> {
    fn next(&mut self) -> std::io::Result<Option<Result<Line, String>>> {
        let mut text = Vec::new();
        let read = self.from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut text)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if read as u64 == LINE_BYTES_MAX && text.last() != Some(&b'\n') {
            let says = format!("line {}: it is longer than {LINE_BYTES_MAX} bytes", self.number);
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, says));
        }
        // The line that serde_json counts is always the first one.
        let says =
            |error: serde_json::Error| error.to_string().replace(" at line 1 column ", ", column ");
        Ok(Some(serde_json::from_slice(text.trim_ascii_end()).map_err(says)))
    }
}

/// The first line: how often an engine was started on that journal.
fn head(lines: &mut Lines<'_, impl BufRead>) -> Result<u64, TransferError> {
    match lines.next()? {
        Some(Ok(Line::Journal(head))) if head.format == FORMAT => Ok(head.boots),
        Some(Ok(Line::Journal(head))) => Err(TransferError::Foreign(format!(
            "it has the form {}, and this release knows {FORMAT}",
            head.format
        ))),
        _ => Err(TransferError::Foreign("this is not what a journal has exported".to_owned())),
    }
}

/// An attempt of an earlier life is one of this journal too.
fn note_boots(store: &Store, boots: u64) -> Result<(), Failure> {
    store.connection.execute(
        "INSERT INTO counter (name, value) VALUES ('boot', $1) \
         ON CONFLICT (name) DO UPDATE SET value = max(counter.value, excluded.value)",
        [boots.cast_signed()],
    )?;
    Ok(())
}

/// Takes one line. Gives what is wrong with it; then nothing of it was taken.
fn take(
    store: &mut Store,
    line: Line,
    imported: &mut Imported,
    told: &mut Option<u64>,
) -> Result<Vec<String>, Failure> {
    if told.is_some() {
        return Ok(vec!["it comes after the last line".to_owned()]);
    }
    match line {
        Line::Journal(_) => Ok(vec!["a second first line".to_owned()]),
        Line::Target(line) => target(store, &line).map(|()| Vec::new()),
        Line::Broadcast(line) => broadcast(store, *line, imported),
        Line::End(end) => {
            *told = Some(end.broadcasts);
            let seen = imported.broadcasts + imported.known;
            let is_whole = end.broadcasts == seen || imported.lines_wrong > 0;
            let says = format!("there were {} broadcasts, and {seen} were found", end.broadcasts);
            Ok(if is_whole { Vec::new() } else { vec![says] })
        }
    }
}

/// What the journal knows of that target itself stays.
fn target(store: &mut Store, line: &TargetLine) -> Result<(), Failure> {
    let number = store.targets.number(&TargetName::from(line.name.as_str()));
    store.targets.write_names(&store.connection)?;
    let gate = line.gate.as_ref().map(rows::json).transpose()?;
    store
        .connection
        .prepare_cached(
            "UPDATE target SET epoch = max(epoch, $1), gate = coalesce(gate, $2) WHERE number = $3",
        )?
        .execute(params![line.epoch.cast_signed(), gate, number])?;
    Ok(())
}

fn broadcast(
    store: &mut Store,
    line: BroadcastLine,
    imported: &mut Imported,
) -> Result<Vec<String>, Failure> {
    let whole = match Reading::default().whole(store, line) {
        Ok(whole) => whole,
        Err(wrong) => return Ok(wrong),
    };
    let new = Arc::clone(&whole.record.broadcast);
    let mut known = store.connection.prepare_cached("SELECT 1 FROM broadcast WHERE id = $1")?;
    if known.exists([new.id.0.as_bytes()])? {
        imported.known += 1;
        return Ok(Vec::new());
    }
    drop(known);
    if let Some(key) = &new.caller_key {
        let hashed = store.seals.name("caller key", &key.key);
        let mut same =
            store.connection.prepare_cached("SELECT id FROM broadcast WHERE caller_key = $1")?;
        let same = same.query_row([hashed.as_ref().unwrap_or(&key.key)], |row| row.get(0));
        if let Some(id) = same.optional()?.map(Uuid::from_bytes) {
            return Ok(vec![format!("`caller_key`: it belongs to broadcast {id} of this journal")]);
        }
    }
    let seq = store.next_seq;
    whole::write(&store.connection, &store.seals, &mut store.targets, &whole, seq)?;
    store.next_seq = seq + (new.recipients.len() as u64).max(1);
    imported.broadcasts += 1;
    Ok(Vec::new())
}

/// A line is read, and all that is wrong with it.
#[derive(Default)]
struct Reading {
    wrong: Vec<String>,
}

impl Reading {
    fn note(&mut self, key: &str, says: &str) {
        self.wrong.push(format!("`{key}`: {says}"));
    }

    fn is(&mut self, right: bool, key: &str, says: &str) {
        if !right {
            self.note(key, says);
        }
    }

    fn id(&mut self, key: &str, text: &str) -> BroadcastId {
        let id = Uuid::try_parse(text);
        self.is(id.is_ok(), key, "it is no id of a broadcast");
        BroadcastId(id.unwrap_or_default())
    }

    fn hex<const N: usize>(&mut self, key: &str, text: &str) -> [u8; N] {
        let mut bytes = [0; N];
        let pair =
            |at: usize| text.get(2 * at..2 * at + 2).and_then(|it| u8::from_str_radix(it, 16).ok());
        let read = bytes.iter_mut().enumerate().all(|(at, byte)| match pair(at) {
            Some(read) => {
                *byte = read;
                true
            }
            None => false,
        });
        let says = format!("{N} bytes in hexadecimal digits would be right");
        self.is(read && text.len() == 2 * N, key, &says);
        bytes
    }

    fn base64(&mut self, key: &str, text: &str) -> Bytes {
        let bytes = STANDARD.decode(text);
        self.is(bytes.is_ok(), key, "it is not base64");
        Bytes::from(bytes.unwrap_or_default())
    }

    fn payload(&mut self, line: &BroadcastLine) -> Payload {
        let bytes = match (&line.payload, &line.payload_base64) {
            (Some(raw), None) => Bytes::copy_from_slice(raw.get().as_bytes()),
            (None, Some(text)) => self.base64("payload_base64", text),
            _ => {
                self.note("payload", "it must be there, or `payload_base64`, and not both");
                Bytes::new()
            }
        };
        Payload::new(line.content_type.clone(), bytes)
    }

    fn whole(mut self, store: &mut Store, line: BroadcastLine) -> Result<Whole, Vec<String>> {
        let payload = self.payload(&line);
        let caller_key = line.caller_key.map(|CallerKeyLine { key, fingerprint }| CallerKey {
            key,
            fingerprint: self.hex("caller_key.fingerprint", &fingerprint),
        });
        let (mut recipients, mut slots, mut dead) = (Vec::new(), SmallVec::new(), Vec::new());
        for (place, delivery) in line.deliveries.into_iter().enumerate() {
            dead.push(delivery.dead);
            let (recipient, slot) = self.delivery(store, place, delivery);
            recipients.push(recipient);
            slots.push(slot);
        }
        let new = NewBroadcast {
            id: self.id("id", &line.id),
            route: line.route,
            payload,
            recipients,
            completion: line.completion,
            rest: line.rest,
            accept_substituted: line.accept_substituted,
            priority: line.priority,
            deadline: line.deadline.map(rows::time),
            accepted_at: rows::time(line.accepted_at),
            caller_key,
            metadata: line.metadata,
            replay_of: line.replay_of.map(|id| self.id("replay_of", &id)),
            notify: line.notify,
            notice_of: line.notice_of.map(|of| NoticeOf {
                broadcast: self.id("notice_of.broadcast", &of.broadcast),
                occasion: of.occasion,
            }),
            trace: line.trace,
        };
        self.is(ledger::are_distinct(&new), "deliveries", "a recipient is named twice");
        let verdict = line.verdict.map(|it| Verdict {
            satisfied: it.satisfied,
            by: it.by,
            at: Timestamp::from_micros(it.at),
        });
        let slots: SmallVec<[Slot; 1]> = slots;
        let is_over = verdict.is_some() && slots.iter().all(|slot| slot.settled.is_some());
        self.is(
            line.settled_at.is_some() == is_over,
            "settled_at",
            "it must be there where there is a verdict and nothing is open, and nowhere else",
        );
        if !self.wrong.is_empty() {
            return Err(self.wrong);
        }
        let record = Record::restore(Arc::new(new), slots, 0, (verdict, is_over, line.told));
        Ok(Whole { record, settled_at: line.settled_at, dead })
    }

    fn delivery(
        &mut self,
        store: &mut Store,
        place: usize,
        line: DeliveryLine,
    ) -> (NewDelivery, Slot) {
        let key = |name: &str| format!("deliveries[{place}].{name}");
        self.is(!line.recipient.is_empty(), &key("recipient"), "it has no name");
        self.is(!line.serving.is_empty(), &key("serving"), "it has no name");
        self.is(
            line.outcome.is_some() == line.settled_at.is_some(),
            &key("outcome"),
            "it and `settled_at` are there both, or none of them",
        );
        self.is(
            !line.dead || whole::is_dead_letter(line.outcome),
            &key("dead"),
            "with that outcome it is no dead letter",
        );
        let mut history = History::default();
        for (number, EventLine { mut event, body }) in line.events.into_iter().enumerate() {
            if let Some(body) = body {
                let bytes = self.base64(&key(&format!("events[{number}].body")), &body);
                if let Event::Ended(ended) = &mut event
                    && let Some(reply) = &mut ended.reply
                {
                    *reply = Arc::new(CapturedReply { body: bytes, ..(**reply).clone() });
                }
            }
            let is_new = history.push(event);
            self.is(is_new, &key(&format!("events[{number}]")), "it is there twice");
        }
        let recipient = NewDelivery {
            recipient: TargetName::from(line.recipient),
            required: line.required,
            seed: line.seed,
            expires: rows::time(line.expires_at),
            span_id: self.hex(&key("span_id"), &line.span_id),
            skipped: line.skipped,
            order_key: line.order_key,
            carried: line.carried,
        };
        let settled = line.outcome.zip(line.settled_at.map(rows::time));
        let serving = store.targets.number(&TargetName::from(line.serving));
        (recipient, Slot { serving, history, due: rows::time(line.due_at), settled })
    }
}

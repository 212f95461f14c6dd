//! What a target gets that is notified, as JSON: `schemas/notice.schema.json`.

use std::{borrow::Cow, io, sync::Arc};

use bytes::Bytes;
use fanfare_sdk::Timestamp;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{Delivery, Report, time};
use crate::report::{self, CapturedReply, Occasion, Outcome};

/// Bytes of a notice, where the engine takes payloads that are longer: what most receivers of webhooks take.
const NOTICE_BYTES_MAX: usize = 256 << 10;

/// What a target gets that is notified.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Notice {
    /// What has happened.
    pub r#type: NoticeType,
    /// When this report was made: RFC 3339, UTC.
    pub timestamp: String,
    /// The report, as it stood then.
    pub report: Report,
}

/// What has happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub enum NoticeType {
    /// The verdict has fallen; deliveries may still be open.
    #[serde(rename = "fanfare.broadcast.verdict")]
    Verdict,
    /// Every delivery has ended.
    #[serde(rename = "fanfare.broadcast.settled")]
    Settled,
}

/// The schema of a notice (JSON Schema 2020-12).
#[must_use]
pub fn notice_schema() -> Value {
    let mut schema = schema_for!(Notice).to_value();
    schema["$id"] = "https://fanfare.dev/schemas/notice.schema.json".into();
    schema["title"] = "fanfare notice".into();
    schema
}

impl From<Occasion> for NoticeType {
    fn from(occasion: Occasion) -> Self {
        match occasion {
            Occasion::Verdict => Self::Verdict,
            Occasion::Settled => Self::Settled,
        }
    }
}

impl Notice {
    /// The notice as text. What does not fit is left out, what is needed least first, and the report says so.
    pub(crate) fn payload(
        mut report: report::Report,
        (occasion, now): (Occasion, Timestamp),
        bytes_max: usize,
    ) -> Vec<u8> {
        let bytes_max = bytes_max.min(NOTICE_BYTES_MAX);
        let bodies = report.deliveries.iter().filter_map(|it| it.reply.as_ref());
        let are_too_long = bodies.map(|reply| reply.body.len()).sum::<usize>() > bytes_max;
        if are_too_long {
            // Before they are made into JSON.
            report.deliveries.iter_mut().for_each(without_body);
        }
        let mut notice =
            Self { r#type: occasion.into(), timestamp: time(now), report: Report::from(&report) };
        let mut steps = STEPS.into_iter();
        if are_too_long {
            notice.leave_out(steps.next());
        }
        while !notice.fits(bytes_max) && notice.leave_out(steps.next()) {}
        while !notice.fits(bytes_max) && !notice.report.deliveries.is_empty() {
            let half = notice.report.deliveries.len() / 2;
            notice.report.deliveries.truncate(half);
        }
        serde_json::to_vec(&notice).unwrap_or_default()
    }

    fn leave_out(&mut self, step: Option<Step>) -> bool {
        let Some((name, step)) = step else { return false };
        step(&mut self.report);
        let name = Cow::Borrowed(name);
        if !self.report.truncated.contains(&name) {
            self.report.truncated.push(name);
        }
        true
    }

    fn fits(&self, bytes_max: usize) -> bool {
        serde_json::to_writer(Room(bytes_max), self).is_ok()
    }
}

/// What is left out, by its name, and how.
type Step = (&'static str, fn(&mut Report));

/// What is needed least first.
const STEPS: [Step; 6] = [
    ("replies", |report| report.deliveries.iter_mut().for_each(without_text)),
    ("replies", |report| report.deliveries.iter_mut().for_each(|it| it.reply = None)),
    ("attempts", |report| report.deliveries.iter_mut().for_each(only_last)),
    ("attempts", |report| report.deliveries.iter_mut().for_each(|it| it.attempts.clear())),
    ("metadata", |report| {
        report.metadata.clear();
        report.warnings.clear();
    }),
    ("deliveries", |report| {
        let delivered = Outcome::Delivered { attempt: 1 }.code();
        report.deliveries.retain(|it| it.outcome.as_deref() != Some(delivered));
    }),
];

fn without_body(delivery: &mut report::Delivery) {
    if let Some(reply) = &mut delivery.reply {
        let (body, truncated) = (Bytes::new(), reply.truncated || !reply.body.is_empty());
        *reply = Arc::new(CapturedReply { body, truncated, ..(**reply).clone() });
    }
}

fn without_text(delivery: &mut Delivery) {
    if let Some(reply) = delivery.reply.as_mut().filter(|reply| !reply.body.0.is_null()) {
        (reply.body.0, reply.truncated) = (Value::Null, true);
    }
}

fn only_last(delivery: &mut Delivery) {
    let before = delivery.attempts.len().saturating_sub(1);
    delivery.attempts.drain(..before);
}

/// Room for that many bytes: what is more is an error, and nothing is kept.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(left) => {
                self.0 = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Effect, Learned, Meaning, Timestamp};
    use http::HeaderMap;
    use serde_json::Value;
    use uuid::Uuid;

    use super::{Notice, NoticeType, Occasion};
    use crate::report::{
        Because, Boot, BroadcastId, CapturedReply, Delivery, Ended, Event, History, Kind, Outcome,
        Reason, Report, ReportSource, Started, Trace, Way,
    };

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    fn delivery(name: &str, attempts: u32, body: usize, outcome: Outcome) -> Delivery {
        let mut history = History::default();
        for attempt in 1..=attempts {
            history.push(Event::Started(Started {
                attempt,
                way: Way { target: name.into(), endpoint: None, version: None },
                kind: Kind::First,
                because: Because::FirstWay,
                key: "key".into(),
                span_id: [1; 8],
                boot: Boot(1),
                due: at(1),
                held: None,
                at: at(1),
            }));
            let reply = CapturedReply {
                status: Some(200),
                headers: HeaderMap::new(),
                body: vec![b'x'; body].into(),
                truncated: false,
                captured: std::collections::BTreeMap::new(),
            };
            history.push(Event::Ended(Ended {
                attempt,
                meaning: Meaning::Success,
                effect: Effect::Applied,
                retry_after: None,
                learned: Learned::Nothing,
                status: Some(200),
                error: None,
                said: None,
                reply: Some(reply.into()),
                notice: None,
                at: at(2),
            }));
        }
        let source = ReportSource {
            recipient: name.into(),
            required: true,
            span_id: [1; 8],
            history: &history,
            settled: Some((outcome, at(2))),
            due: at(1),
        };
        Delivery::assemble(source, at(1), None)
    }

    fn report(deliveries: Vec<Delivery>) -> Report {
        Report {
            id: BroadcastId(Uuid::nil()),
            route: None,
            metadata: Some(std::sync::Arc::new([("order".to_owned(), 7.into())].into())),
            replay_of: None,
            notice_of: None,
            trace: Trace {
                trace_id: [1; 16],
                span_id: [1; 8],
                parent_id: None,
                parent_is_remote: false,
                flags: 0,
                state: None,
                link: None,
                baggage: None,
            },
            verdict: None,
            accepted_at: at(1),
            settled_at: Some(at(2)),
            deliveries,
        }
    }

    /// So many deliveries with success and without, each with so many attempts and a body of so many bytes, in that many
    /// bytes: which are left, with how many attempts, and what was left out.
    #[track_caller]
    fn check(
        (well, ill): (usize, usize),
        (attempts, body): (u32, usize),
        room: usize,
        expected: &str,
    ) {
        let delivered = (0..well)
            .map(|n| delivery(&format!("w{n}"), attempts, body, Outcome::Delivered { attempt: 1 }));
        let failed = (0..ill).map(|n| {
            delivery(&format!("i{n}"), attempts, body, Outcome::Failed(Reason::Permanent))
        });
        let report = report(delivered.chain(failed).collect());
        let text = Notice::payload(report, (Occasion::Settled, at(3)), room);
        let read: Notice = serde_json::from_slice(&text).unwrap();
        assert_eq!(read.r#type, NoticeType::Settled);
        let is_cut = |it: &super::Delivery| match &it.reply {
            None => "none",
            Some(reply) if reply.truncated && reply.body.0 == Value::Null => "cut",
            Some(_) => "whole",
        };
        let first = read.report.deliveries.first();
        let first = first.map_or("nobody".to_owned(), |it| {
            format!("{} with {} attempts, reply {}", it.target, it.attempts.len(), is_cut(it))
        });
        let count = read.report.deliveries.len();
        let found = format!("{count}: {first}; without {}", read.report.truncated.join(", "));
        assert_eq!(found, expected);
        assert!(text.len() <= room || count == 0, "{} bytes", text.len());
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_said() {
        let large = 1 << 30;
        check((1, 1), (2, 100), large, "2: w0 with 2 attempts, reply whole; without ");
        check((1, 1), (2, 100_000), large, "2: w0 with 2 attempts, reply whole; without ");
        // More than a notice may have.
        check((2, 2), (2, 100_000), large, "4: w0 with 2 attempts, reply cut; without replies");
        check((1, 1), (2, 10_000), 5_000, "2: w0 with 2 attempts, reply cut; without replies");
        check(
            (1, 1),
            (50, 10),
            5_000,
            "2: w0 with 1 attempts, reply none; without replies, attempts",
        );
        let all = "without replies, attempts, metadata, deliveries";
        check((30, 1), (1, 10), 2_000, &format!("1: i0 with 0 attempts, reply none; {all}"));
        check((0, 64), (1, 10), 3_000, &format!("4: i0 with 0 attempts, reply none; {all}"));
        check((1, 1), (1, 10), 10, &format!("0: nobody; {all}"));
    }
}

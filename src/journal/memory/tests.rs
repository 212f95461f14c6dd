//! A journal in memory is a journal, and keeps to its limits.

use fanfare_sdk::{Payload, Timestamp};
use futures_util::FutureExt;
use uuid::Uuid;

use super::MemoryLimits;
use crate::{
    journal::{
        Accepted, CallerKey, Claim, DeadLetterFilter, Entry, Journal, MemoryJournal, NewBroadcast,
        NewDelivery, conformance,
    },
    report::{
        Boot, BroadcastId, CancelledBy, Completion, DeliveryId, NoticeOf, Notify, Occasion,
        Outcome, Priority, Reason, Rest, Trace,
    },
};

#[tokio::test]
async fn conforms() {
    let broken = conformance::run(async || MemoryJournal::default()).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Each step is a letter and a number: `+2` accepts a broadcast to two recipients (its payload takes ten bytes
/// for each), `s1` and `f1` settle the deliveries of the first broadcast with and without success.
///
/// Expected: the answers to `+`, and which broadcasts are known in the end.
#[track_caller]
fn check(limits: MemoryLimits, steps: &str, expected: &str) {
    let journal = MemoryJournal::new(limits);
    let claim = journal.claim(&"0".into(), Boot(1), at(0)).now_or_never().unwrap().unwrap();
    let (mut answers, mut count) = (Vec::new(), 0);
    for step in steps.split(' ') {
        let (what, number) = step.split_at(1);
        match what {
            "+" => {
                count += 1;
                answers.push(accept(&journal, broadcast(count, number.parse().unwrap())));
            }
            "s" => settle(&journal, &claim, number, Outcome::Delivered { attempt: 1 }),
            _ => settle(&journal, &claim, number, Outcome::Failed(Reason::Permanent)),
        }
    }
    let known = (1..=count).filter(|n| view(&journal, *n)).map(|n| n.to_string());
    let known = known.collect::<Vec<_>>().join(" ");
    let any = DeadLetterFilter::default();
    let letters =
        journal.dead_letters(&any, None, usize::MAX).now_or_never().unwrap().unwrap().letters;
    let letters: Vec<_> = letters.iter().map(|l| l.id.broadcast.0.as_u128().to_string()).collect();
    let found = format!("{}; known {known}; dead {}", answers.join(" "), letters.join(" "));
    assert_eq!(found, expected, "{steps} within {limits:?}");
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

fn id(number: u128) -> BroadcastId {
    BroadcastId(Uuid::from_u128(number))
}

fn broadcast(number: u128, recipients: usize) -> NewBroadcast {
    let recipients = (0..recipients).map(|place| NewDelivery {
        recipient: place.to_string().into(),
        required: true,
        seed: 0,
        expires: at(9),
        span_id: [0; 8],
        skipped: false,
        order_key: None,
        carried: None,
    });
    NewBroadcast {
        id: id(number),
        route: None,
        payload: Payload::new("text/plain", vec![b' '; 10 * recipients.len()]),
        recipients: recipients.collect(),
        completion: Completion::All,
        rest: Rest::Finish,
        accept_substituted: false,
        priority: Priority::Normal,
        deadline: None,
        accepted_at: at(1),
        caller_key: Some(CallerKey { key: number.to_string(), fingerprint: [0; 32] }),
        metadata: None,
        replay_of: None,
        notify: None,
        notice_of: None,
        trace: Trace {
            link: None,
            trace_id: [0; 16],
            span_id: [0; 8],
            parent_id: None,
            parent_is_remote: false,
            flags: 0,
            state: None,
            baggage: None,
        },
    }
}

fn accept(journal: &MemoryJournal, broadcast: NewBroadcast) -> String {
    match journal.accept(broadcast).now_or_never().unwrap() {
        Ok(Accepted::New(_)) => "new".to_owned(),
        Ok(Accepted::Same(id)) => format!("same({})", id.0.as_u128()),
        Err(error) => error.to_string(),
    }
}

fn settle(journal: &MemoryJournal, claim: &Claim, number: &str, outcome: Outcome) {
    let broadcast = id(number.parse().unwrap());
    let entry = Entry::Settled(DeliveryId { broadcast, recipient: "0".into() }, outcome);
    let committed = journal.append(claim, vec![entry], at(2)).now_or_never().unwrap();
    assert!(committed.is_ok());
}

fn view(journal: &MemoryJournal, number: u128) -> bool {
    journal.view(id(number)).now_or_never().unwrap().unwrap().is_some()
}

#[test]
fn open_deliveries_are_limited_and_never_forgotten() {
    let limits = MemoryLimits { deliveries_open_max: 3, ..MemoryLimits::default() };
    check(limits, "+1 +1 +1", "new new new; known 1 2 3; dead ");
    check(limits, "+1 +1 +1 +1", "new new new the journal is full; known 1 2 3; dead ");
    // All or nothing.
    check(limits, "+2 +2 +1", "new the journal is full new; known 1 3; dead ");
    check(limits, "+4", "the journal is full; known ; dead ");
    check(limits, "+3 s1 +1 +1", "new new the journal is full; known 1 2; dead ");
    // One without recipients is open until it is judged.
    check(limits, "+0 +0 +0 +0", "new new new the journal is full; known 1 2 3; dead ");
}

#[test]
fn settled_broadcasts_are_forgotten_the_oldest_first() {
    let limits = MemoryLimits { settled_max: 2, ..MemoryLimits::default() };
    check(limits, "+1 +1 +1 +1 s1 s2", "new new new new; known 1 2 3 4; dead ");
    check(limits, "+1 +1 +1 +1 s3 s1 s2", "new new new new; known 1 2 4; dead ");
    check(limits, "+1 +1 +1 +1 s3 s1 s2 s4", "new new new new; known 2 4; dead ");
    let limits = MemoryLimits { settled_max: 0, ..MemoryLimits::default() };
    check(limits, "+1 s1 +1", "new new; known 2; dead ");
}

#[test]
fn a_payload_is_let_go_when_its_broadcast_has_settled() {
    let limits = MemoryLimits { payload_bytes_max: 30, ..MemoryLimits::default() };
    check(limits, "+1 +2 +1", "new new the journal is full; known 1 2; dead ");
    check(limits, "+1 s1 +1 s2 +1 s3", "new new new; known 1 2 3; dead ");
    check(limits, "+1 s1 +1 s2 +1 +1", "new new new new; known 1 2 3 4; dead ");
    check(limits, "+1 s1 +1 s2 +1 +2", "new new new new; known 1 2 3 4; dead ");
    // What is refused makes no room.
    check(limits, "+1 s1 +1 +3", "new new the journal is full; known 1 2; dead ");
}

#[test]
fn dead_letters_are_limited_the_newest_are_kept() {
    let limits = MemoryLimits { dead_letters_max: 2, settled_max: 1, ..MemoryLimits::default() };
    check(limits, "+1 +1 +1 f1 f2 f3", "new new new; known 3; dead 3 2");
    let limits = MemoryLimits { dead_letters_max: 0, ..MemoryLimits::default() };
    check(limits, "+1 f1", "new; known 1; dead ");
}

#[test]
fn a_key_is_forgotten_with_its_broadcast() {
    let journal = MemoryJournal::new(MemoryLimits { settled_max: 1, ..MemoryLimits::default() });
    let again = |number, key: u128| {
        let caller_key = Some(CallerKey { key: key.to_string(), fingerprint: [0; 32] });
        accept(&journal, NewBroadcast { caller_key, ..broadcast(number, 1) })
    };
    let claim = journal.claim(&"0".into(), Boot(1), at(0)).now_or_never().unwrap().unwrap();
    assert_eq!([again(1, 7), again(2, 8), again(3, 7)], ["new", "new", "same(1)"]);
    settle(&journal, &claim, "1", Outcome::Expired);
    assert_eq!(again(4, 7), "same(1)");
    settle(&journal, &claim, "2", Outcome::Expired);
    assert_eq!([again(5, 7), again(6, 8)], ["new", "same(2)"]);
}

#[test]
fn nothing_is_left_over() {
    let journal = MemoryJournal::new(MemoryLimits { settled_max: 0, ..MemoryLimits::default() });
    let claim = journal.claim(&"0".into(), Boot(1), at(0)).now_or_never().unwrap().unwrap();
    for number in 1..=3 {
        accept(&journal, broadcast(number, 1));
    }
    accept(&journal, broadcast(4, 0));
    assert_eq!(
        format!("{journal:?}"),
        "MemoryJournal(Occupancy { deliveries_open: 4, payload_bytes_open: 30, \
         broadcasts_open: 4, broadcasts_settled: 0, dead_letters: 0 })"
    );
    for number in ["1", "2", "3"] {
        settle(&journal, &claim, number, Outcome::Cancelled(CancelledBy::Shutdown));
    }
    assert!(journal.judge(id(4), at(3)).now_or_never().unwrap().is_ok());
    assert_eq!(journal.occupancy(), super::Occupancy::default());
}

#[test]
fn a_notice_has_a_place_and_what_owes_one_is_kept() {
    let limits = MemoryLimits { deliveries_open_max: 3, settled_max: 0, ..MemoryLimits::default() };
    let journal = MemoryJournal::new(limits);
    let notify = Some(Notify { target: "ops".into(), on: Occasion::ALL.into_iter().collect() });
    let both = |number, notify: &Option<Notify>| NewBroadcast {
        notify: notify.clone(),
        ..broadcast(number, 1)
    };
    // One delivery, and two notices to come.
    assert_eq!(accept(&journal, both(1, &notify)), "new");
    assert_eq!(accept(&journal, both(2, &None)), "the journal is full");
    let claim = journal.claim(&"0".into(), Boot(1), at(0)).now_or_never().unwrap().unwrap();
    settle(&journal, &claim, "1", Outcome::Delivered { attempt: 1 });
    assert_eq!(accept(&journal, both(2, &None)), "new");
    assert!(view(&journal, 1), "it is not forgotten while a notice is owed");
    assert_eq!(accept(&journal, both(3, &None)), "the journal is full");
    for (number, occasion) in [(4, Occasion::Verdict), (5, Occasion::Settled)] {
        let notice_of = Some(NoticeOf { broadcast: id(1), occasion });
        let notice = NewBroadcast { notice_of, ..broadcast(number, 1) };
        assert_eq!(accept(&journal, notice), "new", "the place was kept");
    }
    assert!(!view(&journal, 1), "it is told, and there is no room");
    for number in ["2", "4", "5"] {
        settle(&journal, &claim, number, Outcome::Delivered { attempt: 1 });
    }
    assert_eq!(journal.occupancy(), super::Occupancy::default());
}

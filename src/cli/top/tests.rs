//! The screen as it is seen, and what keys do to it.

use fanfare_sdk::Timestamp;
use ratatui::{Terminal, backend::TestBackend};
use serde_json::json;

use super::{
    screen::{Look, draw},
    state::{Key, Link, State, Then, Wish},
};
use crate::wire::listing::Target;

fn target(name: &str, attempts: u64) -> Target {
    let (state, breaker) = match name {
        "audit" => ("paused", "closed"),
        "mail" => ("ready", "half_open"),
        _ => ("ready", "closed"),
    };
    let held_by = (name == "audit").then_some("paused");
    let warnings = if name == "crm" {
        json!([{ "target": "crm", "kind": "sunset", "version": "2", "deprecated_at": null,
            "sunset": "2026-11-11T23:59:59Z", "successor": null, "documentation": null }])
    } else {
        json!([])
    };
    let told = json!({
        "name": name, "kind": "http", "state": state, "open": 12, "at_gate": 3, "in_flight": 2,
        "breaker": breaker, "held_by": held_by, "attempts": attempts, "attempts_failed": attempts / 5,
        "p50_ms": 2.71, "p99_ms": 131.4, "warnings": warnings, "versions": [],
    });
    serde_json::from_value(told).unwrap()
}

fn state() -> State {
    let begun = Timestamp::from_secs(0);
    let mut state = State::new("http://127.0.0.1:8080".to_owned(), begun);
    let targets = |attempts| ["audit", "crm", "mail"].map(|name| target(name, attempts)).to_vec();
    state.targets(targets(100), begun);
    state.targets(targets(190), begun.after(std::time::Duration::from_secs(2)));
    state.link = Link::Connected;
    for (number, kinds) in [
        (1, &["broadcast_accepted", "delivered", "failed", "unsatisfied", "broadcast_settled"][..]),
        (2, &["broadcast_accepted", "delivered"][..]),
        (3, &["delivered", "satisfied", "broadcast_settled"][..]),
    ] {
        for kind in kinds {
            state.happened(event(number, kind));
        }
    }
    state
}

fn event(number: u32, kind: &str) -> crate::wire::Event {
    let mut event = json!({
        "at": format!("2026-11-24T02:40:5{number}.5Z"), "route": "both",
        "broadcast": format!("01a20b6d-6d94-7e42-a669-3f2fb292843{number}"),
        "kind": kind, "recipients": 2, "replay_of": null, "duration_ms": 143.0,
    });
    if ["delivered", "failed"].contains(&kind) {
        event["kind"] = "delivery_settled".into();
        (event["outcome"], event["recipient"]) = (kind.into(), "crm".into());
        event["reason"] = serde_json::Value::Null;
    }
    if ["satisfied", "unsatisfied"].contains(&kind) {
        event["kind"] = "verdict".into();
        (event["verdict"], event["completed_by"]) = (kind.into(), "all".into());
    }
    serde_json::from_value(event).unwrap()
}

fn seen(state: &State, (columns, rows): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, state, Look { colours: false })).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |row| (0..columns).map(|column| buffer[(column, row)].symbol()).collect::<String>();
    (0..rows).map(|row| line(row).trim_end().to_owned()).collect()
}

#[track_caller]
fn shows(state: &State, size: (u16, u16), expected: &[&str]) {
    let seen = seen(state, size);
    let blank = seen.len() - seen.iter().rev().skip(1).take_while(|it| it.is_empty()).count() - 1;
    let lines: Vec<_> = [&seen[..blank], &seen[seen.len() - 1..]].concat();
    assert_eq!(lines, expected, "\n{}", seen.join("\n"));
}

#[test]
fn targets_and_broadcasts_are_seen_in_eighty_columns() {
    let mut state = state();
    state.key(Key::Down);
    shows(
        &state,
        (80, 24),
        &[
            "fanfare  http://127.0.0.1:8080  live              2 of 3 ready  135.0 attempts/s",
            "TARGET       STATE    BREAKER   FLIGHT   WAIT   OPEN  ATT/S FAIL     P50     P99",
            "audit        paused   closed         2      3     12   45.0  20% 2.71 ms  131 ms",
            "crm !        ready    closed         2      3     12   45.0  20% 2.71 ms  131 ms",
            "mail         ready    half open      2      3     12   45.0  20% 2.71 ms  131 ms",
            "crm (http): version 2 sunset, gone by 2026-11-11",
            "BROADCAST                            ACCEPTED ROUTE    VERDICT      DONE    TOOK",
            "01a20b6d-6d94-7e42-a669-3f2fb2928433 02:40:53 both     satisfied     all  143 ms",
            "01a20b6d-6d94-7e42-a669-3f2fb2928432 02:40:52 both     open          1/2       -",
            "01a20b6d-6d94-7e42-a669-3f2fb2928431 02:40:51 both     unsatisfied   2/2  143 ms",
            "p pause  r resume  v revive  Tab broadcasts  / filter  ? help  q quit",
        ],
    );
}

#[test]
fn every_size_is_drawn() {
    let mut state = state();
    for mode in ["", "?", "/"] {
        state.key(Key::Escape);
        mode.chars().for_each(|letter| drop(state.key(Key::Letter(letter))));
        for size in [(1, 1), (2, 3), (10, 5), (40, 10), (80, 6), (79, 24), (200, 60)] {
            assert_eq!(seen(&state, size).len(), usize::from(size.1));
        }
    }
}

#[test]
fn levers_are_asked_for_twice() {
    #[track_caller]
    fn check(state: &mut State, keys: &[Key], expected: &Then) {
        let last = keys.iter().fold(Then::Nothing, |_, key| state.key(*key));
        assert_eq!(last, *expected, "{keys:?}");
    }
    let (mut state, y) = (state(), Key::Letter('y'));
    let letter = Key::Letter;
    let name = |name: &str| name.to_owned();
    check(&mut state, &[letter('p'), y], &Then::Do(Wish::Pause(name("audit"))));
    check(&mut state, &[Key::Down, letter('r'), y], &Then::Do(Wish::Resume(name("crm"))));
    check(&mut state, &[Key::Last, letter('v'), y], &Then::Do(Wish::Revive(name("mail"))));
    check(&mut state, &[letter('p'), Key::Enter], &Then::Nothing);
    assert_eq!(state.note.as_deref(), Some("nothing was done"));
    check(&mut state, &[letter('d')], &Then::Nothing);
    assert_eq!(state.note.as_deref(), Some("`d` is for a broadcast: Tab goes there"));
    let id = name("01a20b6d-6d94-7e42-a669-3f2fb2928433");
    check(&mut state, &[Key::Tab, letter('d'), y], &Then::Do(Wish::Replay(id)));
    check(&mut state, &[letter('/'), letter('q')], &Then::Nothing);
    check(&mut state, &[letter('p')], &Then::Nothing);
    assert_eq!(state.filter, ["", "qp"], "letters are the filter's");
    check(&mut state, &[Key::Backspace, Key::Enter, letter('d')], &Then::Nothing);
    assert_eq!(state.note.as_deref(), Some("nothing is chosen"));
    check(&mut state, &[Key::Escape, letter('q')], &Then::Quit);
    check(&mut state, &[letter('/'), Key::Interrupt], &Then::Quit);
}

#[test]
fn what_is_chosen_stays_chosen() {
    let mut state = state();
    state.key(Key::Tab);
    state.key(Key::Down);
    let wished = |state: &mut State| {
        state.key(Key::Letter('d'));
        state.key(Key::Letter('y'))
    };
    let before = wished(&mut state);
    state.happened(event(9, "broadcast_accepted"));
    assert_eq!(wished(&mut state), before, "a new one has come above it");
}

#[test]
fn a_daemon_that_counts_anew_is_not_taken_for_fast() {
    let mut state = state();
    let again = Timestamp::from_secs(3);
    state.targets(vec![target("crm", 5)], again);
    assert_eq!((state.targets[0].rate, state.targets[0].failed), (None, None));
}

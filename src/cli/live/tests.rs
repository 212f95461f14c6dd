//! What is shown while a broadcast is open.

use fanfare_sdk::Timestamp;

use super::{
    frame::frame,
    happened::{Seen, happened},
    look::Look,
    story::{PLAIN, SIGNUP, Story, at, ms},
};
use crate::report::Why;

const WIDE: Look = Look { columns: 80, rows: 24, unicode: true };

fn seen_at(story: &Story<'_>, since: u64, look: Look) -> String {
    let frame = frame(&at(story, ms(since)), Timestamp::default().after(ms(since)), look);
    anstream::adapter::strip_str(&frame).to_string()
}

#[track_caller]
fn shows(story: &Story<'_>, since: u64, look: Look, expected: &[&str]) {
    let frame = seen_at(story, since, look);
    assert_eq!(frame.lines().collect::<Vec<_>>(), expected, "\n{frame}");
}

/// Everything that is told, asked at those times and at the end.
#[track_caller]
fn tells(story: &Story<'_>, times: &[u64], expected: &[&str]) {
    let mut seen = Seen::default();
    let times = times.iter().copied().chain([3_600_000]);
    let told: Vec<_> = times.flat_map(|since| happened(&mut seen, &at(story, ms(since)))).collect();
    assert_eq!(told, expected, "\n{}", told.join("\n"));
}

#[test]
fn each_target_has_a_line_that_says_how_it_stands() {
    shows(
        &SIGNUP,
        0,
        WIDE,
        &[
            "⠋ crm    attempt 1, 0.0 s",
            "⠋ mail   attempt 1, 0.0 s",
            "⠋ audit  attempt 1, 0.0 s",
            "⠋ dead   attempt 1, 0.0 s",
            "⠋ mute   attempt 1, 0.0 s",
        ],
    );
    shows(
        &SIGNUP,
        100,
        WIDE,
        &[
            "✓ crm    delivered: 200, 1 attempt, 20.0 ms",
            "○ mail   waits 1.0 s: asked to by the API (429)",
            "○ audit  waits 0.2 s: backoff after 503",
            "○ dead   waits 0.2 s: backoff after no connection",
            "? mute   indeterminate: may have been applied, the connection broke, a repeat…",
        ],
    );
}

#[test]
fn a_countdown_counts_down_and_an_attempt_counts_up() {
    shows(
        &SIGNUP,
        950,
        WIDE,
        &[
            "✓ crm    delivered: 200, 1 attempt, 20.0 ms",
            "○ mail   waits 0.1 s: asked to by the API (429)",
            "⠦ audit  attempt 3, 0.6 s: after no connection",
            "✗ dead   failed: no connection, all attempts used up, 3 attempts, 406 ms",
            "? mute   indeterminate: may have been applied, the connection broke, a repeat…",
        ],
    );
}

#[test]
fn another_way_says_why_it_is_taken() {
    let story = Story {
        recipients: &[("crm", "410 after=5ms, 404 after=5ms, 200 after=200ms")],
        versions: &["3", "2", "1"],
        ..PLAIN
    };
    shows(&story, 6, WIDE, &["⠋ crm  attempt 2, version 2, 0.1 s: version 3 is gone (410)"]);
    shows(&story, 100, WIDE, &["⠙ crm  attempt 3, version 1, 0.1 s: version 2 was rejected (404)"]);
    shows(&story, 300, WIDE, &["✓ crm  delivered: 200, version 1, 3 attempts, 210 ms"]);
    tells(
        &story,
        &[6, 100],
        &[
            "crm: attempt 1, version 3: 410, 5.00 ms",
            "crm: version 3 is gone (410), now version 2",
            "crm: attempt 2, version 2: 404, 5.00 ms",
            "crm: version 2 was rejected (404), now version 1",
            "crm: attempt 3, version 1: 200, 200 ms",
            "crm: delivered: 200, version 1, 3 attempts, 210 ms",
        ],
    );
    let story = Story {
        recipients: &[("crm", "refused after=5ms, refused, 400, 202 after=200ms")],
        stand_in: Some("backup"),
        ..PLAIN
    };
    shows(&story, 450, WIDE, &["⠋ crm  attempt 4, by backup, 0.1 s: crm failed (400)"]);
    tells(
        &story,
        &[],
        &[
            "crm: attempt 1: no connection, 5.00 ms",
            "crm: waits 200 ms: backoff after no connection",
            "crm: attempt 2: no connection, 0.00 ms",
            "crm: waits 200 ms: backoff after no connection",
            "crm: attempt 3: 400, 0.00 ms",
            "crm: crm failed (400), now backup",
            "crm: attempt 4, by backup: 202, 200 ms",
            "crm: delivered: 202, by backup, 4 attempts, 605 ms",
        ],
    );
}

#[test]
fn lines_fit_into_the_terminal() {
    shows(
        &SIGNUP,
        100,
        Look { columns: 40, ..WIDE },
        &[
            "✓ crm    delivered: 200, 1 attempt, 20…",
            "○ mail   waits 1.0 s: asked to by the…",
            "○ audit  waits 0.2 s: backoff after 503",
            "○ dead   waits 0.2 s: backoff after no…",
            "? mute   indeterminate: may have been…",
        ],
    );
    shows(
        &SIGNUP,
        100,
        Look { columns: 20, unicode: false, ..WIDE },
        &[
            "+ crm    deliver...",
            "o mail   waits 1...",
            "o audit  waits 0...",
            "o dead   waits 0...",
            "? mute   indeter...",
        ],
    );
    shows(
        &SIGNUP,
        100,
        Look { rows: 4, ..WIDE },
        &[
            "○ mail   waits 1.0 s: asked to by the API (429)",
            "○ audit  waits 0.2 s: backoff after 503",
            "and 3 more; 2 of 5 have settled",
        ],
    );
    for columns in 4..120 {
        let frame = seen_at(&SIGNUP, 100, Look { columns, ..WIDE });
        let widest = frame.lines().map(crate::cli::width::columns).max().unwrap();
        assert!(widest < columns, "{columns} columns:\n{frame}");
    }
    for rows in 1..8 {
        let frame = seen_at(&SIGNUP, 100, Look { rows, ..WIDE });
        assert!(frame.lines().count() <= rows.saturating_sub(1).max(1), "{rows} rows:\n{frame}");
    }
}

#[test]
fn everything_is_told_once_however_seldom_it_is_asked() {
    tells(
        &SIGNUP,
        &[],
        &[
            "dead: attempt 1: no connection, 2.00 ms",
            "dead: waits 200 ms: backoff after no connection",
            "audit: attempt 1: 503, 3.00 ms",
            "audit: waits 200 ms: backoff after 503",
            "mail: attempt 1: 429, 5.00 ms",
            "mail: waits 1.00 s: asked to by the API (429)",
            "mute: attempt 1: the connection broke, 7.00 ms",
            "mute: indeterminate: may have been applied, the connection broke, a repeat is not known to be safe, 1 attempt, 7.00 ms",
            "crm: attempt 1: 200, 20.0 ms",
            "crm: delivered: 200, 1 attempt, 20.0 ms",
            "audit: attempt 2: no connection, 0.00 ms",
            "audit: waits 200 ms: backoff after no connection",
            "dead: attempt 2: no connection, 2.00 ms",
            "dead: waits 200 ms: backoff after no connection",
            "dead: attempt 3: no connection, 2.00 ms",
            "dead: failed: no connection, all attempts used up, 3 attempts, 406 ms",
            "mail: attempt 2: 202, 30.0 ms",
            "mail: delivered: 202, 2 attempts, 1.03 s",
            "audit: attempt 3: 200, 900 ms",
            "audit: delivered: 200, 3 attempts, 1.30 s",
        ],
    );
    let story = at(&SIGNUP, ms(3_600_000));
    let mut once = happened(&mut Seen::default(), &story);
    let (mut seen, mut often) = (Seen::default(), Vec::new());
    for since in (0..3_000).step_by(3) {
        often.extend(happened(&mut seen, &at(&SIGNUP, ms(since))));
    }
    once.sort();
    often.sort();
    assert_eq!(once, often);
}

#[test]
fn the_gate_is_told_apart_from_a_pause() {
    let story = Story {
        recipients: &[("crm", "503, 200 after=1ms")],
        held: Some((Why::RateLimit, ms(50))),
        ..PLAIN
    };
    tells(
        &story,
        &[],
        &[
            "crm: attempt 1: 503, 0.00 ms",
            "crm: waits 150 ms: backoff after 503",
            "crm: was held back 50.0 ms: rate limit",
            "crm: attempt 2: 200, 1.00 ms",
            "crm: delivered: 200, 2 attempts, 201 ms",
        ],
    );
}

#[test]
fn nothing_of_a_name_moves_the_cursor() {
    let story = Story { recipients: &[("a\u{1b}[2Jb", "200")], ..PLAIN };
    shows(&story, 1, WIDE, &["✓ a?[2Jb  delivered: 200, 1 attempt, 0.00 ms"]);
    tells(
        &story,
        &[],
        &["a?[2Jb: attempt 1: 200, 0.00 ms", "a?[2Jb: delivered: 200, 1 attempt, 0.00 ms"],
    );
}

//! What is done to a gate and what it lets through, as a script of words.

use std::time::Duration;

use fanfare_sdk::Timestamp;

use crate::{
    policy::{
        Door,
        gate::{
            BreakerMode, BreakerPolicy, Feedback, Gate, GatePolicy, Health, Pause, RateLimit, Said,
            Ticket,
        },
    },
    report::{Kind, Way},
};

pub(super) const WELL: Feedback = replied(Health::Well, Pause::None);
pub(super) const ILL: Feedback = replied(Health::Ill, Pause::None);

pub(super) const fn replied(health: Health, pause: Pause) -> Feedback {
    Feedback::Replied { health, pause, said: Said::Nothing }
}

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(super) fn open() -> GatePolicy {
    GatePolicy { breaker: None, ..GatePolicy::default() }
}

pub(super) fn breaker(failures: u32, open_for: u64, probes: u32) -> GatePolicy {
    GatePolicy {
        breaker: Some(BreakerPolicy::try_new(failures, secs(open_for), probes).unwrap()),
        ..open()
    }
}

pub(super) fn rate(permits: u32, per: u64, burst: u32) -> GatePolicy {
    GatePolicy {
        rate_limit: Some(RateLimit::try_new(permits, secs(per), burst).unwrap()),
        ..open()
    }
}

pub(super) fn way(endpoint: &str) -> Way {
    let endpoint = Some(endpoint).filter(|e| !e.is_empty()).map(Into::into);
    Way { target: "api".into(), endpoint, version: None }
}

pub(super) fn text(door: Door) -> String {
    match door {
        Door::Open => "open".into(),
        Door::Busy(why) => format!("busy:{}", why.code()),
        Door::NotBefore(at, why) => {
            format!("{}s:{}", at.as_micros().div_euclid(1_000_000), why.code())
        }
        Door::Shut(why) => format!("shut:{}", why.code()),
    }
}

/// Plays a script, word by word, and says what each word brought.
///
/// `5s` goes to second 5. `go` asks for a ticket (`go@b` at endpoint b). `well`, `ill`, `lost` (no reply), `unsent`,
/// `aborted` give the oldest ticket back; `slow9` gives it back as throttled until second 9, `ill9` as ill until
/// then, `429` as throttled for a time that it does not say, `late` as timed out. `repeat` asks for a ticket for a repeat.
/// `word*9` is the word nine times. `forced_open` and the like set the mode of the breakers. `look` looks at the door. `again` makes the gate anew from its snapshot; the tickets are gone.
#[track_caller]
pub(super) fn check(policy: GatePolicy, script: &str, expected: &str) {
    let mut play =
        Play { gate: Gate::new(policy.clone()), policy, tickets: Vec::new(), now: at(0) };
    let words = script.split_whitespace().flat_map(|word| {
        let (word, times) = word.split_once('*').unwrap_or((word, "1"));
        std::iter::repeat_n(word, times.parse().unwrap())
    });
    let said: Vec<_> = words.filter_map(|word| play.word(word)).collect();
    assert_eq!(said.join(" "), expected, "{script}");
}

struct Play {
    gate: Gate,
    policy: GatePolicy,
    tickets: Vec<Ticket>,
    now: Timestamp,
}

impl Play {
    fn word(&mut self, word: &str) -> Option<String> {
        let until = |prefix: &str| word.strip_prefix(prefix).and_then(|n| n.parse().ok()).map(at);
        if let Some(second) = word.strip_suffix('s').and_then(|n| n.parse().ok()) {
            self.now = at(second);
            return None;
        }
        if let Some(endpoint) = word.strip_prefix("go") {
            return Some(self.go(endpoint.trim_start_matches('@')));
        }
        if let Some(until) = until("slow") {
            return self.back(replied(Health::Unknown, Pause::Until(until)));
        }
        if let Some(until) = until("ill") {
            return self.back(replied(Health::Ill, Pause::Until(until)));
        }
        if let Some(version) = word.strip_prefix("ask") {
            return Some(self.ask(version));
        }
        let said = |said| Feedback::Replied { health: Health::Well, pause: Pause::None, said };
        match word {
            "rejects" => return self.back(said(Said::VersionRejected)),
            "speaks" => return self.back(said(Said::VersionAccepted)),
            "quits" => return self.back(said(Said::Disabled)),
            "first" => return Some(self.version_first()),
            "well" => return self.back(WELL),
            "ill" => return self.back(ILL),
            "429" => return self.back(replied(Health::Unknown, Pause::Unsaid)),
            "late" => return self.back(Feedback::TimedOut),
            "repeat" => return Some(self.ask_for(&way(""), Kind::Retry)),
            "limit" => return Some(self.gate.limit().to_string()),
            "automatic" => return self.mode(BreakerMode::Automatic),
            "forced_open" => return self.mode(BreakerMode::ForcedOpen),
            "forced_closed" => return self.mode(BreakerMode::ForcedClosed),
            "disabled" => return self.mode(BreakerMode::Disabled),
            "lost" => return self.back(Feedback::NoReply),
            "once" => self.tickets[0].made(1),
            "unsent" => return self.back(Feedback::NotSent),
            "aborted" => return self.back(Feedback::Abandoned),
            "look" => return Some(text(self.gate.sight(self.now).door(None))),
            "pause" => self.gate.pause(),
            "resume" => self.gate.resume(),
            "disable" => self.gate.disable(),
            "revive" => self.gate.revive(),
            "again" => {
                self.tickets.clear();
                self.gate = Gate::restore(self.policy.clone(), self.gate.snapshot());
            }
            _ => panic!("no such word: {word}"),
        }
        None
    }

    fn go(&mut self, endpoint: &str) -> String {
        self.ask_for(&way(endpoint), Kind::First)
    }

    fn ask(&mut self, version: &str) -> String {
        self.ask_for(&Way { version: Some(version.into()), ..way("") }, Kind::First)
    }

    fn ask_for(&mut self, way: &Way, kind: Kind) -> String {
        match self.gate.admit(way, kind, self.now) {
            Ok(ticket) => {
                self.tickets.push(ticket);
                "in".into()
            }
            Err(door) => text(door),
        }
    }

    fn mode(&mut self, mode: BreakerMode) -> Option<String> {
        let transition = self.gate.set_breaker_mode(mode, self.now)?;
        Some(format!("({:?}>{:?})", transition.from, transition.to))
    }

    fn version_first(&self) -> String {
        let first = self.gate.version_first(&["3".into(), "2".into()], self.now);
        first.map_or("preferred".into(), |version| version.to_string())
    }

    fn back(&mut self, feedback: Feedback) -> Option<String> {
        let ticket = self.tickets.remove(0);
        let transition = self.gate.give_back(ticket, feedback, self.now)?;
        Some(format!("({:?}>{:?})", transition.from, transition.to))
    }
}

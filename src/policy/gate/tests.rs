//! The gate as tables: what is done to it, and what it lets through.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::{BreakerPolicy, Feedback, Gate, GateError, GatePolicy, RateLimit, Said, Ticket};
use crate::{policy::Door, report::Way};

const WELL: Feedback = Feedback::Replied { healthy: true, throttled: None, said: Said::Nothing };
const ILL: Feedback = Feedback::Replied { healthy: false, throttled: None, said: Said::Nothing };

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn open() -> GatePolicy {
    GatePolicy { breaker: None, ..GatePolicy::default() }
}

fn breaker(failures: u32, open_for: u64, probes: u32) -> GatePolicy {
    GatePolicy {
        breaker: Some(BreakerPolicy::try_new(failures, secs(open_for), probes).unwrap()),
        ..open()
    }
}

fn rate(permits: u32, per: u64, burst: u32) -> GatePolicy {
    GatePolicy {
        rate_limit: Some(RateLimit::try_new(permits, secs(per), burst).unwrap()),
        ..open()
    }
}

fn way(endpoint: &str) -> Way {
    let endpoint = Some(endpoint).filter(|e| !e.is_empty()).map(Into::into);
    Way { target: "api".into(), endpoint, version: None }
}

fn text(door: Door) -> String {
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
/// then. `look` looks at the door. `again` makes the gate anew from its snapshot; the tickets are gone.
#[track_caller]
fn check(policy: GatePolicy, script: &str, expected: &str) {
    let mut play =
        Play { gate: Gate::new(policy.clone()), policy, tickets: Vec::new(), now: at(0) };
    let said: Vec<_> = script.split_whitespace().filter_map(|word| play.word(word)).collect();
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
            return self.back(Feedback::Replied {
                healthy: true,
                throttled: Some(until),
                said: Said::Nothing,
            });
        }
        if let Some(until) = until("ill") {
            return self.back(Feedback::Replied {
                healthy: false,
                throttled: Some(until),
                said: Said::Nothing,
            });
        }
        if let Some(version) = word.strip_prefix("ask") {
            return Some(self.ask(version));
        }
        let said = |said| Feedback::Replied { healthy: true, throttled: None, said };
        match word {
            "rejects" => return self.back(said(Said::VersionRejected)),
            "speaks" => return self.back(said(Said::VersionAccepted)),
            "quits" => return self.back(said(Said::Disabled)),
            "first" => return Some(self.version_first()),
            "well" => return self.back(WELL),
            "ill" => return self.back(ILL),
            "lost" => return self.back(Feedback::NoReply),
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
        match self.gate.admit(&way(endpoint), self.now) {
            Ok(ticket) => {
                self.tickets.push(ticket);
                "in".into()
            }
            Err(door) => text(door),
        }
    }

    fn ask(&mut self, version: &str) -> String {
        let way = Way { version: Some(version.into()), ..way("") };
        match self.gate.admit(&way, self.now) {
            Ok(ticket) => {
                self.tickets.push(ticket);
                "in".into()
            }
            Err(door) => text(door),
        }
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

#[test]
fn concurrency_is_fixed() {
    let two = || GatePolicy { concurrency_max: 2, ..open() };
    check(two(), "go go go look well go go", "in in busy:concurrency open in busy:concurrency");
    for end in ["ill", "lost", "unsent", "aborted", "slow0"] {
        check(two(), &format!("go go go {end} go"), "in in busy:concurrency in");
    }
}

#[test]
fn the_rate_limit_lets_a_burst_through_and_then_one_per_interval() {
    check(rate(1, 10, 1), "go go 9s go 10s go 20s go", "in 10s:rate_limit 10s:rate_limit in in");
    check(
        rate(10, 10, 3),
        "go go go go 1s go go 100s go go go go",
        "in in in 1s:rate_limit in 2s:rate_limit in in in 101s:rate_limit",
    );
    check(rate(1, 10, 1), "look go look", "open in open");
}

#[test]
fn what_was_not_sent_takes_no_token_and_each_exchange_takes_one() {
    check(rate(1, 10, 1), "go unsent go", "in in");
    check(rate(1, 10, 1), "go aborted go", "in 10s:rate_limit");
    check(
        GatePolicy { exchanges_max: 2, ..rate(1, 10, 2) },
        "go 9s go 20s go",
        "in 20s:rate_limit in",
    );
    check(
        GatePolicy { exchanges_max: 3, ..rate(1, 10, 1) },
        "go 29s go 30s go",
        "in 30s:rate_limit in",
    );
}

#[test]
fn a_breaker_opens_after_failures_in_a_row_and_closes_after_a_probe() {
    let three = || breaker(3, 30, 1);
    check(three(), "go ill go lost go ill look", "in in in (Closed>Open) 30s:breaker");
    check(three(), "go ill go ill go well go ill go ill look", "in in in in in open");
    let tripped = "go ill go ill go ill";
    let opened = "in in in (Closed>Open)";
    check(
        three(),
        &format!("{tripped} 29s go 30s look go well look"),
        &format!("{opened} 30s:breaker open in (HalfOpen>Closed) open"),
    );
    check(
        three(),
        &format!("{tripped} 30s go ill look 59s go 60s go"),
        &format!("{opened} in (HalfOpen>Open) 60s:breaker 60s:breaker in"),
    );
}

#[test]
fn probes_are_capped_and_given_back() {
    let one = || breaker(1, 10, 1);
    let two = || breaker(1, 10, 2);
    check(one(), "go ill 10s go go look", "in (Closed>Open) in busy:breaker busy:breaker");
    check(two(), "go ill 10s go go go", "in (Closed>Open) in in busy:breaker");
    for end in ["unsent", "aborted"] {
        check(one(), &format!("go ill 10s go {end} go"), "in (Closed>Open) in in");
    }
}

#[test]
fn late_results_do_not_count_into_a_new_state() {
    check(breaker(1, 10, 1), "go go ill well look", "in in (Closed>Open) 10s:breaker");
    check(breaker(1, 10, 1), "go go ill 10s go ill look", "in in (Closed>Open) in busy:breaker");
    check(
        breaker(1, 10, 2),
        "go ill 10s go go well ill look",
        "in (Closed>Open) in in (HalfOpen>Closed) open",
    );
}

#[test]
fn throttling_is_no_failure_and_a_retry_after_holds_the_breaker_open() {
    check(breaker(1, 10, 1), "go slow5 look 5s look", "in 5s:throttled open");
    check(
        breaker(1, 10, 1),
        "go ill40 look 39s look 40s look",
        "in (Closed>Open) 40s:throttled 40s:throttled open",
    );
    check(open(), "go slow9 go 9s go", "in 9s:throttled in");
    check(open(), "go go slow9 slow5 look", "in in 9s:throttled");
}

#[test]
fn breakers_stand_for_endpoints_and_pauses_for_targets() {
    check(breaker(1, 10, 1), "go@a ill go@a go@b", "in (Closed>Open) 10s:breaker in");
    check(breaker(1, 10, 1), "go@a slow5 go@b", "in 5s:throttled");
}

#[test]
fn levers_are_obeyed() {
    check(open(), "pause look go resume go", "busy:paused busy:paused in");
    check(open(), "disable look go revive go", "shut:disabled shut:disabled in");
}

#[test]
fn what_must_not_be_forgotten_is_in_the_snapshot() {
    check(breaker(1, 10, 1), "go ill again look 10s go", "in (Closed>Open) 10s:breaker in");
    check(breaker(1, 10, 1), "go ill 10s go again go", "in (Closed>Open) in in");
    check(rate(1, 10, 1), "go again go", "in 10s:rate_limit");
    check(
        open(),
        "go slow9 pause again look 9s look resume look",
        "in 9s:throttled busy:paused open",
    );
    check(open(), "disable again look", "shut:disabled");
    check(GatePolicy { concurrency_max: 1, ..open() }, "go again go", "in in");
}

#[track_caller]
fn refuse<T: std::fmt::Debug>(checked: Result<T, GateError>, expected: &str) {
    assert_eq!(checked.unwrap_err().to_string(), expected);
}

#[test]
fn what_could_never_let_anything_through_is_refused() {
    refuse(RateLimit::try_new(0, secs(1), 1), "`rate_limit.permits` must be at least 1");
    refuse(RateLimit::try_new(1, secs(1), 0), "`rate_limit.burst` must be at least 1");
    refuse(
        RateLimit::try_new(2, Duration::from_nanos(1), 1),
        "`rate_limit.per` must be at least a nanosecond per permit",
    );
    refuse(BreakerPolicy::try_new(0, secs(1), 1), "`breaker.failures` must be at least 1");
    refuse(BreakerPolicy::try_new(1, secs(0), 1), "`breaker.open_for` must be longer than zero");
    refuse(BreakerPolicy::try_new(1, secs(1), 0), "`breaker.probes` must be at least 1");
}

/// What a property does: some time passes, and then a ticket is asked for or given back.
type Moves = Vec<(u32, u8)>;

fn play(policy: GatePolicy, moves: &Moves, mut seen: impl FnMut(&Gate, usize, Timestamp, bool)) {
    let (mut gate, mut tickets, mut now) = (Gate::new(policy), Vec::new(), at(0));
    for (micros, what) in moves {
        now = now.after(Duration::from_micros(u64::from(*micros)));
        let feedback = [WELL, ILL, Feedback::NoReply, Feedback::NotSent, Feedback::Abandoned];
        let mut admitted = false;
        match usize::from(*what) {
            choice if choice < 5 && !tickets.is_empty() => {
                let _ = gate.give_back(tickets.remove(0), feedback[choice], now);
            }
            _ => {
                let sight = gate.sight(now).door(None);
                let ticket = gate.admit(&way(""), now);
                let shut = matches!(sight, Door::NotBefore(..) | Door::Shut(_) | Door::Busy(_));
                assert!(!(shut && ticket.is_ok()), "let through a door that was {sight:?}");
                admitted = ticket.is_ok();
                tickets.extend(ticket);
            }
        }
        seen(&gate, tickets.len(), now, admitted);
    }
}

proptest! {
    #[test]
    fn never_more_tickets_are_out_than_allowed(max in 1_u32..5, moves: Moves) {
        let mut most = 0;
        play(GatePolicy { concurrency_max: max, ..open() }, &moves, |gate, out, _, _| {
            assert_eq!(gate.in_flight() as usize, out);
            most = most.max(out);
        });
        prop_assert!(most <= max as usize);
    }

    #[test]
    fn no_window_sees_more_than_its_rate_and_a_burst(permits in 1_u32..20, burst in 1_u32..6, gaps: Vec<u16>) {
        let policy = GatePolicy {
            rate_limit: Some(RateLimit::try_new(permits, secs(1), burst).unwrap()),
            concurrency_max: u32::MAX,
            ..open()
        };
        let moves = gaps.iter().map(|gap| (u32::from(*gap) * 10, 9)).collect();
        let mut starts: Vec<Timestamp> = Vec::new();
        play(policy, &moves, |_, _, now, admitted| if admitted { starts.push(now) });
        for (place, from) in starts.iter().enumerate() {
            let within = starts[place..].iter().filter(|at| at.since(*from) < secs(1)).count();
            prop_assert!(within <= (permits + burst) as usize);
        }
    }

    #[test]
    fn a_half_open_breaker_lets_no_more_through_than_its_probes(probes in 1_u32..4, asks in 1_usize..20) {
        let mut gate = Gate::new(breaker(1, 1, probes));
        let ticket = gate.admit(&way(""), at(0)).unwrap();
        prop_assert!(gate.give_back(ticket, ILL, at(0)).is_some());
        let through = (0..asks).filter_map(|_| gate.admit(&way(""), at(1)).ok()).count();
        prop_assert_eq!(through, asks.min(probes as usize));
    }

    #[test]
    fn a_snapshot_restores_every_door(moves: Moves, later in 0_i64..100) {
        let policy = || breaker(2, 20, 1);
        play(policy(), &moves, |gate, out, now, _| {
            let again = Gate::restore(policy(), gate.snapshot());
            let then = now.after(Duration::from_secs(later.unsigned_abs()));
            if out == 0 {
                assert_eq!(gate.sight(then), again.sight(then));
            }
        });
    }
}

#[test]
fn a_rejected_version_is_not_asked_for_again_for_a_while() {
    let policy = || GatePolicy { version_memory: secs(60), ..open() };
    check(policy(), "first", "preferred");
    check(policy(), "ask3 rejects first 59s first", "in 2 2");
    check(policy(), "ask3 rejects ask2 speaks first", "in in 2");
    check(policy(), "ask3 rejects ask2 rejects first", "in in preferred");
    check(policy(), "ask3 rejects again first", "in 2");
}

#[test]
fn one_attempt_asks_for_it_again_and_the_others_go_on_without() {
    let policy = || GatePolicy { version_memory: secs(60), ..open() };
    check(
        policy(),
        "ask3 rejects 60s first ask3 first speaks first",
        "in preferred in 2 preferred",
    );
    check(policy(), "ask3 rejects 60s ask3 rejects 119s first 120s first", "in in 2 preferred");
    check(policy(), "ask3 rejects 60s ask3 lost first 120s first", "in in 2 preferred");
}

#[test]
fn a_target_that_asks_not_to_be_called_is_left_alone() {
    check(open(), "go quits go look revive go", "in shut:disabled shut:disabled in");
    check(open(), "go quits again look", "in shut:disabled");
}

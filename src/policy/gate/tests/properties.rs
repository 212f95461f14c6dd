//! What holds whatever is done to a gate.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::script::{ILL, WELL, at, breaker, open, secs, way};
use crate::{
    policy::{
        Door,
        gate::{Feedback, Gate, GatePolicy, RateLimit, RetryBudget},
    },
    report::Kind,
};

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
                let ticket = gate.admit(&way(""), Kind::First, now);
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
    fn repeats_are_a_share_of_first_attempts_and_a_reserve(
        moves in proptest::collection::vec((0_u32..2_000, proptest::bool::ANY), 0..100),
    ) {
        let budget = RetryBudget::try_new(0.5, 2).unwrap();
        let policy = GatePolicy { retry_budget: Some(budget), concurrency_max: u32::MAX, ..open() };
        let (mut gate, mut now, mut firsts, mut repeats) = (Gate::new(policy), at(0), vec![], vec![]);
        for (millis, is_first) in moves {
            now = now.after(Duration::from_millis(u64::from(millis)));
            let kind = if is_first { Kind::First } else { Kind::Retry };
            let admitted = gate.admit(&way(""), kind, now).is_ok();
            prop_assert!(admitted || !is_first, "a first attempt takes nothing");
            if admitted {
                if is_first { firsts.push(now) } else { repeats.push(now) }
            }
        }
        for (place, from) in repeats.iter().enumerate() {
            for (last, to) in repeats.iter().enumerate().skip(place) {
                let earned = |it: &&Timestamp| from.since(**it) <= secs(10) && **it <= *to;
                let earned = firsts.iter().filter(earned).count() as f64 * 0.5;
                let most = earned + 20.0 + 2.0 * to.since(*from).as_secs_f64();
                prop_assert!((last - place + 1) as f64 <= most + 1.0, "{place}..={last}: {most}");
            }
        }
    }

    #[test]
    fn a_breaker_does_as_a_list_of_calls_says(
        moves in proptest::collection::vec((0_u32..3_000, 0_u8..3), 0..200),
    ) {
        let policy = breaker(3, 10, 1);
        let (mut gate, mut now) = (Gate::new(policy), at(0));
        // The model: failures in a row, until when it is open, and how often it opened in a row.
        let (mut failures, mut open_until, mut trips, mut closed_at) = (0, None, 0_u32, None);
        for (millis, what) in moves {
            now = now.after(Duration::from_millis(u64::from(millis)));
            let ticket = gate.admit(&way(""), Kind::First, now);
            prop_assert_eq!(ticket.is_ok(), open_until.is_none_or(|until| now >= until));
            let Ok(ticket) = ticket else { continue };
            let feedback = [WELL, ILL, Feedback::Abandoned][usize::from(what)];
            let _ = gate.give_back(ticket, feedback, now);
            match what {
                0 => {
                    failures = 0;
                    if open_until.take().is_some() { closed_at = Some(now) }
                }
                1 => {
                    failures += 1;
                    if open_until.is_some() || failures >= 3 {
                        if closed_at.is_some_and(|at: Timestamp| now.since(at) >= secs(100)) {
                            trips = 0;
                        }
                        let open_for = secs(10 * 2_u64.pow(trips.min(10))).min(secs(100));
                        (failures, open_until, trips) = (0, Some(now.after(open_for)), trips + 1);
                    }
                }
                _ => {}
            }
        }
    }

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
        let ticket = gate.admit(&way(""), Kind::First, at(0)).unwrap();
        prop_assert!(gate.give_back(ticket, ILL, at(0)).is_some());
        let through = (0..asks).filter_map(|_| gate.admit(&way(""), Kind::First, at(1)).ok()).count();
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

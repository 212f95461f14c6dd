//! What holds whatever is done to a gate.

use std::time::Duration;

use fanfare_sdk::Timestamp;
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::script::{ILL, WELL, at, breaker, open, secs, way};
use crate::{
    policy::{
        Door,
        gate::{Feedback, Gate, GatePolicy, RateLimit},
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

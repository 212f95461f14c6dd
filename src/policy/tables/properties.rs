//! What holds for every policy and every script, compared with models that are too simple to be wrong.

use std::time::Duration;

use fanfare_sdk::{Effect, Fallback, Meaning, Repeat, Timestamp};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any},
    prop_assert, prop_assert_eq, prop_oneof, proptest,
    sample::select,
};

use super::harness::{HANG, REFUSED, RESET, api, named, scripted, with};
use crate::{
    policy::{
        Backoff, Jitter, Standing, Tally, TargetPolicy,
        gate::BreakerPolicy,
        rehearse::{Rehearsal, Rehearsed, Scripted, rehearse},
        tally,
    },
    report::{Completion, Event, Kind, Outcome},
};

fn answer() -> impl Strategy<Value = Scripted> {
    let codes =
        select(vec![200, 204, 400, 401, 404, 408, 410, 429, 500, 502, 503, HANG, RESET, REFUSED]);
    let plain = codes.prop_map(scripted);
    let asks = (select(vec![429_u16, 503]), 0_u32..20)
        .prop_map(|(status, secs)| with(status, &[("retry-after", &secs.to_string())]));
    (prop_oneof![4 => plain, 1 => asks], 0_u64..8_000)
        .prop_map(|(answer, millis)| Scripted { after: Duration::from_millis(millis), ..answer })
}

fn policy() -> impl Strategy<Value = TargetPolicy> {
    let repeat = select(vec![Repeat::Never, Repeat::SameEndpoint, Repeat::Anywhere]);
    let jitter = select(vec![Jitter::None, Jitter::Full, Jitter::Equal, Jitter::Decorrelated]);
    let numbers = (1_u32..5, 1_u32..5, 1_u64..60, 1_u64..9);
    let ways = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (repeat, jitter, numbers, ways).prop_map(
        |(
            repeat,
            jitter,
            (attempts, throttled, life, timeout),
            (endpoint, versions, other, breaks),
        )| {
            let mut policy = TargetPolicy { repeat, endpoint: Some("e1".into()), ..api() };
            let pauses = Backoff::exponential(Duration::from_millis(200), Duration::from_secs(5));
            policy.retry.backoff = pauses.unwrap().with_jitter(jitter);
            (policy.retry.attempts_max, policy.retry.throttled_max) = (attempts, throttled);
            policy.give_up_after = Duration::from_secs(life);
            policy.timeout = Duration::from_secs(timeout);
            policy.fallback.clear();
            if versions {
                policy.versions = vec!["2".into(), "1".into()];
                policy.fallback.push(Fallback::Version.into());
            }
            policy.fallback.extend(endpoint.then(|| Fallback::Endpoint("e2".into()).into()));
            policy.fallback.extend(other.then(|| Fallback::Target("other".into()).into()));
            if breaks {
                policy.gate.breaker = BreakerPolicy::try_new(2, Duration::from_secs(5), 1).ok();
            }
            policy
        },
    )
}

fn rehearsal() -> impl Strategy<Value = Rehearsal> {
    let cancel = option::weighted(0.3, (0_u64..30_000).prop_map(Duration::from_millis));
    (policy(), vec(answer(), 1..12), any::<u64>(), cancel).prop_map(
        |(policy, script, seed, cancel_after)| {
            let other = TargetPolicy { repeat: policy.repeat, ..named("other") };
            let start = Timestamp::from_secs(1_767_225_600);
            let apis = std::collections::HashMap::new();
            Rehearsal { targets: vec![policy, other], apis, script, seed, start, cancel_after }
        },
    )
}

/// The outcome, from nothing but what the API did.
fn outcome_is_true(played: &Rehearsed) -> Result<(), String> {
    let ended = || {
        played.history.events().iter().filter_map(|event| match event {
            Event::Ended(ended) => Some(ended),
            _ => None,
        })
    };
    let success = ended().find(|ended| ended.meaning == Meaning::Success);
    let doubt = ended().any(|ended| ended.effect != Effect::None);
    let starts = played.history.starts().count();
    let fits = match played.outcome {
        Some(Outcome::Delivered { attempt }) => success.is_some_and(|end| end.attempt == attempt),
        Some(Outcome::Indeterminate(_)) => success.is_none() && doubt,
        Some(Outcome::Failed(_) | Outcome::Cancelled(_)) => success.is_none() && !doubt,
        Some(Outcome::Expired) => starts == 0,
        Some(Outcome::Substituted | Outcome::Skipped) | None => false,
    };
    if fits { Ok(()) } else { Err(format!("{played} after {:#?}", played.history)) }
}

/// On each way no more attempts than allowed, those that were throttled aside; each other way is tried once, however
/// often the one before was throttled.
fn attempts_are_few(rehearsal: &Rehearsal, played: &Rehearsed) -> Result<(), String> {
    let (mut counted, mut throttled, mut ways) = (0, 0, 0);
    let mut serving = &rehearsal.targets[0];
    for event in played.history.events() {
        match event {
            Event::Started(started) if started.kind == Kind::First => {
                (counted, ways) = (1, ways + 1);
            }
            Event::Started(_) => counted += 1,
            Event::Ended(ended) if ended.meaning == Meaning::Throttled => {
                (counted, throttled) = (counted - 1, throttled + 1);
            }
            Event::Moved { to, .. } => {
                serving = rehearsal.targets.iter().find(|it| it.target == *to).unwrap();
                (counted, throttled, ways) = (0, 0, 0);
            }
            Event::Ended(_)
            | Event::Lost { .. }
            | Event::FellBack(_)
            | Event::CancelAsked { .. } => {}
        }
        let most = serving.retry.attempts_max;
        let most_throttled = serving.retry.throttled_max + u32::max(ways, 1) - 1;
        if counted > most || throttled > most_throttled {
            return Err(format!("{counted} of {most}, {throttled} of {most_throttled} throttled"));
        }
    }
    Ok(())
}

/// Nothing is repeated after a doubt where that does harm.
fn doubts_are_respected(rehearsal: &Rehearsal, played: &Rehearsed) -> Result<(), String> {
    let repeat = rehearsal.targets[0].repeat;
    let (mut doubted, mut at) = (None, None);
    for event in played.history.events() {
        match event {
            Event::Started(started) => {
                let elsewhere = |way: &crate::report::Way| {
                    (&way.target, &way.endpoint) != (&started.way.target, &started.way.endpoint)
                };
                let harm = match (&doubted, repeat) {
                    (None, _) | (Some(_), Repeat::Anywhere) => false,
                    (Some(_), Repeat::Never) => true,
                    (Some(way), Repeat::SameEndpoint) => elsewhere(way),
                };
                if harm {
                    return Err(format!("{started:#?} after a doubt at {doubted:?}"));
                }
                at = Some(started.way.clone());
            }
            Event::Ended(ended)
                if ended.effect != Effect::None && ended.meaning != Meaning::Success =>
            {
                doubted.clone_from(&at);
            }
            Event::Ended(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => {}
        }
    }
    Ok(())
}

/// Nothing begins too early, too late, or after somebody wanted it to end.
fn times_are_kept(rehearsal: &Rehearsal, played: &Rehearsed) -> Result<(), String> {
    let expires = rehearsal.start.after(rehearsal.targets[0].give_up_after);
    let (mut not_before, mut cancelled) = (rehearsal.start, false);
    for event in played.history.events() {
        match event {
            Event::Started(started) if started.at < not_before => {
                return Err(format!("{started:#?} before {not_before:?}"));
            }
            Event::Started(started) if started.at >= expires || cancelled => {
                return Err(format!("{started:#?} after its end at {expires:?}"));
            }
            Event::Ended(ended) => {
                let asked = match ended.retry_after {
                    Some(fanfare_sdk::RetryAfter::For(wait)) => ended.at.after(wait),
                    Some(fanfare_sdk::RetryAfter::At(_)) | None => ended.at,
                };
                not_before = not_before.max(asked);
            }
            // Another target has asked for nothing.
            Event::Moved { at, .. } => not_before = *at,
            Event::CancelAsked { .. } => cancelled = true,
            Event::Started(_) | Event::Lost { .. } | Event::FellBack(_) => {}
        }
    }
    Ok(())
}

fn standings() -> impl Strategy<Value = Vec<Standing>> {
    let standing = (any::<bool>(), option::of(any::<bool>()))
        .prop_map(|(required, settled)| Standing { required, settled });
    vec(standing, 0..7)
}

fn completion() -> impl Strategy<Value = Completion> {
    prop_oneof![
        Just(Completion::All),
        Just(Completion::Any),
        Just(Completion::BestEffort),
        (0_u32..8).prop_map(Completion::Quorum),
    ]
}

/// Whether it is fulfilled once everything has settled.
fn fulfilled(completion: Completion, settled: &[(bool, bool)]) -> bool {
    let count = settled.iter().filter(|(_, yes)| *yes).count();
    match completion {
        Completion::All if settled.iter().any(|(required, _)| *required) => {
            settled.iter().all(|(required, yes)| *yes || !required)
        }
        Completion::All | Completion::BestEffort => count > 0 || settled.is_empty(),
        Completion::Any => count > 0,
        Completion::Quorum(needed) => count >= needed as usize,
    }
}

/// Every way in which those that are open may settle.
fn futures(standings: &[Standing]) -> Vec<Vec<(bool, bool)>> {
    standings.iter().fold(vec![vec![]], |all, standing| {
        let ends = standing.settled.map_or(vec![false, true], |settled| vec![settled]);
        let with = |end: bool| {
            all.iter().map(move |before| {
                before.iter().copied().chain([(standing.required, end)]).collect()
            })
        };
        ends.iter().flat_map(|end| with(*end)).collect::<Vec<_>>()
    })
}

proptest! {
    #[test]
    fn a_delivery_ends_in_truth_and_within_its_policy(rehearsal in rehearsal()) {
        let played = rehearse(&rehearsal);
        prop_assert!(played.outcome.is_some(), "it never ends: {:#?}", played.history);
        prop_assert_eq!(outcome_is_true(&played), Ok(()));
        prop_assert_eq!(attempts_are_few(&rehearsal, &played), Ok(()));
        prop_assert_eq!(doubts_are_respected(&rehearsal, &played), Ok(()));
        prop_assert_eq!(times_are_kept(&rehearsal, &played), Ok(()));
        let again = rehearse(&rehearsal);
        prop_assert_eq!(&played.moments, &again.moments);
    }

    #[test]
    fn a_verdict_falls_when_no_future_can_change_it(
        completion in completion(),
        standings in standings(),
        late in any::<bool>(),
    ) {
        let deadline = Timestamp::from_secs(100);
        let now = Timestamp::from_secs(if late { 100 } else { 99 });
        let futures: Vec<_> =
            futures(&standings).iter().map(|settled| fulfilled(completion, settled)).collect();
        let open = standings.iter().any(|it| it.settled.is_none());
        let counts_all = !standings.iter().any(|it| it.required);
        // Whoever wants to hear of everything waits for everything.
        let waits = match completion {
            Completion::All => counts_all && open,
            Completion::BestEffort => open,
            Completion::Any | Completion::Quorum(_) => false,
        };
        let certain = futures.iter().all(|end| *end == futures[0]) && !waits;
        let yes = standings.iter().any(|it| it.settled == Some(true));
        let expected = match (certain, late) {
            (true, _) => Some(futures[0]),
            (false, true) => Some(completion == Completion::BestEffort && yes),
            (false, false) => None,
        };
        let said = match tally(completion, &standings, Some(deadline), now) {
            Tally::Open => None,
            Tally::Closed { satisfied, .. } => Some(satisfied),
        };
        prop_assert_eq!(said, expected);
    }
}

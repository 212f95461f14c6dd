//! Single steps, from histories made by hand: what no script can show.

use fanfare_sdk::{
    Classification, Effect, Fallback, IdempotencyKey, Learned, Meaning, Repeat, SendErrorKind,
    Timestamp,
};

use super::harness::{api, endpoints, play, scripted, secs};
use crate::{
    policy::{Backoff, Door, Hedge, Plan, Retry, Sight, Step, TargetPolicy, next},
    report::{
        AttemptError, Because, Boot, CancelledBy, Ended, Event, History, Kind, Outcome, Reason,
        Started, Way, Why,
    },
};

fn plan(policy: TargetPolicy) -> Plan {
    let accepted = Timestamp::from_secs(0);
    let expires = accepted.after(policy.give_up_after);
    Plan {
        policy: policy.into(),
        recipient: None,
        seed: 1,
        accepted,
        expires,
        skipped: false,
        parked: 0,
    }
}

fn started(attempt: u32, kind: Kind) -> Event {
    let way = Way { target: "api".into(), endpoint: None, version: None };
    let (at, key) = (Timestamp::from_secs(0), IdempotencyKey::from("k"));
    let because = Because::FirstWay;
    let (span_id, boot, held) = ([1; 8], Boot(1), None);
    Event::Started(Started { attempt, way, kind, because, key, span_id, boot, due: at, held, at })
}

fn ended(attempt: u32, classification: Classification, learned: Learned) -> Event {
    let Classification { meaning, effect, retry_after } = classification;
    let (at, error) = (Timestamp::from_secs(0), None::<AttemptError>);
    Event::Ended(Ended {
        attempt,
        meaning,
        effect,
        retry_after,
        learned,
        status: None,
        error,
        said: None,
        reply: None,
        notice: None,
        at,
    })
}

fn unauthorized(attempt: u32, learned: Learned) -> Event {
    ended(attempt, Classification::new(Meaning::Unauthorized, Effect::None), learned)
}

#[track_caller]
fn step(policy: TargetPolicy, events: &[Event], sight: &Sight, expected: &str) {
    let history: History = events.iter().cloned().collect();
    let step = next(&plan(policy), &history, sight, Timestamp::from_secs(0));
    assert_eq!(text(step), expected);
}

fn text(step: Step) -> String {
    match step {
        Step::Attempt { kind, because, .. } => format!("attempt: {kind:?}, {because}"),
        Step::Wait { until, why } => {
            format!("wait {:?}: {}", until.since(Timestamp::from_secs(0)), why.code())
        }
        Step::Settle(outcome) => outcome.to_string(),
        Step::FallBack(note, step) => {
            let passed: Vec<_> = note.passed.iter().map(|it| it.because.code()).collect();
            format!("{}, passed over: {}", text(*step), passed.join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_challenge_is_granted_twice_and_spends_no_attempt() {
    let (open, again) = (Sight::default(), Learned::TryAgain);
    let one = [started(1, Kind::First), unauthorized(1, again)];
    step(api(), &one, &open, "attempt: Challenge, the API asked for another proof");
    let two = [&one[..], &[started(2, Kind::Challenge), unauthorized(2, again)]].concat();
    step(api(), &two, &open, "attempt: Challenge, the API asked for another proof");
    let three = [&two[..], &[started(3, Kind::Challenge), unauthorized(3, again)]].concat();
    step(api(), &three, &open, "failed (not authorised)");
    for learned in [Learned::Nothing, Learned::Hopeless] {
        let no = [started(1, Kind::First), unauthorized(1, learned)];
        step(api(), &no, &open, "failed (not authorised)");
    }
    let heals = ended(3, Classification::new(Meaning::Retry, Effect::None), Learned::Nothing);
    let retried = [&two[..], &[started(3, Kind::Challenge), heals]].concat();
    step(api(), &retried, &open, "wait 200ms: backoff");
}

#[test]
fn a_proof_may_be_refused_as_anything_is() {
    let open = Sight::default();
    let refused = |attempt, effect, learned| {
        ended(attempt, Classification::new(Meaning::Permanent, effect), learned)
    };
    let one = [started(1, Kind::First), refused(1, Effect::None, Learned::TryAgain)];
    step(api(), &one, &open, "attempt: Challenge, the API asked for another proof");
    let more = [started(2, Kind::Challenge), refused(2, Effect::None, Learned::TryAgain)];
    let two = [&one[..], &more[..]].concat();
    let more = [started(3, Kind::Challenge), refused(3, Effect::None, Learned::TryAgain)];
    step(api(), &[&two[..], &more[..]].concat(), &open, "failed (refused by the API)");
    let no = [started(1, Kind::First), refused(1, Effect::None, Learned::Nothing)];
    step(api(), &no, &open, "failed (refused by the API)");
    let doubt = [started(1, Kind::First), refused(1, Effect::Unknown, Learned::TryAgain)];
    let never = TargetPolicy { repeat: Repeat::Never, ..api() };
    step(never, &doubt, &open, "indeterminate (refused by the API)");
}

#[test]
fn a_lost_attempt_is_a_doubt() {
    let lost = [started(1, Kind::First), Event::Lost { attempt: 1, at: Timestamp::from_secs(0) }];
    step(api(), &lost, &Sight::default(), "wait 200ms: backoff");
    let never = TargetPolicy { repeat: Repeat::Never, ..api() };
    step(never, &lost, &Sight::default(), "indeterminate (a repeat is not known to be safe)");
}

#[test]
fn an_attempt_that_was_never_sent_does_not_count() {
    let open = Sight::default();
    let unsent = |attempt| match ended(
        attempt,
        Classification::new(Meaning::Retry, Effect::None),
        Learned::Nothing,
    ) {
        Event::Ended(ended) => {
            let error = AttemptError { kind: SendErrorKind::Aborted, message: "".into() };
            Event::Ended(Ended { error: Some(error), ..ended })
        }
        other => other,
    };
    let once = || {
        let mut policy = api();
        policy.retry.attempts_max = 1;
        policy
    };
    let one = [started(1, Kind::First), unsent(1)];
    step(once(), &one, &open, "attempt: First, first way");
    let two = [&one[..], &[started(2, Kind::First), unsent(2)]].concat();
    step(once(), &two, &open, "attempt: First, first way");
    let failed = ended(3, Classification::new(Meaning::Retry, Effect::None), Learned::Nothing);
    let three = [&two[..], &[started(3, Kind::First), failed.clone()]].concat();
    step(once(), &three, &open, "failed (all attempts used up)");
    step(api(), &three, &open, "wait 200ms: backoff");
    let four = [&three[..], &[started(4, Kind::Retry), unsent(4)]].concat();
    step(api(), &four, &open, "attempt: Retry, first way");
    let expired = TargetPolicy { give_up_after: secs(0), ..api() };
    step(expired, &one, &open, "expired");
    // A hedge was beside another one, which counts.
    let hedged = [started(1, Kind::First), started(2, Kind::Hedge), unsent(2)];
    step(api(), &hedged, &open, "Listen { until: None }");
    // Where something may have been applied it is a doubt like any other.
    let aborted = ended(1, Classification::new(Meaning::Retry, Effect::Unknown), Learned::Nothing);
    step(
        once(),
        &[started(1, Kind::First), aborted],
        &open,
        "indeterminate (all attempts used up)",
    );
}

#[test]
fn doors_are_obeyed() {
    let door = |target| Sight { target, ..Sight::default() };
    let soon = Timestamp::from_secs(9);
    step(api(), &[], &door(Door::Open), "attempt: First, first way");
    step(api(), &[], &door(Door::Busy(Why::Concurrency)), "attempt: First, first way");
    step(api(), &[], &door(Door::NotBefore(soon, Why::Throttled)), "wait 9s: throttled");
    step(api(), &[], &door(Door::NotBefore(Timestamp::from_secs(900), Why::Throttled)), "expired");
    step(api(), &[], &door(Door::Shut(Why::Disabled)), "failed (the target is disabled)");
    step(api(), &[], &door(Door::Shut(Why::QueueFull)), "failed (the target's queue is full)");
    let stands_in =
        TargetPolicy { fallback: vec![Fallback::Target("backup".into()).into()], ..api() };
    let to = r#"HandOver { to: "backup", because: Refused(Breaker) }"#;
    step(stands_in.clone(), &[], &door(Door::NotBefore(soon, Why::Breaker)), to);
    // What passes by itself is waited for, whoever could stand in.
    let throttled = door(Door::NotBefore(soon, Why::Throttled));
    step(stands_in.clone(), &[], &throttled, "wait 9s: throttled");
    step(stands_in, &[], &door(Door::Busy(Why::Concurrency)), "attempt: First, first way");
    // Not all come back in the same instant.
    let spread = plan(TargetPolicy { retry: Retry::default(), ..api() });
    let step = next(&spread, &History::default(), &throttled, Timestamp::from_secs(0));
    assert!(matches!(step, Step::Wait { until, .. } if until > soon), "{step:?}");
}

fn started_at(endpoint: &str) -> Event {
    let Event::Started(mut first) = started(1, Kind::First) else { panic!("it is a start") };
    first.way.endpoint = Some(endpoint.into());
    Event::Started(first)
}

#[test]
fn another_endpoint_is_waited_for_where_the_whole_target_pauses() {
    #[track_caller]
    fn check(at: i64, expected: &str) {
        let mut policy = endpoints("a", &["b"]);
        policy.retry.attempts_max = 1;
        let failed = ended(1, Classification::new(Meaning::Retry, Effect::None), Learned::Nothing);
        let target = Door::NotBefore(Timestamp::from_secs(at), Why::Throttled);
        let sight = Sight { target, ..Sight::default() };
        step(policy, &[started_at("a"), failed], &sight, expected);
    }
    check(0, "attempt: First, the endpoint before it failed");
    check(9, "wait 9s: throttled");
    check(299, "wait 299s: throttled");
    check(300, "failed (all attempts used up), passed over: too_late");
}

#[test]
fn an_endpoint_that_is_configured_no_more_is_not_called_again() {
    let failed = ended(1, Classification::new(Meaning::Retry, Effect::None), Learned::Nothing);
    let called = |endpoint| {
        let history: History = [started_at(endpoint), failed.clone()].into_iter().collect();
        let plan = plan(endpoints("a", &["b"]));
        match next(&plan, &history, &Sight::default(), Timestamp::from_secs(1)) {
            Step::Attempt { way, .. } => way.endpoint.map(|endpoint| endpoint.to_string()),
            other => Some(format!("{other:?}")),
        }
    };
    let found = ["a", "b", "old"].map(|it| called(it).unwrap_or_default());
    assert_eq!(found, ["a", "b", "a"]);
}

#[test]
fn a_target_that_disables_itself_is_not_called_again() {
    let gone =
        ended(1, Classification::new(Meaning::TargetDisabled, Effect::None), Learned::Nothing);
    let expected = "failed (the target asked not to be called again)";
    step(api(), &[started(1, Kind::First), gone], &Sight::default(), expected);
}

#[test]
fn an_effect_without_success_is_a_doubt_whatever_the_plugin_says() {
    let odd = ended(1, Classification::new(Meaning::Permanent, Effect::Applied), Learned::Nothing);
    let expected = "indeterminate (refused by the API)";
    step(api(), &[started(1, Kind::First), odd], &Sight::default(), expected);
}

#[test]
fn no_step_depends_on_how_often_it_is_asked() {
    let (plan, sight) = (plan(api()), Sight::default());
    let played = play(vec![api()], [503, 500, 200].map(scripted).to_vec());
    for count in 0..=played.history.events().len() {
        let history: History = played.history.events()[..count].iter().cloned().collect();
        let at = history.events().last().map_or(plan.accepted, Event::at);
        assert_eq!(next(&plan, &history, &sight, at), next(&plan, &history, &sight, at));
    }
}

#[test]
fn reasons_and_codes_are_distinct() {
    let reasons = [
        Reason::Permanent,
        Reason::Unsendable,
        Reason::Error(SendErrorKind::Address),
        Reason::Error(SendErrorKind::Tls),
        Reason::AttemptsUsedUp,
        Reason::ThrottledTooOften,
        Reason::TimeUsedUp,
        Reason::Unauthorized,
        Reason::VersionsUsedUp,
        Reason::TargetDisabled,
        Reason::NotRepeatable,
        Reason::Cancelled,
        Reason::Refused(Why::QueueFull),
    ];
    let codes: std::collections::HashSet<_> = reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes.len(), reasons.len());
    let expected = "cancelled (verdict)";
    assert_eq!(Outcome::Cancelled(CancelledBy::Verdict).to_string(), expected);
    assert_eq!(SendErrorKind::Connect.code(), "connect");
    assert!(Backoff::default().pause(9, 1) <= secs(10));
}

#[test]
fn what_has_expired_is_not_hedged_however_late_that_is_seen() {
    let policy = TargetPolicy { hedge: Some(Hedge::After(secs(1))), ..api() };
    let history: History = [started(1, Kind::First)].into_iter().collect();
    let plan = plan(policy);
    let at = |now| next(&plan, &history, &Sight::default(), now);
    let in_time = at(plan.accepted.after(secs(1)));
    assert!(matches!(in_time, Step::Attempt { kind: Kind::Hedge, .. }), "{in_time:?}");
    assert_eq!(at(plan.expires), Step::Listen { until: None });
}

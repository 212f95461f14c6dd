//! One delivery: the decisions of the engine, against answers from a script, in virtual time.

use std::{
    collections::HashMap,
    io::{self, Read},
    time::Duration,
};

use fanfare_sdk::{Effect, Fallback, Meaning, Profile, Repeat, Timestamp};

use super::route;
use crate::{
    cli::{
        args::{ExplainArgs, JitterArg, RepeatArg},
        kinds::load_without_secrets,
        output::{complain, print},
        payload::span,
        plan::Wrong,
        planned_route::{names, unknown},
        run::Status,
        script,
        text::millis,
    },
    config::Config,
    policy::{
        Backoff, Hedge, Jitter, Retry, Step, TargetPolicy,
        rehearse::{Moment, Rehearsal, Rehearsed, Scripted, rehearse},
    },
    report::{Ended, Outcome, PassedOver, Substitute, Way},
    wire::origin,
};

/// Bytes of a script.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// Plays the script, and prints what is decided and why.
pub(in crate::cli) fn explain(args: &ExplainArgs) -> io::Result<Status> {
    if let Some(load) = &args.load {
        return route::explain(args, load);
    }
    let configured = is_configured(args);
    let rehearsals =
        if configured { configured_rehearsals(args) } else { rehearsal(args).map(|it| vec![it]) };
    match rehearsals {
        Ok(rehearsals) => {
            let mut all_delivered = true;
            for (place, rehearsal) in rehearsals.iter().enumerate() {
                let played = rehearse(rehearsal);
                if configured {
                    let line = if place == 0 { "" } else { "\n" };
                    print(&format!("{line}{}\n", rehearsal.targets[0].target))?;
                }
                print(&tell(&played))?;
                all_delivered &= matches!(played.outcome, Some(Outcome::Delivered { .. }));
            }
            Ok(if all_delivered { Status::Satisfied } else { Status::Unsatisfied })
        }
        Err(problems) => {
            complain(&problems);
            Ok(Status::WrongUsage)
        }
    }
}

/// Whether the policies of a configuration are played.
pub(super) fn is_configured(args: &ExplainArgs) -> bool {
    args.config.is_some() || args.route.is_some() || !args.target.is_empty()
}

fn rehearsal(args: &ExplainArgs) -> Result<Rehearsal, Vec<String>> {
    let mut wrong = Wrong::default();
    let targets = wrong.take_all(policies(args));
    let cancel_after = args.cancel_after.as_ref();
    let cancel_after = cancel_after.and_then(|text| wrong.take(span("--cancel-after", text)));
    let script = wrong.take_all(scripted(args));
    let (Some(targets), Some(script), true) = (targets, script, wrong.0.is_empty()) else {
        return Err(wrong.0);
    };
    let start = Timestamp::default();
    let apis = HashMap::new();
    Ok(Rehearsal { targets, apis, script, seed: args.seed, start, cancel_after })
}

/// Those of the command line: the target `target`, and its stand-ins.
pub(super) fn policies(args: &ExplainArgs) -> Result<Vec<TargetPolicy>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut take = |key: &str, text: &str| {
        span(key, text).map_err(|says| wrong.push(says)).unwrap_or_default()
    };
    let timeout = take("--timeout", &args.timeout);
    let give_up_after = take("--give-up-after", &args.give_up_after);
    let pauses: Vec<Duration> = args.backoff.iter().map(|text| take("--backoff", text)).collect();
    let hedge = args.hedge.as_ref().map(|text| Hedge::After(take("--hedge", text)));
    let backoff = if pauses.is_empty() { Ok(Backoff::default()) } else { Backoff::list(pauses) };
    let backoff =
        backoff.map_err(|error| wrong.push(format!("--backoff: {error}"))).unwrap_or_default();
    if args.attempts == 0 {
        wrong.push("--attempts: must be at least 1".to_owned());
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let retry = Retry {
        attempts_max: args.attempts,
        backoff: backoff.with_jitter(jitter(args)),
        ..Retry::default()
    };
    let target = TargetPolicy { hedge, ..target(args, retry, (timeout, give_up_after)) };
    let plain = |name: &String| TargetPolicy {
        target: name.as_str().into(),
        fallback: vec![Fallback::Version.into()],
        ..target.clone()
    };
    let stand_ins: Vec<_> = args.stand_in.iter().map(plain).collect();
    Ok(std::iter::once(target).chain(stand_ins).collect())
}

/// One for each recipient of a route, or for each target that is named.
fn configured_rehearsals(args: &ExplainArgs) -> Result<Vec<Rehearsal>, Vec<String>> {
    let mut wrong = Wrong::default();
    let script = wrong.take_all(scripted(args));
    let cancel_after = args.cancel_after.as_ref();
    let cancel_after = cancel_after.and_then(|text| wrong.take(span("--cancel-after", text)));
    let config = wrong.take_all(load_without_secrets(args.config.as_ref()));
    let (Some(script), Some(config), true) = (script, config, wrong.0.is_empty()) else {
        return Err(wrong.0);
    };
    let names = recipients(args, &config)?;
    let apis: HashMap<_, _> =
        config.targets.iter().map(|it| (it.policy.target.clone(), it.judged())).collect();
    let rehearsal = |name: &String| {
        // The recipient first; the others in case they stand in.
        let (first, others): (Vec<_>, Vec<_>) =
            config.targets.iter().partition(|it| it.policy.target.as_str() == name);
        Rehearsal {
            targets: first.into_iter().chain(others).map(|it| it.policy.clone()).collect(),
            apis: apis.clone(),
            script: script.clone(),
            seed: args.seed,
            start: Timestamp::default(),
            cancel_after,
        }
    };
    Ok(names.iter().map(rehearsal).collect())
}

/// The recipients of the route, or the targets that are named; all of them, where none is.
pub(super) fn recipients(args: &ExplainArgs, config: &Config) -> Result<Vec<String>, Vec<String>> {
    let known = names(config);
    if let Some(name) = &args.route {
        let route = config.routes.get(name);
        let route = route.ok_or_else(|| vec![unknown("--route", name, config.routes.keys())])?;
        return Ok(route.recipients.iter().map(|it| it.target.to_string()).collect());
    }
    let strange: Vec<_> = args.target.iter().filter(|name| !known.contains(name)).collect();
    if !strange.is_empty() {
        return Err(strange.into_iter().map(|name| unknown("--target", name, &known)).collect());
    }
    Ok(if args.target.is_empty() { known } else { args.target.clone() })
}

fn scripted(args: &ExplainArgs) -> Result<Vec<Scripted>, Vec<String>> {
    read(args.script.as_deref().unwrap_or_default())
        .map_err(|says| vec![says])
        .and_then(|text| script::parse(&text))
}

fn target(
    args: &ExplainArgs,
    retry: Retry,
    (timeout, give_up_after): (Duration, Duration),
) -> TargetPolicy {
    let endpoints = args.endpoint.iter().map(|name| Fallback::Endpoint(name.as_str().into()));
    let stand_ins = args.stand_in.iter().map(|name| Fallback::Target(name.as_str().into()));
    TargetPolicy {
        versions: args.versions.iter().map(|version| version.as_str().into()).collect(),
        fallback: std::iter::once(Fallback::Version)
            .chain(endpoints)
            .chain(stand_ins)
            .map(Into::into)
            .collect(),
        repeat: match args.repeat {
            RepeatArg::Never => Repeat::Never,
            RepeatArg::SameEndpoint => Repeat::SameEndpoint,
            RepeatArg::Anywhere => Repeat::Anywhere,
        },
        retry,
        timeout,
        give_up_after,
        ..TargetPolicy::new("target".into(), &Profile::default())
    }
}

fn jitter(args: &ExplainArgs) -> Jitter {
    match args.jitter {
        JitterArg::Full => Jitter::Full,
        JitterArg::Equal => Jitter::Equal,
        JitterArg::Decorrelated => Jitter::Decorrelated,
        JitterArg::None => Jitter::None,
    }
}

fn read(typed: &str) -> Result<String, String> {
    let mut text = String::new();
    let read = match typed.strip_prefix('@') {
        Some(path) => std::fs::File::open(path)
            .and_then(|f| f.take(SCRIPT_BYTES_MAX).read_to_string(&mut text)),
        None if typed == "-" => io::stdin().lock().take(SCRIPT_BYTES_MAX).read_to_string(&mut text),
        None => return Ok(typed.to_owned()),
    };
    read.map(|_| text).map_err(|error| format!("--script {typed}: {error}"))
}

/// What was decided and why, a line each, with virtual time in front.
fn tell(played: &Rehearsed) -> String {
    let mut text = String::new();
    let (mut number, mut delivered) = (0, false);
    for (at, moment) in &played.moments {
        let says = match moment {
            Moment::Decided(step) => {
                number += u32::from(matches!(step, Step::Attempt { .. }));
                match step {
                    Step::Abort { attempt } if delivered => {
                        format!("attempt {attempt} is aborted: the other one was first")
                    }
                    step => decided(step, number),
                }
            }
            Moment::PassedOver(note) => {
                for passed in &note.passed {
                    text.push_str(&line(*at, &format!("  {}", passed_over(passed))));
                }
                match note.parked_until {
                    Some(until) => format!("parked until {}", time_of(until)),
                    None => continue,
                }
            }
            Moment::Ended(ended) => {
                delivered |= ended.meaning == Meaning::Success;
                answered(ended)
            }
            Moment::Cancelled => "the caller cancels".to_owned(),
        };
        text.push_str(&line(*at, &says));
    }
    text.push_str(&format!("{played}\n"));
    text
}

/// A line with virtual time in front.
fn line(at: Duration, says: &str) -> String {
    format!("{:>9}  {says}\n", millis(at.as_secs_f64() * 1_000.0))
}

/// A moment of virtual time.
fn time_of(at: Timestamp) -> String {
    millis(at.since(Timestamp::default()).as_secs_f64() * 1_000.0)
}

/// `endpoint https://a.example is passed over: it was tried already`
pub(in crate::cli) fn passed_over(passed: &PassedOver) -> String {
    let to = match &passed.fallback {
        Substitute::Version => "the next version".to_owned(),
        Substitute::Endpoint(endpoint) => format!("endpoint {}", origin(endpoint)),
        Substitute::Target(target) => format!("target {target}"),
        Substitute::Reply => "the canned reply".to_owned(),
        Substitute::Park => "parking".to_owned(),
    };
    format!("{to} is passed over: {}", passed.because)
}

fn decided(step: &Step, number: u32) -> String {
    match step {
        Step::Attempt { way, because, timeout, .. } => {
            format!("attempt {number}{}: {because} (up to {timeout:?})", place(way))
        }
        Step::Listen { .. } => "listen".to_owned(),
        Step::Abort { attempt } => format!("attempt {attempt} is aborted: its grace is over"),
        Step::Wait { until, why } => {
            format!("wait until {}: {}", time_of(*until), why.code())
        }
        // What it leads to is told by itself.
        Step::FallBack(_, step) => decided(step, number),
        Step::HandOver { to, because } => format!("hand over to {to}: {because}"),
        Step::Settle(outcome) => format!("settle: {outcome}"),
    }
}

fn place(way: &Way) -> String {
    let version = way.version.as_ref().map(|v| format!(", version {v}")).unwrap_or_default();
    let endpoint =
        way.endpoint.as_ref().map(|e| format!(", endpoint {}", origin(e))).unwrap_or_default();
    format!(" to {}{endpoint}{version}", way.target)
}

fn answered(ended: &Ended) -> String {
    let answer = match (&ended.error, ended.status) {
        (Some(error), _) => error.message.to_string(),
        (None, Some(status)) => status.to_string(),
        (None, None) => "accepted".to_owned(),
    };
    let effect = match ended.effect {
        Effect::None => "nothing was applied",
        Effect::Applied => "applied",
        Effect::Unknown => "may have been applied",
    };
    format!("  {answer}: {}, {effect}", ended.meaning.code())
}

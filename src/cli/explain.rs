//! `fanfare explain`: the decisions of the engine, against answers from a script, in virtual time.

use std::{
    io::{self, Read},
    time::Duration,
};

use fanfare_sdk::{Effect, Fallback, Profile, Repeat, Timestamp};

use super::{
    args::{ExplainArgs, JitterArg, RepeatArg},
    duration,
    output::{complain, print},
    run::Status,
    script,
    text::millis,
};
use crate::{
    policy::{
        Backoff, Jitter, Retry, Step, TargetPolicy,
        rehearse::{Moment, Rehearsal, Rehearsed, rehearse},
    },
    report::{Ended, Outcome, Way},
};

/// Bytes of a script.
const SCRIPT_BYTES_MAX: u64 = 1 << 20;

/// Plays the script, and prints what is decided and why.
pub(super) fn explain(args: &ExplainArgs) -> io::Result<Status> {
    match rehearsal(args) {
        Ok(rehearsal) => {
            let played = rehearse(&rehearsal);
            print(&tell(&played))?;
            Ok(match played.outcome {
                Some(Outcome::Delivered { .. }) => Status::Satisfied,
                Some(_) | None => Status::Unsatisfied,
            })
        }
        Err(problems) => {
            complain(&problems);
            Ok(Status::WrongUsage)
        }
    }
}

fn rehearsal(args: &ExplainArgs) -> Result<Rehearsal, Vec<String>> {
    let mut wrong = Vec::new();
    let mut take = |key: &str, text: &str| {
        duration::parse(key, text).map_err(|says| wrong.push(says)).unwrap_or_default()
    };
    let timeout = take("--timeout", &args.timeout);
    let give_up_after = take("--give-up-after", &args.give_up_after);
    let pauses: Vec<Duration> = args.backoff.iter().map(|text| take("--backoff", text)).collect();
    let cancel_after = args.cancel_after.as_ref().map(|text| take("--cancel-after", text));
    let backoff = if pauses.is_empty() { Ok(Backoff::default()) } else { Backoff::list(pauses) };
    let backoff =
        backoff.map_err(|error| wrong.push(format!("--backoff: {error}"))).unwrap_or_default();
    if args.attempts == 0 {
        wrong.push("--attempts: must be at least 1".to_owned());
    }
    let script =
        match read(&args.script).map_err(|says| vec![says]).and_then(|text| script::parse(&text)) {
            Ok(script) => script,
            Err(says) => {
                wrong.extend(says);
                Vec::new()
            }
        };
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let retry = Retry {
        attempts_max: args.attempts,
        backoff: backoff.with_jitter(jitter(args)),
        ..Retry::default()
    };
    let target = target(args, retry, (timeout, give_up_after));
    let plain = |name: &String| TargetPolicy {
        target: name.as_str().into(),
        fallback: vec![Fallback::Version],
        ..target.clone()
    };
    let stand_ins: Vec<_> = args.stand_in.iter().map(plain).collect();
    let targets = std::iter::once(target).chain(stand_ins).collect();
    let start = Timestamp::default();
    Ok(Rehearsal { targets, script, seed: args.seed, start, cancel_after })
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
        fallback: std::iter::once(Fallback::Version).chain(endpoints).chain(stand_ins).collect(),
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
    let mut number = 0;
    for (at, moment) in &played.moments {
        let says = match moment {
            Moment::Decided(step) => {
                number += u32::from(matches!(step, Step::Attempt { .. }));
                decided(step, number)
            }
            Moment::Ended(ended) => answered(ended),
            Moment::Cancelled => "the caller cancels".to_owned(),
        };
        text.push_str(&format!("{:>9}  {says}\n", millis(at.as_secs_f64() * 1_000.0)));
    }
    text.push_str(&format!("{played}\n"));
    text
}

fn decided(step: &Step, number: u32) -> String {
    match step {
        Step::Attempt { way, because, timeout, .. } => {
            format!("attempt {number}{}: {because} (up to {timeout:?})", place(way))
        }
        Step::Listen { .. } => "listen".to_owned(),
        Step::Abort { attempt } => format!("attempt {attempt} is aborted: its grace is over"),
        Step::Wait { until, why } => {
            let until = until.since(Timestamp::default()).as_secs_f64() * 1_000.0;
            format!("wait until {}: {}", millis(until), why.code())
        }
        Step::HandOver { to, because } => format!("hand over to {to}: {because}"),
        Step::Settle(outcome) => format!("settle: {outcome}"),
    }
}

fn place(way: &Way) -> String {
    let version = way.version.as_ref().map(|v| format!(", version {v}")).unwrap_or_default();
    let endpoint = way.endpoint.as_ref().map(|e| format!(", endpoint {e}")).unwrap_or_default();
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

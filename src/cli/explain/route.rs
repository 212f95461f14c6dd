//! Many deliveries: `--load` and `--outage`.

use std::io;

use fanfare_sdk::Endpoint;

use super::{
    explain::{is_configured, policies, recipients},
    figures, load, table,
};
use crate::{
    cli::{
        args::{ExplainArgs, ExplainOutput},
        kinds,
        output::{complain, print},
        plan::Wrong,
        planned_route::unknown,
        run::Status,
        script,
    },
    policy::{
        FallbackTo, TargetPolicy,
        rehearse::{Load, RouteRehearsal, Scripted},
    },
    wire::origin,
};

/// Deliveries of one rehearsal. Bounds its memory and its time.
const DELIVERIES_MAX: u64 = 1_000_000;

/// What every API does unless something else is said.
const USUALLY: &str = "200 after=100ms";

/// Plays the load, and prints what came of it.
pub(super) fn explain(args: &ExplainArgs, load: &str) -> io::Result<Status> {
    let rehearsal = match rehearsal(args, load) {
        Ok(rehearsal) => rehearsal,
        Err(problems) => {
            complain(&problems);
            return Ok(Status::WrongUsage);
        }
    };
    let played = rehearsal.rehearse();
    print(&match args.output {
        ExplainOutput::Text => table::tell(&played),
        ExplainOutput::Json => figures::json(&played),
    })?;
    let all = played.satisfied() == played.broadcasts;
    Ok(if all { Status::Satisfied } else { Status::Unsatisfied })
}

/// Checks everything.
pub(super) fn rehearsal(args: &ExplainArgs, load: &str) -> Result<RouteRehearsal, Vec<String>> {
    let mut wrong = Wrong::default();
    let load = wrong.take(load::load(load));
    let usually = wrong.take(usually(args));
    let slow = usually.clone().unwrap_or_else(|| Scripted::status(200));
    let mut outages = Vec::new();
    for (place, text) in args.outage.iter().enumerate() {
        let option = format!("--outage {}", place + 1);
        let typed = wrong.take_all(load::outage(&option, text, &slow));
        outages.extend(typed.map(|typed| (option, typed)));
    }
    // With a load that cannot be read, the rest is still worth checking.
    let some = load.map_or_else(|| Load::at_once(1).ok(), Some);
    let targets = some.and_then(|load| wrong.take_all(targets(args, load)));
    let Some((mut rehearsal, policies, recipients)) = targets else { return Err(wrong.0) };
    for (option, typed) in outages {
        let endpoint = wrong.take_all(whom(&option, &typed, &policies));
        if let Some(endpoint) = endpoint {
            rehearsal = rehearsal.outage(typed.at(endpoint));
        }
    }
    let deliveries = load.map_or(0, |load| u64::from(load.count()) * recipients as u64);
    if deliveries > DELIVERIES_MAX {
        wrong.0.push(format!(
            "--load: makes {deliveries} deliveries to {recipients} recipients: {DELIVERIES_MAX} are allowed"
        ));
    }
    let (Some(usually), true) = (usually, wrong.0.is_empty()) else { return Err(wrong.0) };
    Ok(rehearsal.normally(usually).seed(args.seed))
}

fn usually(args: &ExplainArgs) -> Result<Scripted, String> {
    let text = args.script.as_deref().unwrap_or(USUALLY);
    if text.contains([',', '\n']) || text.starts_with('@') || text == "-" {
        return Err(format!(
            "--script: `{text}`: with `--load` it is one answer: `{USUALLY}` would be right"
        ));
    }
    script::answer(text).map_err(|says| format!("--script: {says}"))
}

/// The rehearsal without its outages, with all policies and the number of recipients.
type Cast = (RouteRehearsal, Vec<TargetPolicy>, usize);

fn targets(args: &ExplainArgs, load: Load) -> Result<Cast, Vec<String>> {
    let mut rehearsal = RouteRehearsal::new(load);
    if !is_configured(args) {
        let policies = policies(args)?;
        for (place, policy) in policies.iter().cloned().enumerate() {
            let first = place == 0;
            rehearsal = if first { rehearsal.to(policy) } else { rehearsal.stand_in(policy) };
        }
        return Ok((rehearsal, policies, 1));
    }
    let config = kinds::load_without_secrets(args.config.as_ref())?;
    let names = recipients(args, &config)?;
    let route = args.route.as_ref().and_then(|name| config.routes.get(name));
    let optional = |name: &str| {
        let recipient =
            route.and_then(|route| route.recipients.iter().find(|it| it.target.as_str() == name));
        recipient.is_some_and(|recipient| !recipient.required)
    };
    let policy = |name: &str| config.targets.iter().find(|it| it.policy.target.as_str() == name);
    for name in &names {
        let Some(target) = policy(name) else { continue };
        let policy = target.policy.clone();
        rehearsal = if optional(name) { rehearsal.optional(policy) } else { rehearsal.to(policy) };
    }
    for target in &config.targets {
        let name = target.policy.target.clone();
        if !names.iter().any(|other| other == name.as_str()) {
            rehearsal = rehearsal.stand_in(target.policy.clone());
        }
        rehearsal = rehearsal.api(name, target.judged());
    }
    if let Some(route) = route {
        let (completion, rest) = (route.completion, route.rest);
        rehearsal = rehearsal.completion(completion).rest(rest).deadline(route.deadline);
        rehearsal = rehearsal.accept_substituted(route.accept_substituted);
        rehearsal = rehearsal.priority(route.priority);
    }
    let rehearsal = rehearsal.retry_budget(config.engine.retry_budget.clone());
    let policies = config.targets.iter().map(|it| it.policy.clone()).collect();
    Ok((rehearsal, policies, names.len()))
}

/// Whom an outage concerns: the endpoint, where one is named.
fn whom(
    option: &str,
    typed: &load::Typed,
    policies: &[TargetPolicy],
) -> Result<Option<Endpoint>, Vec<String>> {
    let Some(policy) = policies.iter().find(|it| it.target.as_str() == typed.target) else {
        let known: Vec<_> = policies.iter().map(|it| it.target.to_string()).collect();
        return Err(vec![match known.as_slice() {
            [only] if only == "target" => {
                format!(
                    "{option}: there is no `{}` without a configuration: there is `target`",
                    typed.target
                )
            }
            _ => unknown(option, &typed.target, &known),
        }]);
    };
    let Some(wanted) = &typed.endpoint else { return Ok(None) };
    let fallback = policy.fallback.iter().filter_map(|rule| match &rule.to {
        FallbackTo::Endpoint(endpoint) => Some(endpoint),
        FallbackTo::Version
        | FallbackTo::Target(_)
        | FallbackTo::Reply(_)
        | FallbackTo::Park(_) => None,
    });
    let all: Vec<_> = policy.endpoint.iter().chain(fallback).collect();
    let same = |endpoint: &&&Endpoint| endpoint.as_str() == wanted || origin(endpoint) == *wanted;
    match all.iter().find(same) {
        Some(endpoint) => Ok(Some((*endpoint).clone())),
        None => {
            let known: Vec<_> = all.iter().map(|it| format!("`{}`", origin(it))).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let target = &typed.target;
            Err(vec![format!(
                "{option}: `{wanted}` is no endpoint of `{target}`: there is {known}"
            )])
        }
    }
}

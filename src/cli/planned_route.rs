//! `fanfare send --route` and `--target`: what the configuration says is to be sent, and to whom.

use fanfare_sdk::TargetName;

use super::{
    args::SendArgs,
    kinds::load_connected,
    output::warn,
    payload::{payload, span},
    plan::{SendPlan, Wrong, until},
};
use crate::{
    config::{Config, Route},
    engine::{Broadcast, Target},
    report::Notify,
};

/// Checks everything.
pub(super) fn along_route(args: &SendArgs) -> Result<SendPlan, Vec<String>> {
    let mut wrong = Wrong::default();
    let config = wrong.take_all(load_connected(args.config.as_ref()));
    let payload = payload(args, None, &mut wrong);
    let deadline = args.deadline.as_ref().and_then(|text| wrong.take(span("--deadline", text)));
    if args.route.is_none() && args.target.is_empty() {
        wrong.0.push("nobody to send to: add `--route NAME` or `--target NAME`".to_owned());
    }
    let (Some(config), Some(payload), true) = (config, payload, wrong.0.is_empty()) else {
        return Err(wrong.0);
    };
    let broadcast = match &args.route {
        Some(name) => {
            let Some(route) = config.routes.get(name) else {
                return Err(vec![unknown("--route", name, config.routes.keys())]);
            };
            let along = Broadcast::along(name, route, &payload);
            let along =
                along.map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>())?;
            unnotified(along, route)
        }
        None => {
            let names = names(&config);
            for (place, name) in args.target.iter().enumerate() {
                if !names.contains(name) {
                    wrong.0.push(unknown("--target", name, &names));
                }
                if args.target[..place].contains(name) {
                    wrong.0.push(format!("--target: `{name}` is given twice"));
                }
            }
            args.target.iter().fold(Broadcast::new(payload), |b, name| b.to(name.as_str()))
        }
    };
    if !wrong.0.is_empty() {
        return Err(wrong.0);
    }
    let (targets, engine) = (config.targets.into_iter(), config.engine);
    let targets = targets.map(Target::from).collect();
    Ok(SendPlan { targets, broadcast: until(broadcast, deadline, args), engine })
}

/// What ends with its deliveries cannot tell of them for as long as that takes.
fn unnotified(broadcast: Broadcast, route: &Route) -> Broadcast {
    let Some(Notify { target, .. }) = &route.notify else { return broadcast };
    warn(&format!("`{target}` is not notified: only `fanfare serve` sends notices"));
    broadcast.notify(target.clone(), [])
}

/// The names of the targets.
pub(super) fn names(config: &Config) -> Vec<String> {
    config.targets.iter().map(|t| &t.policy.target).map(TargetName::to_string).collect()
}

/// That there is nothing of that name, and what there is.
pub(super) fn unknown<'n>(
    option: &str,
    name: &str,
    known: impl IntoIterator<Item = &'n String>,
) -> String {
    let known: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    format!("{option}: `{name}` is not in the configuration: there is {known}")
}

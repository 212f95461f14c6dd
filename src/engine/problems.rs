//! What can be wrong with targets that are to be delivered to side by side.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use fanfare_sdk::TargetName;

use super::{StartProblem, Target};
use crate::policy::{FallbackRule, FallbackTo, TargetPolicy};

/// Attempts of one delivery on one way. Each is kept in its history.
const ATTEMPTS_MAX: u32 = 1_000;

/// Throttled attempts of one delivery at one target. Each is kept in its history.
const THROTTLED_MAX: u32 = 10_000;

/// All that is wrong with these targets, beside others that are there already.
pub(super) fn problems(
    targets: &[&Target],
    others: &[Arc<TargetPolicy>],
    targets_max: usize,
) -> Vec<StartProblem> {
    let mut problems = Vec::new();
    if targets.is_empty() && others.is_empty() {
        problems.push(StartProblem::NoTarget);
    }
    let count = targets.len() + others.len();
    if count > targets_max {
        problems.push(StartProblem::TooManyTargets { count, max: targets_max });
    }
    let policies = || targets.iter().map(|t| &t.policy).chain(others.iter().map(|p| &**p));
    let stand_ins: HashMap<_, Vec<_>> = policies().map(|p| (&p.target, stand_ins(p))).collect();
    let mut seen: HashSet<_> = others.iter().map(|policy| &policy.target).collect();
    for target in targets {
        let (name, policy) = (&target.policy.target, &target.policy);
        if !seen.insert(name) {
            problems.push(StartProblem::Twice(name.clone()));
        }
        if target.panicked {
            problems.push(StartProblem::Panicked(name.clone()));
        }
        if target.has_expressions && target.mapper.is_none() {
            problems.push(StartProblem::NoMapper(name.clone()));
        }
        let zero = |key| StartProblem::Zero { target: name.clone(), key };
        problems.extend((policy.retry.attempts_max == 0).then(|| zero("attempts_max")));
        problems.extend((policy.queue_max == 0).then(|| zero("queue_max")));
        problems.extend(policy.timeout.is_zero().then(|| zero("timeout")));
        let over = |key, max| StartProblem::TooMany { target: name.clone(), key, max };
        let retry = &policy.retry;
        problems.extend(
            (retry.attempts_max > ATTEMPTS_MAX).then(|| over("attempts_max", ATTEMPTS_MAX)),
        );
        problems.extend(
            (retry.throttled_max > THROTTLED_MAX).then(|| over("throttled_max", THROTTLED_MAX)),
        );
        for stand_in in self::stand_ins(policy) {
            if !stand_ins.contains_key(stand_in) {
                let (target, stand_in) = (name.clone(), stand_in.clone());
                problems.push(StartProblem::UnknownStandIn { target, stand_in });
            }
        }
        if reaches_itself(name, &stand_ins) {
            problems.push(StartProblem::Cycle(name.clone()));
        }
    }
    problems
}

/// The targets that stand in for one.
pub(super) fn stand_ins(policy: &TargetPolicy) -> Vec<&TargetName> {
    fn stand_in(rule: &FallbackRule) -> Option<&TargetName> {
        match &rule.to {
            FallbackTo::Target(to) => Some(to),
            FallbackTo::Version
            | FallbackTo::Endpoint(_)
            | FallbackTo::Reply(_)
            | FallbackTo::Park(_) => None,
        }
    }
    policy.fallback.iter().filter_map(stand_in).collect()
}

fn reaches_itself(name: &TargetName, stand_ins: &HashMap<&TargetName, Vec<&TargetName>>) -> bool {
    let mut reached = HashSet::new();
    let mut ahead = stand_ins[name].clone();
    while let Some(next) = ahead.pop() {
        if reached.insert(next) {
            ahead.extend(stand_ins.get(next).into_iter().flatten());
        }
    }
    reached.contains(name)
}

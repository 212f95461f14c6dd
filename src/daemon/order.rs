//! What somebody wants to be sent: the body of `POST /v1/broadcasts`.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;
use fanfare_sdk::Payload;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Daemon,
    configured::Configured,
    members::Members,
    problem::{Mistake, Problem, ProblemKind, short},
};
use crate::{
    config::{nearest, parse_duration},
    engine::{AcceptError, AcceptProblem, Broadcast},
    report::{Completion, Priority, Rest},
};

const KNOWN: &str = "there are `route`, `to`, `payload`, `completion`, `rest`, `deadline`, `priority` and `metadata`";

/// Names that are looked at; how many there may be is for the engine to say.
const NAMES_MAX: usize = 10_000;

/// A name, or a map with more to say.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum To {
    Name(String),
    More(More),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct More {
    target: String,
    #[serde(default)]
    optional: bool,
}

/// Reads what is to be sent. Everything that is wrong is said at once.
pub(super) fn order(daemon: &Daemon, body: &Bytes) -> Result<Broadcast, Problem> {
    let mut members = Members::of(body)?;
    let payload = members.raw("payload").map(|bytes| Payload::new("application/json", bytes));
    if payload.is_none() {
        members.mistake("payload", "is missing");
    }
    let route = members.take::<String>("route", "the name of a route");
    let to = members.take::<Vec<To>>(
        "to",
        "a list of targets: each its name, or `{\"target\": NAME, \"optional\": true}`",
    );
    let configured = daemon.configured();
    let broadcast = match (route, to) {
        (Some(_), Some(_)) => {
            members.mistake("to", "cannot stand beside `route`");
            None
        }
        (Some(route), None) => along(&configured, &route, payload.as_ref(), &mut members),
        (None, Some(to)) => Some(list(&configured, to, payload, &mut members)),
        (None, None) => {
            if members.mistakes.is_empty() {
                members.mistake("route", "is missing: name one, or list targets in `to`");
            }
            None
        }
    };
    let completion = "`all`, `any`, `best_effort` or `{\"quorum\": 2}`";
    let completion = members.take::<Completion>("completion", completion);
    let rest = members.take::<Rest>("rest", "`finish` or `cancel`");
    let priority = members.take::<Priority>("priority", "`high`, `normal` or `low`");
    let deadline = members.take::<String>("deadline", "a duration like `10s`");
    let deadline = deadline.and_then(|text| match parse_duration(&text) {
        Ok(deadline) if deadline.is_zero() => {
            members.mistake("deadline", "must be longer than zero");
            None
        }
        Ok(deadline) => Some(deadline),
        Err(says) => {
            members.mistake("deadline", says);
            None
        }
    });
    let metadata = metadata(daemon, &mut members);
    members.end(KNOWN)?;
    let Some(mut broadcast) = broadcast else { return Err(Problem::invalid(Vec::new())) };
    if let Some(completion) = completion {
        broadcast = broadcast.completion(completion);
    }
    if let Some(rest) = rest {
        broadcast = broadcast.rest(rest);
    }
    if let Some(priority) = priority {
        broadcast = broadcast.priority(priority);
    }
    if let Some(deadline) = deadline {
        broadcast = broadcast.deadline(deadline);
    }
    Ok(broadcast.metadata(metadata))
}

fn along(
    configured: &Configured,
    name: &str,
    payload: Option<&Payload>,
    members: &mut Members<'_>,
) -> Option<Broadcast> {
    let Some(route) = configured.routes.get(name) else {
        members.mistake("route", unknown("route", name, configured.routes.keys()));
        return None;
    };
    match Broadcast::along(name, route, payload?) {
        Ok(broadcast) => Some(broadcast),
        Err(wrong) => {
            let mistakes = wrong.iter().map(|it| Mistake::in_body("/payload", it.to_string()));
            members.mistakes.extend(mistakes);
            None
        }
    }
}

fn list(
    configured: &Configured,
    to: Vec<To>,
    payload: Option<Payload>,
    members: &mut Members<'_>,
) -> Broadcast {
    let payload = payload.unwrap_or_else(|| Payload::new("application/json", "null"));
    let mut broadcast = Broadcast::new(payload);
    let mut seen = HashSet::new();
    for (place, to) in to.into_iter().enumerate().take(NAMES_MAX) {
        let (target, optional) = match to {
            To::Name(target) => (target, false),
            To::More(More { target, optional }) => (target, optional),
        };
        let mut wrong =
            |says| members.mistakes.push(Mistake::in_body(format!("/to/{place}"), says));
        if !configured.kinds.contains_key(&target) {
            wrong(unknown("target", &target, configured.kinds.keys()));
        } else if !seen.insert(target.clone()) {
            wrong(format!("`{target}` is given twice"));
        }
        broadcast = if optional { broadcast.optional(target) } else { broadcast.to(target) };
    }
    broadcast
}

/// That there is nothing of that name, and what may have been meant.
fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n String>) -> String {
    let known: Vec<_> = known.cloned().collect();
    let meant = nearest(name, &known).map(|meant| format!(": `{meant}` is near"));
    format!("there is no {what} `{}`{}", short(name), meant.unwrap_or_default())
}

fn metadata(daemon: &Daemon, members: &mut Members<'_>) -> BTreeMap<String, Value> {
    let Some(raw) = members.raw("metadata") else { return BTreeMap::new() };
    let (bytes, bytes_max) = (raw.len(), daemon.limits.metadata_bytes_max);
    if bytes > bytes_max {
        members.mistake("metadata", format!("has {bytes} bytes, and may have {bytes_max}"));
        return BTreeMap::new();
    }
    match serde_json::from_slice::<Option<BTreeMap<String, Value>>>(&raw) {
        Ok(metadata) => metadata.unwrap_or_default(),
        Err(_) => {
            members.mistake("metadata", "must be an object");
            BTreeMap::new()
        }
    }
}

/// Why it is not accepted, at the place in the body where that comes from.
pub(super) fn refused(error: AcceptError) -> Problem {
    let problems = match error {
        AcceptError::Invalid { problems } => problems,
        AcceptError::Journal(error) => return error.into(),
        AcceptError::Closing => {
            return Problem::new(ProblemKind::ShuttingDown, "nothing is accepted any more");
        }
    };
    let at = |problem: &AcceptProblem| match problem {
        AcceptProblem::PayloadTooLarge { .. } | AcceptProblem::OrderKey { .. } => "/payload",
        AcceptProblem::Quorum { .. } => "/completion",
        _ => "/to",
    };
    let mistake = |it: &AcceptProblem| Mistake::in_body(at(it), it.to_string());
    Problem::invalid(problems.iter().map(mistake).collect())
}

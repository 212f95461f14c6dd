//! What somebody wants to be sent: the body of `POST /v1/broadcasts`.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use bytes::Bytes;
use fanfare_sdk::{Payload, Span};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    Daemon,
    callers::Caller,
    configured::Configured,
    members::Members,
    problem::{Mistake, Problem, ProblemKind, short},
};
use crate::{
    config::{Route, Violation, nearest},
    engine::{AcceptError, AcceptProblem, Broadcast, RouteError},
    report::{Completion, Priority, Rest},
};

const KNOWN: &str = "there are `route`, `to`, `payload`, `completion`, `rest`, `deadline`, `priority` and `metadata`";

/// What stands in `to`.
const ONE: &str = "the name of a target, or `{\"target\": NAME, \"optional\": true}`";

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

/// Why a payload cannot go along a route.
#[derive(Debug, Default)]
pub(super) struct Unfit {
    /// Violations of the schema of the route.
    errors: Vec<Mistake>,
    /// That there are more.
    more: Option<String>,
    /// Conditions that cannot be worked out.
    others: Vec<Mistake>,
}

/// Reads what is to be sent. Everything that is wrong is said at once.
pub(super) async fn order(
    daemon: &Arc<Daemon>,
    (caller, configured): (&Caller, &Arc<Configured>),
    body: &Bytes,
) -> Result<Broadcast, Problem> {
    let (of, caller, configured) = (daemon.clone(), caller.clone(), configured.clone());
    let (bytes, body) = (body.len(), body.clone());
    daemon.worked_out(bytes, move || read(&of, (&caller, &*configured), &body)).await?
}

fn read(
    daemon: &Daemon,
    (caller, configured): (&Caller, &Configured),
    body: &Bytes,
) -> Result<Broadcast, Problem> {
    let mut members = Members::of(body)?;
    let mut unfit = Unfit::default();
    let payload = members.raw("payload").map(|bytes| Payload::new("application/json", bytes));
    if payload.is_none() {
        members.mistake("payload", "is missing");
    }
    let route = members.take::<String>("route", "the name of a route");
    let to = members.take::<Vec<Box<RawValue>>>("to", &format!("a list of targets: each {ONE}"));
    caller.may_send(route.as_deref())?;
    let broadcast = match (route, to) {
        (Some(_), Some(_)) => {
            members.mistake("to", "cannot stand beside `route`");
            None
        }
        (Some(route), None) => {
            along(configured, (&route, payload.as_ref()), &mut members, &mut unfit)
        }
        (None, Some(to)) => Some(list(configured, to, payload, &mut members)),
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
    let deadline = deadline.and_then(|text| match Span::parse(&text) {
        Ok(Span(deadline)) if deadline.is_zero() => {
            members.mistake("deadline", "must be longer than zero");
            None
        }
        Ok(Span(deadline)) => Some(deadline),
        Err(says) => {
            members.mistake("deadline", says);
            None
        }
    });
    let metadata = metadata(daemon, &mut members);
    unfit.beside(members.end(KNOWN))?;
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
    (name, payload): (&str, Option<&Payload>),
    members: &mut Members<'_>,
    unfit: &mut Unfit,
) -> Option<Broadcast> {
    let Some(route) = configured.routes.get(name) else {
        members.mistake("route", unknown("route", name, configured.routes.keys()));
        return None;
    };
    match fitting((name, route), payload?, "/payload") {
        Ok(broadcast) => Some(broadcast),
        Err(found) => {
            *unfit = found;
            None
        }
    }
}

/// A payload that stands at that place of the body, along a route.
pub(super) fn fitting(
    (name, route): (&str, &Route),
    payload: &Payload,
    at: &str,
) -> Result<Broadcast, Unfit> {
    Broadcast::along(name, route, payload).map_err(|wrong| {
        let mut unfit = Unfit::default();
        for wrong in wrong {
            match wrong {
                RouteError::Schema(Violation { pointer, says, .. }) => {
                    unfit.errors.push(violation(at, &pointer, says));
                }
                RouteError::MoreViolations(says) => unfit.more = Some(says),
                other => unfit.others.push(Mistake::in_body(at, other.to_string())),
            }
        }
        unfit
    })
}

/// What is encoded has no places that a pointer can name.
fn violation(at: &str, pointer: &str, says: String) -> Mistake {
    if at == "/data_base64" && !pointer.is_empty() {
        return Mistake::in_body(at, format!("{pointer} {says}"));
    }
    Mistake::in_body(format!("{at}{pointer}"), says)
}

impl Unfit {
    /// Where nothing else is wrong.
    pub(super) fn problem(self) -> Problem {
        if self.errors.is_empty() {
            return Problem::invalid(self.others);
        }
        Problem::payload(self.errors, self.more)
    }

    /// With what else is wrong with the request.
    fn beside(self, rest: Result<(), Problem>) -> Result<(), Problem> {
        match rest {
            rest if self.errors.is_empty() && self.others.is_empty() => rest,
            Ok(()) => Err(self.problem()),
            Err(problem) => {
                Err(self.errors.into_iter().chain(self.others).fold(problem, Problem::and))
            }
        }
    }
}

fn list(
    configured: &Configured,
    to: Vec<Box<RawValue>>,
    payload: Option<Payload>,
    members: &mut Members<'_>,
) -> Broadcast {
    let payload = payload.unwrap_or_else(|| Payload::new("application/json", "null"));
    let mut broadcast = Broadcast::new(payload);
    let mut seen = HashSet::new();
    for (place, to) in to.into_iter().enumerate().take(NAMES_MAX) {
        let mut wrong =
            |says| members.mistakes.push(Mistake::in_body(format!("/to/{place}"), says));
        let (target, optional) = match serde_json::from_str(to.get()) {
            Ok(To::Name(target)) => (target, false),
            Ok(To::More(More { target, optional })) => (target, optional),
            Err(_) => {
                wrong(format!("must be {ONE}"));
                continue;
            }
        };
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
        Err(error) => {
            // It is JSON: what its reader does not take is the depth.
            let is_deep = !error.is_data();
            let says =
                if is_deep { "is nested deeper than 128 levels" } else { "must be an object" };
            members.mistake("metadata", says);
            BTreeMap::new()
        }
    }
}

/// Why it is not accepted, at the place in the body where that comes from.
pub(super) fn refused(error: AcceptError, payload_at: &str) -> Problem {
    let problems = match error {
        AcceptError::Invalid { problems } => problems,
        AcceptError::Journal(error) => return error.into(),
        AcceptError::Closing => {
            return Problem::new(ProblemKind::ShuttingDown, "nothing is accepted any more");
        }
    };
    let at = |problem: &AcceptProblem| match problem {
        AcceptProblem::PayloadTooLarge { .. } | AcceptProblem::OrderKey { .. } => payload_at,
        AcceptProblem::Quorum { .. } => "/completion",
        _ => "/to",
    };
    let mistake = |it: &AcceptProblem| Mistake::in_body(at(it), it.to_string());
    Problem::invalid(problems.iter().map(mistake).collect())
}

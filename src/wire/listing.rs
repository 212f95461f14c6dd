//! What the daemon answers beside reports: lists, and what was done.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::{Reason, Warning, reason, said, time};
use crate::{
    journal,
    policy::VersionStatus,
    report::{self, BroadcastId, Completion, Occasion, Priority, Rest},
};

/// A broadcast was accepted; what becomes of it is found elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Accepted {
    /// The broadcast.
    pub id: String,
    /// The path of its report.
    pub location: String,
}

/// A page of broadcasts, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Broadcasts {
    /// The broadcasts.
    pub broadcasts: Vec<Summary>,
    /// Where the next page begins; null on the last one.
    pub next: Option<String>,
}

/// A broadcast in a list.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Summary {
    /// The broadcast.
    pub id: String,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// `satisfied` or `unsatisfied`; null while it is open.
    pub verdict: Option<Cow<'static, str>>,
    /// What the verdict fell by; null while it is open.
    pub completed_by: Option<Cow<'static, str>>,
    /// When it was accepted: RFC 3339, UTC.
    pub accepted_at: String,
    /// When the verdict fell.
    pub completed_at: Option<String>,
    /// When the last delivery settled.
    pub settled_at: Option<String>,
    /// The broadcast that it repeats.
    pub replay_of: Option<String>,
    /// The broadcast whose report it carries, where it is a notice.
    pub notice_of: Option<String>,
}

/// A page of dead letters, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DeadLetters {
    /// The dead letters.
    pub dead_letters: Vec<DeadLetter>,
    /// Where the next page begins; null on the last one.
    pub next: Option<String>,
}

/// A delivery that ended without success.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct DeadLetter {
    /// Its broadcast.
    pub broadcast: String,
    /// Its recipient.
    pub target: String,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// `failed`, `indeterminate`, `expired` or `substituted`.
    pub outcome: Cow<'static, str>,
    /// Why.
    pub reason: Option<Reason>,
    /// When it ended.
    pub settled_at: String,
    /// When it is sent again by itself, where it is parked; left out where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_until: Option<String>,
}

/// What is sent again, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Replayed {
    /// Nothing was done.
    pub dry_run: bool,
    /// Dead letters that are sent again.
    pub dead_letters: usize,
    /// Dead letters that fit and are left, since they may have been applied.
    pub in_doubt: usize,
    /// The broadcasts that repeat them; those of a replay with a rate begin later and are not named.
    pub replays: Vec<Again>,
    /// What could not be sent again, and why.
    pub refused: Vec<Refused>,
    /// There are more: ask again.
    pub more: bool,
}

/// A broadcast that repeats another one.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Again {
    /// The one that is repeated.
    pub replay_of: String,
    /// The one that repeats it.
    pub id: String,
    /// The path of its report.
    pub location: String,
}

/// A broadcast that cannot be repeated.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Refused {
    /// The one that was to be repeated.
    pub replay_of: String,
    /// Why not.
    pub detail: String,
}

/// What is taken off the list, or would be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Discarded {
    /// Nothing was done.
    pub dry_run: bool,
    /// Dead letters that are taken off.
    pub dead_letters: usize,
    /// There are more: ask again.
    pub more: bool,
}

/// The routes, by name.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Routes {
    /// The routes.
    pub routes: Vec<Route>,
}

/// A named recipient list.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Its recipients.
    pub to: Vec<Recipient>,
    /// `all`, `any`, `best_effort`, or a map from `quorum` to a number.
    pub completion: Completion,
    /// Whether a canned reply that stands in counts as a success.
    pub accept_substituted: bool,
    /// `finish` or `cancel`.
    pub rest: Rest,
    /// `high`, `normal` or `low`.
    pub priority: Priority,
    /// Milliseconds from the acceptance to the verdict at the latest.
    pub deadline_ms: Option<u64>,
    /// Whom its reports are sent to, and when.
    pub notify: Option<Notify>,
}

/// Whom the reports of a route are sent to, and when.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Notify {
    /// The target.
    pub target: String,
    /// `verdict`, `settled`, or both.
    pub on: Vec<Occasion>,
}

/// A recipient of a route.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "RouteRecipient")]
pub struct Recipient {
    /// The target.
    pub target: String,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Whether a condition may leave it out.
    pub conditional: bool,
}

/// Whether the daemon accepts broadcasts.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Readiness {
    /// It does.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// How it went when another configuration was to be taken over the last time. A refused one is no reason not to be
    /// ready: the one before holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<LastReload>,
}

/// How it went when another configuration was to be taken over the last time.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct LastReload {
    /// When: RFC 3339, UTC.
    pub at: String,
    /// The one before holds.
    pub refused: bool,
    /// How many mistakes there were.
    pub mistakes: usize,
}

/// The targets, by name.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Targets {
    /// The targets.
    pub targets: Vec<Target>,
}

/// How a target stands.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// The kind that the configuration names.
    pub kind: String,
    /// `ready`, `paused`, `disabled` (it asked not to be called), `failed` (its plugin ended too often) or `leaving` (it is
    /// gone from the configuration, and not from its open deliveries).
    pub state: Cow<'static, str>,
    /// Deliveries that have not settled.
    pub open: u64,
    /// Those of them that wait before its gate.
    pub at_gate: usize,
    /// Attempts in flight.
    pub in_flight: usize,
    /// `closed`, `open`, `half_open`, `forced_open`, `forced_closed` or `disabled`.
    pub breaker: Cow<'static, str>,
    /// What its gate holds attempts back for now, as in `reason` of a report; null where it lets them through.
    pub held_by: Option<Cow<'static, str>>,
    /// Attempts that have ended since the daemon was started.
    pub attempts: u64,
    /// Those of them that did not succeed.
    pub attempts_failed: u64,
    /// The median of what the latest 512 answered attempts took, in milliseconds; null before there are any.
    pub p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub p99_ms: Option<f64>,
    /// What its API announced of its versions.
    pub warnings: Vec<Warning>,
    /// How its versions stand, preferred first.
    pub versions: Vec<Version>,
}

/// How a version of a target stands.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Version {
    /// The version; null where the target has none, and its API has announced something all the same.
    pub version: Option<String>,
    /// Whether it is the one that is configured first.
    pub preferred: bool,
    /// Whether deliveries begin with it now.
    pub used: bool,
    /// Its API has rejected it, and it is not asked for again before that time; null where it is not rejected.
    pub rejected_until: Option<String>,
    /// Whether it is deprecated, or will be.
    pub deprecated: bool,
    /// Since when, or from when on; null where that is not known.
    pub deprecated_at: Option<String>,
    /// When it is likely to be gone.
    pub sunset: Option<String>,
    /// What follows: a URL as it was announced, or what is configured.
    pub successor: Option<String>,
    /// Where there is more to read: a guide to the change.
    pub guide: Option<String>,
}

/// What `fanfare versions` prints as JSON.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Versions {
    /// When it was asked.
    pub at: String,
    /// By the names of the targets.
    pub targets: Vec<TargetVersions>,
}

/// The versions of a target.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct TargetVersions {
    /// The target.
    pub target: String,
    /// Preferred first.
    pub versions: Vec<Version>,
}

impl From<&VersionStatus> for Version {
    fn from(status: &VersionStatus) -> Self {
        let VersionStatus { version, preferred, used, rejected_until, notice } = status;
        Self {
            version: version.as_ref().map(ToString::to_string),
            preferred: *preferred,
            used: *used,
            rejected_until: rejected_until.map(time),
            deprecated: notice.deprecated,
            deprecated_at: notice.deprecated_at.map(time),
            sunset: notice.sunset.map(time),
            successor: notice.successor.clone(),
            guide: notice.documentation.clone(),
        }
    }
}

impl Accepted {
    /// With the path of the report.
    #[must_use]
    pub fn new(id: BroadcastId) -> Self {
        Self { id: id.to_string(), location: location(id) }
    }
}

/// The path of a broadcast's report.
fn location(id: BroadcastId) -> String {
    format!("/v1/broadcasts/{id}")
}

impl Again {
    /// `id` repeats `replay_of`.
    #[must_use]
    pub fn new(replay_of: BroadcastId, id: BroadcastId) -> Self {
        Self { replay_of: replay_of.to_string(), id: id.to_string(), location: location(id) }
    }
}

impl From<&journal::Summary> for Summary {
    fn from(summary: &journal::Summary) -> Self {
        let journal::Summary { id, route, accepted_at, verdict, settled_at, replay_of, notice_of } =
            summary;
        Self {
            id: id.to_string(),
            route: route.clone(),
            verdict: verdict.map(said),
            completed_by: verdict.map(|verdict| verdict.by.code().into()),
            accepted_at: time(*accepted_at),
            completed_at: verdict.map(|verdict| time(verdict.at)),
            settled_at: settled_at.map(time),
            replay_of: replay_of.map(|id| id.to_string()),
            notice_of: notice_of.map(|of| of.broadcast.to_string()),
        }
    }
}

impl DeadLetter {
    /// With what the API said last.
    pub(crate) fn of(letter: &journal::DeadLetter, said: Option<&report::Said>) -> Self {
        let journal::DeadLetter { id, route, outcome, settled_at, parked_until } = letter;
        Self {
            broadcast: id.broadcast.to_string(),
            target: id.recipient.to_string(),
            route: route.clone(),
            outcome: outcome.code().into(),
            reason: reason(*outcome)
                .map(|reason| Reason { said: said.map(super::Said::from), ..reason }),
            settled_at: time(*settled_at),
            parked_until: parked_until.map(time),
        }
    }
}

/// Another configuration was taken over.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Reloaded {
    /// Whether anything is other than before.
    pub changed: bool,
    /// The targets.
    pub targets: Changes,
    /// The routes.
    pub routes: Changes,
    /// Whether what holds for all targets together has changed.
    pub engine: bool,
    /// Keys at the top of the configuration that have changed, and hold after a restart only.
    pub restart: Vec<String>,
}

/// Names that came, changed and went.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Changes {
    /// Those that came.
    pub added: Vec<String>,
    /// Those of which something else is said than before.
    pub replaced: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
}

impl Changes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.added, &self.replaced, &self.removed].iter().all(|names| names.is_empty())
    }
}
